import FileTree
import FuseDriver
import Glibc
import ImageSpec
import LinuxIO
import Store
import Testing
import VirtualFS

@testable import Views

private let canMount = unsafe geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0

/// The writable view as programs meet it: mounted, with passthrough where the kernel gives it.
@Suite(
    .serialized,
    .enabled(if: canMount, "mounting needs root and /dev/fuse"))
struct WorkingTreeMountTests {
    /// A view whose lower tree has `f` and its other name `g`, of `size` ones.
    private func mounted(
        size: Int = 1 << 20, _ body: (WorkingTreeFixture, String) throws -> Void
    ) throws {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        _ = client.run(.create(path: "f", mode: 0o644, exclusive: true))
        let ones = [UInt8](repeating: 1, count: size)
        #expect(client.run(.write(path: "f", offset: 0, bytes: ones)) == .done)
        #expect(client.run(.link(path: "f", to: "g")) == .done)
        client.closeAll()
        try fixture.remount()
        let path = fixture.directory + "/mount"
        try HostDirectory.make(path, permissions: 0o755)
        let session = try FuseSession.mount(
            fixture.tree, at: path, options: MountOptions(source: "test"))
        defer {
            session.stop()
            session.wait()
        }
        try body(fixture, path)
    }

    private func open(_ path: String, _ flags: Int32) throws -> OwnedDescriptor {
        try OwnedDescriptor(opening: path, OwnedDescriptor.Mode(rawValue: flags))
    }

    private func byte(_ file: borrowing OwnedDescriptor, at offset: Int = 0) -> UInt8? {
        var byte: UInt8 = 0
        return unsafe pread(file.rawValue, &byte, 1, offset) == 1 ? byte : nil
    }

    /// The first byte, by a shared mapping; changed by one where `value` is given.
    private func mapped(_ file: borrowing OwnedDescriptor, put value: UInt8? = nil) -> UInt8? {
        let protection = value == nil ? PROT_READ : PROT_READ | PROT_WRITE
        guard let start = unsafe mmap(nil, 4096, protection, MAP_SHARED, file.rawValue, 0),
            unsafe start != MAP_FAILED
        else { return nil }
        defer { unsafe unmap(start) }
        if let value { unsafe start.storeBytes(of: value, as: UInt8.self) }
        return unsafe start.load(as: UInt8.self)
    }

    /// The kernel writes out what is left of a mapping while it holds the lock of this process's memory,
    /// which the threads need that serve the mount: nothing may be left.
    private func unmap(_ start: UnsafeMutableRawPointer) {
        unsafe msync(start, 4096, MS_SYNC)
        unsafe munmap(start, 4096)
    }

    @Test func `a mapping beside a reader of the lower file does not write to the store`() throws {
        try mounted { fixture, path in
            let reader = try open(path + "/f", O_RDONLY)
            let writer = try open(path + "/f", O_RDWR)
            #expect(mapped(writer, put: 7) == 7)
            #expect(byte(writer) == 7)
            #expect(byte(reader) != nil)
            #expect(try Verifier(fixture.store).run().problems == [])
            let object = try fixture.node("f", in: fixture.freeze())
            #expect(object != nil)
            let content = FileContent(
                digest: .init(of: [UInt8](repeating: 1, count: 1 << 20)), sizeBytes: 1 << 20)
            #expect(try fixture.content(content).first == 1)
        }
    }

    @Test func `who opens a file after its first write sees, maps and runs the new content`() throws
    {
        try mounted { _, path in
            let early = try open(path + "/f", O_RDONLY)
            #expect(byte(early) == 1)
            let writer = try open(path + "/f", O_WRONLY)
            #expect(unsafe pwrite(writer.rawValue, [7] as [UInt8], 1, 0) == 1)
            let late = try open(path + "/f", O_RDONLY)
            #expect(byte(late) == 7)
            #expect(mapped(late) == 7)
            // By its other name, too.
            let link = try open(path + "/g", O_RDONLY)
            #expect(byte(link) == 7)
            #expect(mapped(link) == 7)
        }
    }

    @Test func `all names of a file show its attributes while old readers live`() throws {
        try mounted { _, path in
            #expect(try FileStatus(ofPath: path + "/g").sizeBytes == 1 << 20)
            let early = try open(path + "/g", O_RDONLY)
            let writer = try open(path + "/f", O_WRONLY | O_APPEND)
            #expect(unsafe write(writer.rawValue, [7] as [UInt8], 1) == 1)
            let numbers = try Set(["/f", "/g"].map { try FileStatus(ofPath: path + $0).inode })
            #expect(numbers.count == 1)
            for name in ["/f", "/g"] {
                #expect(try FileStatus(ofPath: path + name).sizeBytes == 1 << 20 + 1)
            }
            #expect(unsafe chmod(path + "/f", 0o600) == 0)
            #expect(try FileStatus(ofPath: path + "/g").mode & 0o777 == 0o600)
            #expect(try FileStatus(of: early.rawValue).mode & 0o777 == 0o600)
        }
    }

