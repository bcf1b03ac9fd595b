import CLinux
import FuseDriver
import Glibc
import Synchronization
import Testing
import VirtualFS

extension RealMounts {
    /// How a mount ends, and what is left then: nothing.
    @Suite
    struct EndingTests {
        /// Holds requests until a test lets them go.
        private final class Door: Sendable {
            private let waiting = Atomic(0)
            private let isOpen = Atomic(false)

            func wait() {
                waiting.add(1, ordering: .relaxed)
                while !isOpen.load(ordering: .relaxed) { usleep(1000) }
            }

            /// - Returns: false when fewer came, in a minute.
            func isReached(by count: Int) -> Bool {
                for _ in 0..<60_000 where waiting.load(ordering: .relaxed) < count { usleep(1000) }
                return waiting.load(ordering: .relaxed) == count
            }

            func open() { isOpen.store(true, ordering: .relaxed) }
        }

        private static let profile = ConnectionProfile.readOnly(extendedAttributes: false)

        private func mounted(body: (MountFixture) throws -> Void) throws {
            try MountFixture.mounted(Self.profile) { fileSystem in
                fileSystem.add("file", mode: 0o100644, content: [1, 2, 3])
                fileSystem.add("d", mode: 0o40755)
            } body: {
                try body($0)
            }
        }

        private func isMounted(_ fixture: MountFixture) -> Bool {
            MountTable()?.entry(at: Array(fixture.mountPoint.utf8)) != nil
        }

        private func hasEnded(_ fixture: MountFixture) -> Bool {
            fixture.fileSystem.state.withLock { $0.hasEnded }
        }

        @Test func `unmount ends the session and tells the file system`() throws {
            try mounted { fixture in
                #expect(Host.contents(fixture.path("file")) == [1, 2, 3])
                #expect(!fixture.session.hasEnded)
                try fixture.session.unmount()
                #expect(fixture.session.hasEnded && hasEnded(fixture) && !isMounted(fixture))
                #expect(throws: FuseError.self) { try fixture.session.unmount() }
            }
        }

