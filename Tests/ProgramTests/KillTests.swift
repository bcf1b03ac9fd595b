import Foundation
import Glibc
import Testing

/// Killed at any moment, the program leaves a store that opens and has all that was named.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct KillTests {
    /// More with VITRINE_KILLS=200.
    private static let kills =
        ProcessInfo.processInfo.environment["VITRINE_KILLS"].flatMap { Int($0) } ?? 12

    @Test(.timeLimit(.minutes(10)))
    func `kill -9 at random moments of load, build and gc loses nothing`() throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try program.run("save", "-o", "base.tar", "base")
        try program.run("tag", "base", "kept")
        try program.write("FROM base\nCOPY . /c\nRUN seq 1000 > /n\n", to: "context/Dockerfile")
        var random = SystemRandomNumberGenerator()
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
            program.endLeftMounts()
            let check = try program.run("fsck")
            #expect(check.status == 0, "round \(round): \(check.text)\(check.errors)")
            #expect(try program.run("images", "-q", "kept").text != "", "round \(round)")
        }
        #expect(try program.run("gc").status == 0)
        #expect(try program.run("fsck").status == 0)
        #expect(try program.names(in: "store/work") == [])
        #expect(try program.run("build", "-t", "built", "context").status == 0)
    }
}