    @Test func `a file that is emptied beside a reader is empty to who opens it`() throws {
        try mounted { _, path in
            let early = try open(path + "/f", O_RDONLY)
            let emptied = try open(path + "/f", O_RDWR | O_TRUNC)
            let late = try open(path + "/f", O_RDONLY)
            #expect(byte(late) == nil)
            #expect(unsafe pwrite(emptied.rawValue, [3] as [UInt8], 1, 0) == 1)
            #expect(byte(late) == 3)
            #expect(mapped(late) == 3)
            _ = consume early
        }
    }

    @Test func `what a mapping writes after its file was closed is seen`() throws {
        try mounted(size: 100) { _, path in
            func start() throws -> UnsafeMutableRawPointer? {
                let file = try open(path + "/f", O_RDWR)
                return unsafe mmap(
                    nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.rawValue, 0)
            }
            guard let mapping = unsafe try start() else {
                Issue.record("not mapped")
                return
            }
            defer { unsafe unmap(mapping) }
            let reader = try open(path + "/f", O_RDONLY)
            #expect(byte(reader) == 1)
            unsafe mapping.storeBytes(of: 5, as: UInt8.self)
            #expect(byte(reader) == 5)
            #expect(byte(try open(path + "/f", O_RDONLY)) == 5)
        }
    }

    @Test func `a large file that is written in part is read, mapped and locked as one`() throws {
        try mounted(size: 16 << 20) { _, path in
            let reader = try open(path + "/f", O_RDONLY)
            let writer = try open(path + "/f", O_RDWR)
            #expect(unsafe pwrite(writer.rawValue, [7] as [UInt8], 1, 5_000_000) == 1)
            let late = try open(path + "/f", O_RDONLY)
            #expect(byte(late, at: 5_000_000) == 7 && byte(late, at: 5_000_001) == 1)
            #expect(mapped(writer, put: 9) == 9)
            #expect(byte(late) == 9 && mapped(late) == 9)
            #expect(flock(late.rawValue, LOCK_EX | LOCK_NB) == 0)
            #expect(flock(writer.rawValue, LOCK_EX | LOCK_NB) != 0)
            #expect(ftruncate(writer.rawValue, 5_000_001) == 0)
            #expect(byte(late, at: 5_000_000) == 7 && byte(late, at: 5_000_001) == nil)
            #expect(byte(reader, at: 1_000_000) == 1)
        }
    }

    @Test func `attributes follow each write, whoever writes and looks`() throws {
        try mounted(size: 10) { _, path in
            let writer = try open(path + "/f", O_WRONLY | O_APPEND)
            let other = try open(path + "/g", O_WRONLY | O_APPEND)
            for round in 1...100 {
                let (file, name) = round % 2 == 0 ? (writer.rawValue, "/f") : (other.rawValue, "/g")
                let before = try FileStatus(ofPath: path + name)
                #expect(before.sizeBytes == UInt64(9 + round))
                #expect(unsafe write(file, [1] as [UInt8], 1) == 1)
                let after = try FileStatus(ofPath: path + "/g")
                #expect(after.sizeBytes == UInt64(10 + round))
                #expect(!(after.modificationTime < before.modificationTime))
                #expect(try FileStatus(of: writer.rawValue).sizeBytes == UInt64(10 + round))
            }
        }
    }

    @Test func `order in time is kept between files that are written and names that change`() throws
    {
        try mounted { _, path in
            for round in 0..<50 {
                let (written, touched) = ("\(path)/w\(round)", "\(path)/t\(round)")
                let file = try OwnedDescriptor(opening: written, [.writeOnly, .create])
                #expect(unsafe write(file.rawValue, [1] as [UInt8], 1) == 1)
                _ = try OwnedDescriptor(opening: touched, [.writeOnly, .create])
                #expect(unsafe utimensat(AT_FDCWD, touched, nil, 0) == 0)
                let (first, second) = (
                    try FileStatus(ofPath: written).modificationTime,
                    try FileStatus(ofPath: touched).modificationTime
                )
                #expect(!(second < first))
                #expect(unsafe unlink(written) == 0)
                #expect(!(try FileStatus(ofPath: path).modificationTime < second))
            }
        }
    }
}
