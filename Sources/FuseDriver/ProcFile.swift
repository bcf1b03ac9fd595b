internal import Glibc

/// Reads of /proc: whole files, links and directories, as bytes.
enum ProcFile {
    /// The whole of a file that may report size 0; nil if it cannot be read.
    static func contents(_ path: [UInt8]) -> [UInt8]? {
        let raw = unsafe path.withCString { unsafe open($0, O_RDONLY | O_CLOEXEC) }
        guard raw >= 0 else { return nil }
        let descriptor = OwnedDescriptor(adopting: raw)
        return contents(of: descriptor.rawValue)
    }

    /// What is left to read of a descriptor.
    static func contents(of descriptor: Int32) -> [UInt8]? {
        let chunkBytes = 1 << 14
        var bytes: [UInt8] = []
        while true {
            var failure: Int32 = 0
            let chunk = unsafe [UInt8](unsafeUninitializedCapacity: chunkBytes) { buffer, count in
                let got = unsafe read(descriptor, buffer.baseAddress, chunkBytes)
                failure = got < 0 ? errno : 0
                count = max(got, 0)
            }
            if failure == EINTR { continue }
            guard failure == 0 else { return nil }
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
    }

    /// The text of a symbolic link, not followed; nil if it cannot be read.
    static func link(_ path: [UInt8]) -> [UInt8]? {
        let limit = Int(PATH_MAX) + 1
        var length = -1
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            guard let target = buffer.baseAddress else { return }
            length = unsafe path.withCString { path in
                unsafe target.withMemoryRebound(to: CChar.self, capacity: limit) { target in
                    unsafe readlink(path, target, limit)
                }
            }
            count = max(length, 0)
        }
        return length < 0 ? nil : bytes
    }

    /// The names in a directory, without `.` and `..`; nil if it cannot be read.
    static func names(in path: [UInt8]) -> [[UInt8]]? {
        guard let directory = unsafe path.withCString({ unsafe opendir($0) }) else { return nil }
        defer { unsafe closedir(directory) }
        var names: [[UInt8]] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe Array(bytes.prefix { $0 != 0 })
            }
            if name != [UInt8(ascii: ".")] && name != Array("..".utf8) { names.append(name) }
        }
        return names
    }
}

extension [UInt8] {
    /// Calls `body` with the bytes and a NUL after them.
    func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        let terminated = map(CChar.init(bitPattern:)) + [0]
        return unsafe body(terminated)
    }

    /// For messages only.
    var displayed: String { String(decoding: self, as: UTF8.self) }
}
