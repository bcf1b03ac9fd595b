// Which of the C modules declares `stat` is the compiler's choice.
import CFuse
import CLinux
import Glibc
import LinuxIO
import Testing

/// Something that a program does with files in a directory, told as text: the same on a view and on a
/// local disk.
struct LocalDiskProbe: Sendable, CustomTestStringConvertible {
    let name: String
    /// - Parameter directory: has `large`, of 3 MiB, `small`, of 3,000 bytes, and `program`, which is
    ///   sleep(1); of the image, where it is a view.
    let run: @Sendable (_ directory: String) throws -> [String]

    var testDescription: String { name }

    init(_ name: String, run: @escaping @Sendable (String) throws -> [String]) {
        self.name = name
        self.run = run
    }
}

/// Calls whose outcomes are text: a number, or the errno's.
enum Outcome {
    static func of(_ result: some SignedInteger) -> String {
        let failure = errno
        return result < 0 ? "errno \(failure)" : "\(result)"
    }

    static func open(_ path: String, _ flags: Int32 = O_RDONLY, mode: mode_t = 0o644) -> Int32 {
        unsafe vitrine_openat(AT_FDCWD, path, flags | O_CLOEXEC, mode)
    }

    /// Opens, runs `body`, closes.
    static func with(
        _ path: String, _ flags: Int32 = O_RDONLY, mode: mode_t = 0o644,
        _ body: (Int32) -> [String]
    ) -> [String] {
        let file = open(path, flags, mode: mode)
        guard file >= 0 else { return [of(file)] }
        defer { close(file) }
        return body(file)
    }

    static func status(_ path: String) -> String {
        var value = stat()
        guard unsafe lstat(path, &value) == 0 else { return "errno \(errno)" }
        return
            "mode \(String(value.st_mode, radix: 8)) links \(value.st_nlink) size \(value.st_size) "
            + "owner \(value.st_uid):\(value.st_gid) device \(value.st_rdev)"
    }

    static func content(_ path: String) -> String {
        let file = open(path)
        guard file >= 0 else { return of(file) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = unsafe pread(file, &chunk, chunk.count, bytes.count)
            if count <= 0 { return count < 0 ? of(count) : ContentDigest.text(bytes) }
            bytes += chunk[0..<count]
        }
    }

    static func write(_ file: Int32, _ bytes: [UInt8], at offset: Int? = nil) -> String {
        if let offset { return of(unsafe pwrite(file, bytes, bytes.count, offset)) }
        return of(unsafe Glibc.write(file, bytes, bytes.count))
    }

    static func put(_ bytes: [UInt8], _ path: String) -> String {
        with(path, O_WRONLY | O_CREAT | O_TRUNC) { [write($0, bytes)] }.joined()
    }

    /// Starts a program; its process, or the errno.
    static func start(_ words: [String]) -> Result<pid_t, Errno> {
        var vector = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe vector.forEach { unsafe free($0) } }
        var child: pid_t = -1
        let failure = unsafe posix_spawnp(&child, words[0], nil, nil, &vector, environ)
        return failure == 0 ? .success(child) : .failure(Errno(rawValue: failure))
    }

    static func exit(of process: pid_t) -> Int32 {
        var status: Int32 = 0
        guard unsafe waitpid(process, &status, 0) == process else { return -1 }
        return status
    }

    /// Runs a script of sh(1) in several processes at once; their exit states.
    static func run(_ script: String, times: Int) -> [String] {
        let children = (0..<times).map { start(["sh", "-c", script, "sh", "\($0)"]) }
        return children.map { child in
            switch child {
            case .success(let process): "\(exit(of: process))"
            case .failure(let error): "errno \(error.rawValue)"
            }
        }
    }
}
