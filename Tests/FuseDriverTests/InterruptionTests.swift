import Glibc
import Synchronization
import Testing
import VirtualFS

@testable import FuseDriver

extension RealMounts {
    @Suite
    struct InterruptionTests {
        /// What a long request saw while it was served.
        private final class Witness: Sendable {
            let began = Atomic(false)
            let wasKilled = Atomic(false)
            let mayEnd = Atomic(false)
        }

        /// A mount where looking up "long" takes until the caller is killed, or `mayEnd`.
        private func mounted(_ body: (MountFixture, Witness) throws -> Void) throws {
            let witness = Witness()
            try MountFixture.mounted(.writable) { fileSystem in
                fileSystem.hooks.withLock {
                    $0.lookup = { [weak fileSystem] (name) throws(FileSystemError) in
                        guard name == Array("long".utf8) else { return }
                        witness.began.store(true, ordering: .relaxed)
                        let notifier = fileSystem?.state.withLock { $0.notifier }
                        while !witness.mayEnd.load(ordering: .relaxed) {
                            if notifier?.isCallerKilled == true {
                                witness.wasKilled.store(true, ordering: .relaxed)
                                throw .interrupted
                            }
                            usleep(500)
                        }
                        throw .notEmpty
                    }
                }
            } body: { fixture in
                defer { witness.mayEnd.store(true, ordering: .relaxed) }
                try body(fixture, witness)
            }
        }

        @Test(arguments: [SIGKILL, SIGTERM, SIGINT])
        func `a program that is killed while it waits ends`(signal: Int32) throws {
            try mounted { fixture, witness in
                let child = ShellCommand.start("exec stat \(fixture.path("long"))")
                #expect(eventually { witness.began.load(ordering: .relaxed) })
                kill(child, signal)
                var status: Int32 = 0
                #expect(unsafe waitpid(child, &status, 0) == child)
                #expect(status & 0x7F == signal)
                #expect(eventually { witness.wasKilled.load(ordering: .relaxed) })
            }
        }

        @Test func `a signal that a program survives does not end its request`() throws {
            try mounted { fixture, witness in
                // Exit code 39 of a shell that handles the signal after its call: ENOTEMPTY was answered.
                let script = "trap 'echo caught' USR1; test -e \(fixture.path("long")); exit 39"
                let child = ShellCommand.start(script)
                #expect(eventually { witness.began.load(ordering: .relaxed) })
                kill(child, SIGUSR1)
                usleep(100_000)
                #expect(!witness.wasKilled.load(ordering: .relaxed))
                witness.mayEnd.store(true, ordering: .relaxed)
                #expect(ShellCommand.wait(child) == 39)
                #expect(!witness.wasKilled.load(ordering: .relaxed))
            }
        }

        @Test(arguments: [
            ("SigQ:\t0/1\nSigPnd:\t0000000000000100\n", true),
            ("SigPnd:\t0000000000004100\nShdPnd:\t0\n", true),
            ("SigPnd:\t0000000000004000\nShdPnd:\t0000000000000100\n", false),
            ("Name:\tsh\n", false), ("SigPnd:\tx\n", false),
        ])
        func `a pending SIGKILL is told from other signals`(status: String, isKilled: Bool) {
            #expect(CallerState.isKilled(status: Array(status.utf8)) == isKilled)
        }
    }
}
