import Glibc
import LinuxIO
import Testing

@testable import Sandbox

@Suite(
    .serialized, .enabled(if: SandboxFixture.canRun, SandboxFixture.requirement),
    .timeLimit(.minutes(30)))
struct CancellationTests {
    /// Runs until the file appears that the command makes, or for a moment, then cancels.
    private func cancel(_ script: String, at moment: Duration?) async throws {
        try await SandboxFixture.with { fixture in
            let request = fixture.request(["sh", "-c", "touch /started; \(script)"])
            let container = try Container.start(request, with: fixture.runtime, streams: .init())
            let task = Task.detached { container.wait() }
            if let moment {
                try await Task.sleep(for: moment)
            } else {
                while !HostDirectory.exists(fixture.rootfs + "/started") {
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
            container.cancel()
            // The commands sleep for a quarter of an hour: that this returns is the point.
            #expect(await task.value == .cancelled)
            // Numbers that no other suite sleeps for.
            for word in ["911000", "911001", "911002", "911003"] {
                #expect(try processes(word).isEmpty)
            }
        }
    }

    /// The processes with that word among their arguments.
    private func processes(_ word: String) throws -> [String] {
        try HostDirectory.names(ofPath: "/proc").compactMap { name in
            guard let first = name.first, (0x30...0x39).contains(first) else { return nil }
            let number = String(decoding: name, as: UTF8.self)
            guard let file = try? OwnedDescriptor(opening: "/proc/\(number)/cmdline", .readOnly),
                let bytes = try? DescriptorIO.readAll(file.rawValue, limit: 1 << 20)
            else { return nil }
            return bytes.split(separator: 0).contains(Array(word.utf8)[...]) ? number : nil
        }
    }

    @Test func `a sleeping command is killed`() async throws {
        try await cancel("sleep 911000", at: nil)
    }

    @Test func `its children are killed, deaf to signals as they may be`() async throws {
        try await cancel(
            "trap '' TERM INT HUP; (trap '' TERM; sleep 911001) & sleep 911002 & wait", at: nil)
    }

    @Test(arguments: [0, 1, 3, 6, 10, 20])
    func `it may come while the container is being made`(_ milliseconds: Int) async throws {
        try await cancel("sleep 911003", at: .milliseconds(milliseconds))
    }

    @Test func `what a killed process left is removed`() async throws {
        try await SandboxFixture.with { fixture in
            let request = fixture.request(["sh", "-c", "touch /started; sleep 911004"])
            // As after kill -9 of the owner: a container runs, and nobody waits for it.
            let owner = try orphan(request, fixture)
            while !HostDirectory.exists(fixture.rootfs + "/started") { usleep(5000) }
            owner.killGroup(9)
            #expect(owner.wait() == .signal(9))
            // The shell made the file; its next command may still be about to start.
            for _ in 0..<6000 where try processes("911004").isEmpty { usleep(10_000) }
            let left = try processes("911004")
            // Where it is not removed, it must not be found by the next run of this test.
            defer { for process in left.compactMap(pid_t.init) { kill(process, SIGKILL) } }
            #expect(!left.isEmpty)
            try fixture.runtime.removeLeftovers()
            for _ in 0..<6000 where try !processes("911004").isEmpty { usleep(10_000) }
            #expect(try processes("911004").isEmpty)
        }
    }

    @Test func `a container of another runtime is not forgotten`() async throws {
        try await SandboxFixture.with { fixture in
            let foreign = fixture.runtime.choice.kind == .crun ? "state.json" : "status"
            let state = fixture.runtime.stateRoot + "/other"
            try HostDirectory.makeAll(state)
            try HostDirectory.replaceFile(state + "/" + foreign, with: [])
            #expect { try fixture.runtime.removeLeftovers() } throws: {
                ($0 as? SandboxError)?.code == .runtimeFailed
            }
            #expect(HostDirectory.exists(state))
            try HostDirectory.removeAll(state)
        }
    }

    @Test func `a container that was killed in the making is removed`() async throws {
        try await SandboxFixture.with { fixture in
            let state = fixture.runtime.stateRoot + "/half"
            try HostDirectory.makeAll(state)
            #expect(try ContainerRuntime.hasContainers(fixture.runtime.stateRoot))
            try fixture.runtime.removeLeftovers()
            #expect(!HostDirectory.exists(state))
        }
    }

    /// Starts the runtime as ``Container`` does, without its care.
    private func orphan(
        _ request: ContainerRequest, _ fixture: SandboxFixture
    ) throws -> ChildProcess {
        let bundle = try Bundle(of: request, with: fixture.runtime, networkPath: nil)
        return try ChildProcess.start(
            fixture.runtime.command(["run", "--bundle", bundle.path, request.id]))
    }
}
