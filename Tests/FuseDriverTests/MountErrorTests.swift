import CLinux
import Glibc
import Testing
import VirtualFS

@testable import FuseDriver

extension RealMounts {
    /// Where mounting cannot work, and what stands at a path.
    @Suite
    struct MountErrorTests {
        private static let profile = ConnectionProfile.readOnly(extendedAttributes: false)

        private func mount(
            at path: String, _ adjust: (inout MountOptions) -> Void = { _ in }
        ) throws(FuseError) -> FuseSession {
            var options = MountFixture.options()
            adjust(&options)
            return try FuseSession.mount(
                MemoryFileSystem(profile: Self.profile), at: path, options: options)
        }

        /// A mount whose device nobody serves; it is dead once the descriptor is closed.
        private func mountUnserved(at path: String) throws -> OwnedDescriptor {
            var options = MountFixture.options()
            options.hidesContents = true
            return try Mounter.mount(at: Array(path.utf8), options: options)
        }

        @Test func `a mount point that is missing, no directory or not empty is refused`() throws {
            try MountFixture.inTemporaryDirectory { directory in
                let missing = #expect(throws: FuseError.self) {
                    try mount(at: directory + "/mount")
                }
                #expect(missing?.code == .mountPointMissing)
                #expect(missing?.errno == ENOENT)
                #expect(Host.put([], at: directory + "/file") == 0)
                let file = #expect(throws: FuseError.self) { try mount(at: directory + "/file") }
                #expect(file?.code == .mountPointNotDirectory)
                let full = #expect(throws: FuseError.self) { try mount(at: directory) }
                #expect(full?.code == .mountPointNotEmpty)
                #expect(full?.description.contains(directory) == true)
                #expect(MountTable()?.entry(at: Array(directory.utf8)) == nil)
            }
        }

        @Test func `contents are hidden on request, and are back afterwards`() throws {
            try MountFixture.inTemporaryDirectory { directory in
                try Host.makeDirectories([directory + "/mount", directory + "/mount/inner"])
                let session = try mount(at: directory + "/mount") { $0.hidesContents = true }
                #expect(Host.names(in: directory + "/mount") == [])
                try session.unmount()
                #expect(Host.names(in: directory + "/mount") == ["inner"])
            }
        }

        @Test func `a mount point is resolved to what the mount table says`() throws {
            try MountFixture.inTemporaryDirectory { directory in
                try Host.makeDirectories([directory + "/mount"])
                #expect(unsafe symlink("mount", directory + "/link") == 0)
                let session = try mount(at: directory + "/./link/")
                #expect(session.mountPoint == Array((directory + "/mount").utf8))
                try session.unmount()
            }
        }

        @Test func `states of a mount point are told apart`() throws {
            try MountFixture.inTemporaryDirectory { directory in
                let path = directory + "/mount"
                try Host.makeDirectories([path])
                #expect(MountPointState(at: Array(path.utf8)) == .notMounted)
                let session = try mount(at: path)
                #expect(MountPointState(at: Array(path.utf8)) == .live)
                try session.unmount()
                let device = try mountUnserved(at: path)
                #expect(MountPointState(at: Array(path.utf8)) == .unresponsive)
                close(device.take())
                #expect(MountPointState(at: Array(path.utf8)) == .stale)
            }
        }

        @Test func `a stale mount is replaced, or refused where that is asked for`() throws {
            try MountFixture.inTemporaryDirectory { directory in
                let path = directory + "/mount"
                try Host.makeDirectories([path])
                close(try mountUnserved(at: path).take())
                let refused = #expect(throws: FuseError.self) {
                    try mount(at: path) { $0.replacesStaleMount = false }
                }
                #expect(refused?.code == .mountPointStale)
                let session = try mount(at: path)
                #expect(Host.names(in: path) == [])
                try session.unmount()
                #expect(MountTable()?.entry(at: Array(path.utf8)) == nil)
            }
        }

        @Test func `holders of a mount that does not answer are found all the same`() throws {
            try MountFixture.inTemporaryDirectory { directory in
                let path = directory + "/mount"
                try Host.makeDirectories([path])
                let device = try mountUnserved(at: path)
                let descriptor = try Host.openWithoutAsking(path)
                let holders = MountHolders.find(mountPoint: Array(path.utf8))
                #expect(holders.processes.map(\.processID) == [getpid()])
                #expect(
                    holders.processes.first?.uses == [
                        .descriptor(descriptor, path: Array(path.utf8))
                    ])
                close(descriptor)
                close(device.take())
            }
        }

        @Test func `mounts through fusermount3, as an ordinary user does`() throws {
            var options = MountFixture.options()
            options.usesHelper = true
            options.source = "with,comma\\and backslash"
            try MountFixture.mounted(.writable, options: options) { _ in
            } body: { fixture in
                let entry = MountTable()?.entry(at: Array(fixture.mountPoint.utf8))
                #expect(entry?.source == Array(options.source.utf8))
                #expect(entry?.type == Array("fuse.vitrine".utf8))
                #expect(Host.put([1, 2], at: fixture.path("a")) == 0)
                #expect(Host.contents(fixture.path("a")) == [1, 2])
            }
        }

        @Test func `what fusermount3 says is in the error`() throws {
            let error = #expect(throws: FuseError.self) {
                _ = try MountHelper.mount(
                    at: Array("/nonexistent".utf8), options: "fsname=x")
            }
            #expect(error?.code == .failed)
            #expect(error?.remedy?.contains("/nonexistent") == true)
        }

        @Test func `unmounting what is not mounted says so`() throws {
            let error = #expect(throws: FuseError.self) {
                try Mounter.unmount(Array("/proc/self".utf8), .whenUnused)
            }
            #expect(error?.code == .notMounted)
        }
    }
}