        @Test func `a busy mount is not unmounted, and the error names who holds it`() throws {
            try mounted { fixture in
                let descriptor = try Host.open(fixture.path("file"))
                let sleeper = ShellCommand.start("cd \(fixture.path("d")) && exec sleep 30")
                defer {
                    kill(sleeper, SIGKILL)
                    _ = ShellCommand.wait(sleeper)
                }
                let path = Array(fixture.mountPoint.utf8)
                #expect(
                    eventually {
                        MountHolders.find(mountPoint: path).processes.contains {
                            $0.processID == sleeper && $0.command == "sleep"
                        }
                    })
                let error = #expect(throws: FuseError.self) { try fixture.session.unmount() }
                #expect(error?.code == .busy)
                #expect(error?.errno == EBUSY)
                let holders = try #require(error?.holders?.processes)
                #expect(
                    holders.first { $0.processID == sleeper }?.uses == [.workingDirectory])
                #expect(
                    holders.first { $0.processID == getpid() }?.uses
                        == [.descriptor(descriptor, path: path + "/file".utf8)])
                #expect(holders.count == 2)
                #expect(!fixture.session.hasEnded)
                close(descriptor)
            }
        }

        @Test func `mappings, executables and inner mounts count as holders`() throws {
            try MountFixture.mounted(.writable) { _ in
            } body: { fixture in
                let path = Array(fixture.mountPoint.utf8)
                #expect(ShellCommand.run("cp /bin/sleep \(fixture.path("s"))") == 0)
                let sleeper = ShellCommand.start("exec \(fixture.path("s")) 30")
                let inner = fixture.path("inner")
                try Host.makeDirectories([inner])
                #expect(ShellCommand.run("mount -t tmpfs none \(inner)") == 0)
                defer { unsafe umount2(inner, 0) }
                defer {
                    kill(sleeper, SIGKILL)
                    _ = ShellCommand.wait(sleeper)
                }
                let expected: [MountHolders.Use] = [.executable, .mapping(path: path + "/s".utf8)]
                #expect(
                    eventually {
                        MountHolders.find(mountPoint: path).processes
                            .first { $0.processID == sleeper }?.uses == expected
                    })
                let holders = MountHolders.find(mountPoint: path)
                #expect(holders.innerMounts == [path + "/inner".utf8])
                #expect(holders.description.contains("process \(sleeper) (s): executable"))
            }
        }

        @Test func `umount of another program ends the session`() throws {
            try mounted { fixture in
                #expect(ShellCommand.run("umount \(fixture.mountPoint)") == 0)
                fixture.session.wait()
                #expect(fixture.session.hasEnded && hasEnded(fixture))
            }
        }

        @Test func `fusermount3 of another program ends the session`() throws {
            try mounted { fixture in
                #expect(ShellCommand.run("fusermount3 -u \(fixture.mountPoint)") == 0)
                fixture.session.wait()
                #expect(hasEnded(fixture))
            }
        }

        @Test func `a lazily detached mount is served until its last user leaves`() throws {
            try mounted { fixture in
                let descriptor = try Host.open(fixture.path("file"))
                try fixture.session.unmount(lazily: true)
                #expect(!isMounted(fixture))
                #expect(Host.read(descriptor, at: 0, 3) == [1, 2, 3])
                #expect(!fixture.session.hasEnded)
                close(descriptor)
                fixture.session.wait()
                #expect(hasEnded(fixture))
            }
        }

        @Test func `stop ends an unused mount at once`() throws {
            try mounted { fixture in
                fixture.session.stop()
                fixture.session.wait()
                #expect(hasEnded(fixture) && !isMounted(fixture))
            }
        }

        @Test func `stop cuts off who does not leave in time`() throws {
            try mounted { fixture in
                let descriptor = try Host.open(fixture.mountPoint)
                defer { close(descriptor) }
                fixture.session.stop()
                fixture.session.wait()
                #expect(hasEnded(fixture) && !isMounted(fixture))
                #expect(Host.openFailure("/proc/self/fd/\(descriptor)/file") == ENOTCONN)
            }
        }

        @Test func `stop with a request that takes its time lets it finish`() throws {
            try mounted { fixture in
                fixture.fileSystem.hooks.withLock {
                    $0.lookup = { (_) throws(FileSystemError) in usleep(300_000) }
                }
                let child = ShellCommand.start("stat \(fixture.path("x")) 2>/dev/null; exit 7")
                #expect(eventually { fixture.fileSystem.calls("lookup") > 0 || true })
                usleep(50_000)
                fixture.session.stop()
                fixture.session.wait()
                #expect(ShellCommand.wait(child) == 7)
            }
        }

        @Test func `an aborted connection ends the session and takes the mount away`() throws {
            try mounted { fixture in
                let entry = try #require(MountTable()?.entry(at: Array(fixture.mountPoint.utf8)))
                let control = "/sys/fs/fuse/connections"
                let abort = "\(control)/\(entry.device.minor)/abort"
                if unsafe access(abort, W_OK) != 0 {
                    try #require(ShellCommand.run("mount -t fusectl none \(control)") == 0)
                }
                #expect(ShellCommand.run("echo 1 > \(abort)") == 0)
                fixture.session.wait()
                #expect(hasEnded(fixture) && !isMounted(fixture))
            }
        }

        @Test func `waiting tasks learn of the end`() async throws {
            var waiters: [Task<Bool, Never>] = []
            var session: FuseSession?
            try mounted { fixture in
                let mounted = fixture.session
                session = mounted
                waiters = (0..<3).map { _ in
                    Task {
                        await mounted.ended()
                        return mounted.hasEnded
                    }
                }
            }
            for waiter in waiters { #expect(await waiter.value) }
            // Whoever comes late does not wait.
            await session?.ended()
        }

        @Test func `slow requests do not hold up others`() throws {
            try mounted { fixture in
                let door = Door()
                fixture.fileSystem.hooks.withLock {
                    $0.lookup = { (name) throws(FileSystemError) in
                        if name.starts(with: Array("slow".utf8)) { door.wait() }
                    }
                }
                let slow = (0..<12).map {
                    ShellCommand.start("stat \(fixture.path("slow\($0)")) 2>&-")
                }
                defer {
                    door.open()
                    for child in slow { _ = ShellCommand.wait(child) }
                }
                #expect(door.isReached(by: slow.count), "all at once")
                #expect(Host.status(fixture.path("quick")) == nil)
            }
        }

        @Test func `a copy of the mount in another namespace does not hold up the end`() throws {
            try mounted { fixture in
                let mark = fixture.mountPoint + ".made"
                let child = ShellCommand.start(
                    "exec unshare -m --propagation private sh -c 'touch \(mark); exec sleep 917'")
                defer {
                    kill(child, SIGKILL)
                    _ = ShellCommand.wait(child)
                    unsafe unlink(mark)
                }
                #expect(eventually { Host.status(mark) != nil })
                // Without an end of its own the session would wait for the sleep.
                try fixture.session.unmount()
                #expect(fixture.session.hasEnded)
                #expect(!isMounted(fixture))
            }
        }

        @Test func `two hundred mounts leave no descriptor, thread or mount behind`() throws {
            func resources() -> [Int] {
                ["fd", "task"].map { Host.names(in: "/proc/self/\($0)").count }
            }
            func mounts() -> Int { MountTable()?.entries.count ?? -1 }
            try mounted { _ in }
            let before = (resources(), mounts())
            for _ in 0..<200 {
                try mounted { fixture in
                    #expect(Host.contents(fixture.path("file")) == [1, 2, 3])
                    // A process that another test starts has this one's files until it executes its
                    // program.
                    #expect(
                        eventually {
                            do { try fixture.session.unmount() } catch { return false }
                            return true
                        })
                }
            }
            // Other suites of this process open and mount meanwhile, but far less than a leak of one
            // a mount would be.
            #expect(
                eventually {
                    resources()[0] < before.0[0] + 100 && resources()[1] < before.0[1] + 100
                })
            #expect(mounts() < before.1 + 100)
        }
    }
}
