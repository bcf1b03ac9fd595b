import CLinux
import Glibc

/// Calls of programs on paths and descriptors. What fails answers nil, or its errno.
enum Host {
    /// A failed call's errno as an error, for what a test needs to succeed.
    struct Failure: Error, Equatable { var errno: Int32 }

    static func open(_ path: String, _ flags: Int32 = O_RDONLY, mode: mode_t = 0o644) throws
        -> Int32
    {
        let descriptor = unsafe path.withCString { path in
            unsafe vitrine_openat(AT_FDCWD, path, flags | O_CLOEXEC, mode)
        }
        guard descriptor >= 0 else { throw Failure(errno: errno) }
        return descriptor
    }

    /// open(2) with `O_PATH`, which asks the file system nothing.
    static func openWithoutAsking(_ path: String) throws -> Int32 { try open(path, __O_PATH) }

    /// The errno of an open(2) that is to fail; 0 if it succeeds.
    static func openFailure(_ path: String, _ flags: Int32 = O_RDONLY) -> Int32 {
        do {
            close(try open(path, flags))
            return 0
        } catch {
            return (error as? Failure)?.errno ?? -1
        }
    }

    /// The errno of a call that returned `result`; 0 of one that succeeded.
    static func failure(_ result: Int) -> Int32 { result < 0 ? errno : 0 }
    static func failure(_ result: Int32) -> Int32 { result < 0 ? errno : 0 }

    static func status(_ path: String) -> stat? {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? status : nil
    }

    static func status(of descriptor: Int32) -> stat? {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 ? status : nil
    }

    static func statistics(_ path: String) -> statvfs? {
        var result = statvfs()
        return unsafe statvfs(path, &result) == 0 ? result : nil
    }

    /// As readdir(3) lists them, without `.` and `..`.
    static func names(in path: String) -> [String] {
        guard let directory = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let bytes = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe Array(bytes.prefix { $0 != 0 })
            }
            let name = String(decoding: bytes, as: UTF8.self)
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    static func link(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let length = unsafe buffer.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return -1 }
            return unsafe readlink(path, start.assumingMemoryBound(to: CChar.self), 4096)
        }
        return length < 0 ? nil : String(decoding: buffer.prefix(length), as: UTF8.self)
    }

    static func contents(_ path: String) -> [UInt8]? {
        guard let descriptor = try? open(path) else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while let chunk = read(descriptor, at: bytes.count, 1 << 20) {
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
        return nil
    }

    static func read(_ descriptor: Int32, at offset: Int, _ count: Int) -> [UInt8]? {
        var length = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            length = unsafe pread(descriptor, buffer.baseAddress, count, offset)
            filled = max(0, length)
        }
        return length < 0 ? nil : bytes
    }

    /// The errno, or 0.
    static func write(_ bytes: [UInt8], to descriptor: Int32, at offset: Int = 0) -> Int32 {
        let written = unsafe bytes.withUnsafeBytes { bytes in
            unsafe pwrite(descriptor, bytes.baseAddress, bytes.count, offset)
        }
        return written == bytes.count ? 0 : errno
    }

    /// Makes a file with this content; the errno, or 0.
    static func put(_ bytes: [UInt8], at path: String) -> Int32 {
        do {
            let descriptor = try open(path, O_WRONLY | O_CREAT | O_TRUNC)
            defer { close(descriptor) }
            return write(bytes, to: descriptor)
        } catch {
            return (error as? Failure)?.errno ?? -1
        }
    }

    /// The content seen through a mapping.
    static func mapped(_ descriptor: Int32, _ count: Int, shared: Bool = true) -> [UInt8]? {
        let flags = shared ? MAP_SHARED : MAP_PRIVATE
        guard let start = unsafe mmap(nil, count, PROT_READ, flags, descriptor, 0),
            unsafe start != MAP_FAILED
        else { return nil }
        defer { unsafe munmap(start, count) }
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
    }

    static func attribute(_ name: String, of path: String) -> [UInt8]? {
        var length = 0
        let value = unsafe [UInt8](unsafeUninitializedCapacity: 1024) { buffer, filled in
            length = unsafe lgetxattr(path, name, buffer.baseAddress, 1024)
            filled = max(0, length)
        }
        return length < 0 ? nil : value
    }

    /// The errno, or 0.
    static func setAttribute(
        _ name: String, of path: String, to value: [UInt8], flags: Int32 = 0
    ) -> Int32 {
        failure(unsafe lsetxattr(path, name, value, value.count, flags))
    }

    static func attributeNames(_ path: String) -> [String]? {
        let length = unsafe llistxattr(path, nil, 0)
        guard length >= 0 else { return nil }
        let list = unsafe [UInt8](unsafeUninitializedCapacity: length) { buffer, filled in
            let raw = unsafe UnsafeMutableRawPointer(buffer.baseAddress)?
                .assumingMemoryBound(to: CChar.self)
            filled = max(0, unsafe llistxattr(path, raw, length))
        }
        return list.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Removes a directory and what is in it.
    static func removeTree(_ path: String) {
        for name in names(in: path) {
            let inner = path + "/" + name
            if unsafe unlink(inner) != 0 { removeTree(inner) }
        }
        unsafe rmdir(path)
    }

    static func makeDirectories(_ paths: [String]) throws {
        for path in paths where unsafe mkdir(path, 0o755) != 0 { throw Failure(errno: errno) }
    }

    static func makeTemporaryDirectory() -> String? {
        var template = Array("/tmp/vitrine-fuse-XXXXXX".utf8CString)
        return unsafe template.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress, let path = unsafe mkdtemp(start) else {
                return nil
            }
            return unsafe String(cString: path)
        }
    }
}

/// renameat2(2), which glibc's headers hide from Swift.
@_silgen_name("renameat2")
func renameat2(
    _: Int32, _: UnsafePointer<CChar>, _: Int32, _: UnsafePointer<CChar>, _: UInt32
) -> Int32

/// Bytes without an obvious period.
func pattern(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var value = seed
    return (0..<count).map { _ in
        value = value &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: value >> 33)
    }
}

/// Waits up to two seconds for something asynchronous, such as RELEASE.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<400 {
        if condition() { return true }
        usleep(5000)
    }
    return condition()
}
