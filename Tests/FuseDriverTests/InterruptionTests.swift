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
            private let began = Atomic(false)
            private let wasKilled = Atomic(false)
            private let mayEnd = Atomic(false)

            var hasBegun: Bool { began.load(ordering: .relaxed) }
            var sawKill: Bool { wasKilled.load(ordering: .relaxed) }
            func end() { mayEnd.store(true, ordering: .relaxed) }

            /// The request: until it is told to end, or its program is killed.
            func wait(_ notifier: (any KernelNotifier)?) throws(FileSystemError) {
                began.store(true, ordering: .relaxed)
                while !mayEnd.load(ordering: .relaxed) {
                    if notifier?.isCallerKilled == true {
                        wasKilled.store(true, ordering: .relaxed)
                        throw .interrupted
                    }
                    usleep(500)
                }
                throw .notEmpty
            }
        }

        /// A mount where looking up "long" takes until the caller is killed, or the witness ends it.
        private func mounted(_ body: (MountFixture, Witness) throws -> Void) throws {
            let witness = Witness()
            try MountFixture.mounted(.writable) { fileSystem in
                fileSystem.hooks.withLock {
                    $0.lookup = { [weak fileSystem] (name) throws(FileSystemError) in
                        guard name == Array("long".utf8) else { return }
                        try witness.wait(fileSystem?.state.withLock { $0.notifier })
                    }
                }
            } body: { fixture in
                defer { witness.end() }
                try body(fixture, witness)
            }
        }

        @Test(arguments: [SIGKILL, SIGTERM, SIGINT])
        func `a program that is killed while it waits ends`(signal: Int32) throws {
            try mounted { fixture, witness in
                let child = ShellCommand.start("exec stat \(fixture.path("long"))")
                #expect(eventually { witness.hasBegun })
                kill(child, signal)
                var status: Int32 = 0
                #expect(eventually { unsafe waitpid(child, &status, WNOHANG) == child })
                #expect(status & 0x7F == signal)
                #expect(eventually { witness.sawKill })
            }
        }

        @Test func `a signal that a program survives does not end its request`() throws {
            try mounted { fixture, witness in
                // Exit code 39 of a shell that handles the signal after its call: ENOTEMPTY was answered.
                let script = "trap 'echo caught' USR1; test -e \(fixture.path("long")); exit 39"
                let child = ShellCommand.start(script)
                #expect(eventually { witness.hasBegun })
                kill(child, SIGUSR1)
                usleep(100_000)
                #expect(!witness.sawKill)
                witness.end()
                #expect(ShellCommand.wait(child) == 39)
                #expect(!witness.sawKill)
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

        @Test(arguments: [
            ("CapEff:\t000001ffffffffff\n", true), ("CapEff:\t00000000a80425fb\n", false),
            ("CapPrm:\t0\nCapEff:\t0000000000200000\n", true), ("Name:\tsh\n", true),
        ])
        func `who may do what root may is told by capabilities`(status: String, isAllowed: Bool) {
            #expect(CallerState.isAdministrator(status: Array(status.utf8)) == isAllowed)
        }
    }
}
