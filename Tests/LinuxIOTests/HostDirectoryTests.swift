import Dispatch
import Glibc
import Synchronization
import Testing

@testable import LinuxIO

@Suite struct HostDirectoryTests {
    private func names(_ directory: String) throws -> [String] {
        try HostDirectory.names(ofPath: directory).map { String(decoding: $0, as: UTF8.self) }
            .sorted()
    }

    // MARK: - Removing

    @Test func `a directory goes with all it holds, and links are not followed`() throws {
        try withDirectory { directory in
            let path = directory + "/all"
            try HostDirectory.makeAll(path + "/a/b/c")
            try HostDirectory.make(directory + "/kept")
            try HostDirectory.replaceFile(directory + "/kept/file", with: [1])
            try HostDirectory.replaceFile(path + "/a/file", with: [1])
            try #require(unsafe symlink("../../kept", path + "/a/link") == 0)
            try #require(unsafe mkfifo(path + "/a/b/pipe", 0o600) == 0)
            try HostDirectory.removeAll(path)
            #expect(try names(directory) == ["kept"])
            #expect(try names(directory + "/kept") == ["file"])
        }
    }

    @Test func `what is no directory, or a link to one, is unlinked`() throws {
        try withDirectory { directory in
            try HostDirectory.make(directory + "/kept")
            try HostDirectory.replaceFile(directory + "/file", with: [1])
            try #require(unsafe symlink("kept", directory + "/link") == 0)
            for name in ["file", "link", "missing"] {
                try HostDirectory.removeAll(directory + "/" + name)
            }
            #expect(try names(directory) == ["kept"])
        }
    }

    @Test func `two may remove the same directory at once`() throws {
        try withDirectory { directory in
            let path = directory + "/all"
            for index in 0..<40 {
                try HostDirectory.makeAll("\(path)/\(index)/x")
                try HostDirectory.replaceFile(
                    "\(path)/\(index)/x/file", with: [], durability: .deferred)
            }
            let failures = Mutex<[String]>([])
            DispatchQueue.concurrentPerform(iterations: 4) { _ in
                do throws(Errno) {
                    try HostDirectory.removeAll(path)
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
            }
            #expect(failures.withLock { $0 } == [])
            #expect(try names(directory) == [])
        }
    }

    @Test(.enabled(if: geteuid() == 0, "mounting needs root"))
    func `what is mounted inside is not removed`() throws {
        try withDirectory { directory in
            let path = directory + "/all"
            try HostDirectory.makeAll(path + "/mounted")
            try #require(unsafe mount("none", path + "/mounted", "tmpfs", 0, nil) == 0)
            defer { _ = unsafe umount2(path + "/mounted", Int32(MNT_DETACH)) }
            try HostDirectory.replaceFile(path + "/mounted/precious", with: [1])
            #expect(throws: Errno.crossDevice) { try HostDirectory.removeAll(path) }
            #expect(try names(path + "/mounted") == ["precious"])
        }
    }

    // MARK: - Replacing

    @Test(arguments: [HostDirectory.Durability.immediate, .deferred])
    func `a replaced file is new, whole and alone`(
        _ durability: HostDirectory.Durability
    ) throws {
        try withDirectory { directory in
            let path = directory + "/file"
            try HostDirectory.replaceFile(path, with: [1, 2, 3], durability: durability)
            let before = try FileStatus(ofPath: path)
            try HostDirectory.replaceFile(
                path, with: [4], permissions: 0o444, durability: durability)
            let after = try FileStatus(ofPath: path)
            #expect(before.inode != after.inode)
            #expect(after.sizeBytes == 1)
            #expect(after.mode & 0o777 == 0o444)
            #expect(try names(directory) == ["file"])
        }
    }

    @Test func `writers of one file do not write into each other's`() throws {
        try withDirectory { directory in
            let path = directory + "/file"
            let failures = Mutex<[String]>([])
            // Threads of one process, as two processes of one number on a shared store.
            DispatchQueue.concurrentPerform(iterations: 4) { number in
                do throws(Errno) {
                    let bytes = [UInt8](repeating: UInt8(number), count: 1000 * (number + 1))
                    for _ in 0..<50 {
                        try HostDirectory.replaceFile(path, with: bytes, durability: .deferred)
                        let file = try OwnedDescriptor(opening: path, .readOnly)
                        let found = try DescriptorIO.readAll(file.rawValue, limit: 1 << 20)
                        let first = found.first ?? 255
                        guard found.count == 1000 * (Int(first) + 1),
                            found.allSatisfy({ $0 == first })
                        else { throw .inputOutput }
                    }
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
            }
            #expect(failures.withLock { $0 } == [])
            let left = try names(directory)
            #expect(left == ["file"])
        }
    }

    @Test func `a file that cannot take its place leaves nothing`() throws {
        try withDirectory { directory in
            try HostDirectory.makeAll(directory + "/file/full")
            #expect(throws: Errno.self) {
                try HostDirectory.replaceFile(directory + "/file", with: [1])
            }
            #expect(try names(directory) == ["file"])
        }
    }

    @Test func `a rename to a new name takes no other's place`() throws {
        try withDirectory { directory in
            try HostDirectory.replaceFile(directory + "/a", with: [1])
            try HostDirectory.renameToNew(directory + "/a", to: directory + "/b")
            try HostDirectory.replaceFile(directory + "/a", with: [1, 2])
            #expect(throws: Errno.exists) {
                try HostDirectory.renameToNew(directory + "/a", to: directory + "/b")
            }
            #expect(try FileStatus(ofPath: directory + "/b").sizeBytes == 1)
        }
    }

    @Test func `directories are made with their parents, and may be there`() throws {
        try withDirectory { directory in
            try HostDirectory.makeAll(directory + "/a/b")
            try HostDirectory.makeAll(directory + "/a/b")
            #expect(try HostDirectory.realPath(directory + "/a/../a/b").hasSuffix("/a/b"))
        }
    }
}
