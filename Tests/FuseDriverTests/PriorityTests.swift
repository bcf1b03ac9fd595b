import Glibc
import Synchronization
import Testing
import VirtualFS

@testable import FuseDriver

extension RealMounts {
    @Suite
    struct PriorityTests {
        private static func niceness() -> Int {
            Int(getpriority(Int32(PRIO_PROCESS.rawValue), 0))
        }

        @Test func `requests are served before what computes, and nothing else of the process is`()
            throws
        {
            let own = Self.niceness()
            let seen = Mutex<Set<Int>>([])
            try MountFixture.mounted(.writable) { fileSystem in
                fileSystem.hooks.withLock {
                    $0.lookup = { (_) throws(FileSystemError) in
                        seen.withLock { _ = $0.insert(Self.niceness()) }
                        throw .notEmpty
                    }
                }
            } body: { fixture in
                #expect(unsafe access(fixture.path("any"), F_OK) != 0)
                #expect(seen.withLock { $0 } == [max(-20, own - 10)])
                #expect(Self.niceness() == own)
                #expect(ShellCommand.wait(ShellCommand.start("exit $(nice)")) == own)
            }
        }
    }
}
