import Foundation
import Glibc
import Testing

@testable import LinuxIO

@Suite struct DescriptorTests {
    /// A file of 3 MiB with data at its ends and a hole between.
    private func makeSparse(_ path: String) throws -> [UInt8] {
        let file = try OwnedDescriptor(opening: path, [.writeOnly, .create, .exclusive])
        try DescriptorIO.writeAll(file.rawValue, Array("begin".utf8))
        try DescriptorIO.truncate(file.rawValue, to: (3 << 20) - 3)
        _ = try DescriptorIO.seek(file.rawValue, offset: 0, whence: Int32(SEEK_END))
        try DescriptorIO.writeAll(file.rawValue, Array("end".utf8))
        return Array("begin".utf8) + [UInt8](repeating: 0, count: (3 << 20) - 8) + Array("end".utf8)
    }

    private func content(_ path: String) throws -> [UInt8] {
        let file = try OwnedDescriptor(opening: path, .readOnly)
        return try DescriptorIO.readAll(file.rawValue, limit: 64 << 20)
    }

    private func open(_ source: String, _ target: String, _ body: (Int32, Int32) throws -> Void)
        throws
    {
        let from = try OwnedDescriptor(opening: source, .readOnly)
        let to = try OwnedDescriptor(opening: target, [.readWrite, .create, .exclusive])
        try body(from.rawValue, to.rawValue)
    }

    @Test func `a file is read to its end, whatever size it says it has`() throws {
        try withDirectory { directory in
            for size in [0, 1, 65_535, 65_536, 200_000] {
                let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
                let file = try OwnedDescriptor(
                    opening: directory + "/\(size)", [.readWrite, .create, .exclusive])
                try DescriptorIO.writeAll(file.rawValue, bytes)
                #expect(try content(directory + "/\(size)") == bytes)
                // From where it stands.
                let half = try OwnedDescriptor(opening: directory + "/\(size)", .readOnly)
                _ = try DescriptorIO.seek(
                    half.rawValue, offset: Int64(size / 2), whence: Int32(SEEK_SET))
                let rest = try DescriptorIO.readAll(half.rawValue, limit: size)
                #expect(rest.elementsEqual(bytes[(size / 2)...]))
                guard size > 0 else { continue }
                let whole = try OwnedDescriptor(opening: directory + "/\(size)", .readOnly)
                #expect(throws: Errno.tooLarge) {
                    try DescriptorIO.readAll(whole.rawValue, limit: size - 1)
                }
            }
            // Of size 0, as fstat(2) has it.
            #expect(try content("/proc/self/status").starts(with: "Name:".utf8))
            let status = try OwnedDescriptor(opening: "/proc/self/status", .readOnly)
            #expect(throws: Errno.tooLarge) {
                try DescriptorIO.readAll(status.rawValue, limit: 10)
            }
        }
    }

    @Test func `a copy has the content and the holes`() throws {
        try withDirectory { directory in
            let bytes = try makeSparse(directory + "/a")
            try open(directory + "/a", directory + "/b") {
                try DescriptorIO.copyContent(from: $0, to: $1)
            }
            #expect(try content(directory + "/b") == bytes)
            #expect(try FileStatus(ofPath: directory + "/b").blocks * 512 < 1 << 20)
        }
    }

    @Test func `a copy between file systems falls back to reading and writing`() throws {
        try withDirectory { directory in
            try withDirectory(in: "/dev/shm") { memory in
                let bytes = try makeSparse(memory + "/a")
                let devices = try [memory, directory].map { try FileStatus(ofPath: $0).device }
                try #require(devices[0] != devices[1])
                try open(memory + "/a", directory + "/b") {
                    try DescriptorIO.copyContent(from: $0, to: $1)
                }
                #expect(try content(directory + "/b") == bytes)
                #expect(try FileStatus(ofPath: directory + "/b").blocks * 512 < 1 << 20)
            }
        }
    }

    @Test func `without shared blocks the data is copied`() throws {
        try withDirectory { directory in
            let bytes = try makeSparse(directory + "/a")
            try open(directory + "/a", directory + "/b") {
                try DescriptorIO.copyData(from: $0, to: $1)
            }
            #expect(try content(directory + "/b") == bytes)
            try open(directory + "/a", directory + "/c") {
                let size = UInt64(bytes.count)
                let end = try DescriptorIO.copyBytes(from: $0, to: $1, 0..<size)
                #expect(end == size)
            }
            #expect(try content(directory + "/c") == bytes)
        }
    }

    @Test func `a file that got shorter while it is copied is an error`() throws {
        try withDirectory { directory in
            try HostDirectory.replaceFile(directory + "/a", with: [1, 2, 3])
            try open(directory + "/a", directory + "/b") { from, to in
                let ends = (
                    try DescriptorIO.copyBytes(from: from, to: to, 0..<4),
                    try DescriptorIO.copyPresentData(from: from, to: to, in: 0..<4)
                )
                #expect(ends == (3, 3))
                #expect(throws: Errno.inputOutput) {
                    try DescriptorIO.copyData(from: from, to: to, in: 0..<4)
                }
            }
        }
    }

    @Test func `an empty file is copied`() throws {
        try withDirectory { directory in
            try HostDirectory.replaceFile(directory + "/a", with: [])
            try open(directory + "/a", directory + "/b") {
                try DescriptorIO.copyContent(from: $0, to: $1)
            }
            #expect(try content(directory + "/b") == [])
        }
    }

    @Test func `a file past the limit is not read`() throws {
        try withDirectory { directory in
            try HostDirectory.replaceFile(directory + "/a", with: [1, 2, 3])
            let file = try OwnedDescriptor(opening: directory + "/a", .readOnly)
            #expect(throws: Errno(rawValue: EFBIG)) {
                try DescriptorIO.readAll(file.rawValue, limit: 2)
            }
        }
    }

    @Test func `an exclusive lock excludes all, shared ones only it`() throws {
        try withDirectory { directory in
            let path = directory + "/lock"
            func file() throws -> OwnedDescriptor {
                try OwnedDescriptor(opening: path, [.readWrite, .create])
            }
            func tryLock(_ file: borrowing OwnedDescriptor, _ mode: DescriptorIO.LockMode) throws
                -> Bool
            {
                try DescriptorIO.lock(file.rawValue, mode, waits: false)
            }
            let second = try file()
            let third = try file()
            do {
                let first = try file()
                #expect(try tryLock(first, .exclusive))
                #expect(try !tryLock(second, .shared))
                #expect(try !tryLock(second, .exclusive))
            }
            // Closed, and so released.
            #expect(try tryLock(second, .shared))
            #expect(try tryLock(third, .shared))
            #expect(try !tryLock(third, .exclusive))
        }
    }

    @Test func `a change never has a time before the tick that was read before it`() throws {
        try withDirectory { directory in
            for _ in 0..<200 {
                let tick = FileTimestamp.tick()
                try HostDirectory.replaceFile(directory + "/a", with: [], durability: .deferred)
                #expect(try FileStatus(ofPath: directory + "/a").changeTime >= tick)
            }
        }
    }
}

/// Calls `body` with a new directory, removed at the end.
func withDirectory<R>(
    in parent: String = NSTemporaryDirectory(), _ body: (String) throws -> R
) throws -> R {
    let path = parent + "/vitrine-linuxio-\(UInt64.random(in: .min ... .max))"
    try HostDirectory.make(path)
    defer { try? HostDirectory.removeAll(path) }
    return try body(path)
}
