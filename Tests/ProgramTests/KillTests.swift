import Foundation
import Glibc
import Store
import Testing

/// Killed at any moment, the program leaves a store that opens and has all that was named; the next
/// collection or build clears up.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct KillTests {
    /// More with VITRINE_KILLS=200.
    private static let kills = number("VITRINE_KILLS").map { Int($0) } ?? 12
    /// The same moments again with the printed VITRINE_SEED, as far as the machine allows.
    private static let seed = number("VITRINE_SEED") ?? .random(in: .min ... .max)

    private static func number(_ variable: String) -> UInt64? {
        ProcessInfo.processInfo.environment[variable].flatMap { UInt64($0) }
    }

    @Test(.timeLimit(.minutes(30)))
    func `kill -9 at random moments of load, build and gc loses nothing`() throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try program.run("save", "-o", "base.tar", "base")
        try program.run("tag", "base", "kept")
        try program.write("FROM base\nCOPY . /c\nRUN seq 1000 > /n\n", to: "context/Dockerfile")
        print("VITRINE_SEED=\(Self.seed)")
        var random = SeededNumbers(state: Self.seed)
        for round in 0..<Self.kills {
            try program.write("\(round)", to: "context/f")
            let commands = [
                ["load", "-i", "base.tar"], ["build", "-t", "built", "context"], ["gc"],
                ["import", "rootfs", "again:\(round)"],
            ]
            let process = try program.start(commands[round % commands.count])
            usleep(UInt32.random(in: 1_000..<150_000, using: &random))
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            let check = try program.run("fsck")
            #expect(check.status == 0, "round \(round): \(check.text)\(check.errors)")
            #expect(try program.run("images", "-q", "kept").text != "", "round \(round)")
        }
        try expectNothingLeft(program)
        #expect(try program.run("fsck").status == 0)
        #expect(try program.run("build", "-t", "built", "context").status == 0)
    }

    @Test(.timeLimit(.minutes(30)))
    func `what a build leaves that is killed during RUN goes with gc`() throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try killDuringRun(program, seconds: 912001)
        try expectNothingLeft(program)
        #expect(try processes(912001) == [])
        let store = try Store(root: program.directory + "/store")
        #expect(try store.builds().map(\.status) == [.interrupted])
        #expect(try program.run("fsck").status == 0)
    }

    @Test(.timeLimit(.minutes(30)))
    func `what a build leaves that is killed during RUN goes with the next build`() throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try killDuringRun(program, seconds: 912002)
        try program.write("FROM base\nRUN echo hello > /greeting\n", to: "context/Dockerfile")
        #expect(try program.run("build", "context").status == 0)
        try Program.wait { try processes(912002).isEmpty }
        #expect(try mounts(program) == [])
        #expect(try program.names(in: "store/work") == [])
        #expect(try program.names(in: "store/run") == [])
    }

    @Test(.timeLimit(.minutes(30)))
    func `a step with mounts and secrets ends with its build, and leaves no lock`() throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try program.write("topsecret", to: "secret")
        try killDuringRun(
            program, seconds: 912003,
            mounts: "--mount=type=cache,target=/c,sharing=locked --mount=target=/s,rw "
                + "--mount=type=secret,id=s,env=S --mount=type=secret,id=s",
            ["--secret", "id=s,src=secret"])
        // Nobody waits for the cache.
        #expect(try program.run("cache", "rm", "--mount", "/c").status == 0)
        try expectNothingLeft(program)
        #expect(try program.run(shell: "grep -rl topsecret store").text == "")
    }

    // MARK: -

    /// Kills a build whose commands sleep for that long.
    private func killDuringRun(
        _ program: Program, seconds: Int, mounts options: String = "", _ arguments: [String] = []
    ) throws {
        try program.write(
            "FROM base\nRUN \(options) (trap '' TERM; sleep \(seconds)) & sleep \(seconds)\n",
            to: "context/Dockerfile")
        let process = try program.start(["build"] + arguments + ["context"])
        try Program.wait { try !processes(seconds).isEmpty }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        // The commands end with the build; its mounts stay to be cleared up.
        try Program.wait { try processes(seconds).isEmpty }
        try Program.wait { try !mounts(program).isEmpty }
    }

    private func expectNothingLeft(_ program: Program) throws {
        let collection = try program.run("gc")
        #expect(collection.status == 0)
        #expect(collection.errors == "")
        #expect(try mounts(program) == [])
        #expect(try program.names(in: "store/work") == [])
        // Made by the first step that runs.
        if FileManager.default.fileExists(atPath: program.directory + "/store/run") {
            #expect(try program.names(in: "store/run") == [])
        }
        #expect(try program.names(in: "store/locks") == ["index", "sweep"])
    }

    private func mounts(_ program: Program) throws -> [String] {
        let table = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
        return table.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 1, fields[1].hasPrefix(program.directory) else { return nil }
            return String(fields[1])
        }
    }

    /// Those whose command is to sleep for that long.
    private func processes(_ seconds: Int) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { name in
            guard Int(name) != nil,
                let line = FileManager.default.contents(atPath: "/proc/\(name)/cmdline")
            else { return false }
            let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            // Not the shell that is about to start it, which a dead view ends by itself.
            return words.suffix(2) == ["sleep", "\(seconds)"]
        }
    }
}

/// Numbers that are the same for the same seed (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
