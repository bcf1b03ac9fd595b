internal import CLinux
internal import Glibc

/// A file descriptor with one owner; closed when the owner goes.
package struct OwnedDescriptor: ~Copyable, Sendable {
    /// Borrowed by whoever reads it: valid while the owner lives.
    package let rawValue: Int32

    /// Takes ownership of an open descriptor.
    package init(adopting rawValue: Int32) { self.rawValue = rawValue }

    /// An unnamed file in memory (memfd_create(2)).
    package init(anonymous name: String) throws(Errno) {
        rawValue = try retrying { unsafe vitrine_memory_file(name) }
    }

    deinit { close(rawValue) }

    /// Gives the descriptor away; the caller closes it.
    package consuming func release() -> Int32 {
        let value = rawValue
        discard self
        return value
    }

    /// Flags of `open(2)`; `O_CLOEXEC` is always added.
    package struct Mode: OptionSet, Sendable {
        package let rawValue: Int32
        package init(rawValue: Int32) { self.rawValue = rawValue }
        package static let readOnly = Mode(rawValue: O_RDONLY)
        package static let writeOnly = Mode(rawValue: O_WRONLY)
        package static let readWrite = Mode(rawValue: O_RDWR)
        package static let create = Mode(rawValue: O_CREAT)
        package static let exclusive = Mode(rawValue: O_EXCL)
        package static let truncate = Mode(rawValue: O_TRUNC)
        package static let append = Mode(rawValue: O_APPEND)
        package static let directory = Mode(rawValue: O_DIRECTORY)
        package static let noFollow = Mode(rawValue: O_NOFOLLOW)
        package static let pathOnly = Mode(rawValue: 0o10000000)
        package static let nonBlocking = Mode(rawValue: O_NONBLOCK)
        /// A file without a name in the directory that is opened (`O_TMPFILE`).
        package static let unnamed = Mode(rawValue: 0o20000000 | O_DIRECTORY)
    }

    /// Opens a path of the host.
    package init(
        opening path: String, _ mode: Mode, permissions: UInt32 = 0o644
    ) throws(Errno) {
        rawValue = try retrying {
            unsafe vitrine_openat(AT_FDCWD, path, mode.rawValue | O_CLOEXEC, permissions)
        }
    }

    /// Opens `name` (bytes, without NUL) relative to a directory.
    package init(
        opening name: [UInt8], in directory: Int32, _ mode: Mode, permissions: UInt32 = 0o644
    ) throws(Errno) {
        rawValue = try unsafe withCString(name) { (text) throws(Errno) in
            try retrying {
                unsafe vitrine_openat(directory, text, mode.rawValue | O_CLOEXEC, permissions)
            }
        }
    }

    /// Opens `path` as a process does whose root the directory is; neither `..` nor a symbolic link
    /// leads out of it, nor one of those of `/proc` (openat2(2), `RESOLVE_IN_ROOT`).
    package init(
        opening path: [UInt8], inRoot directory: Int32, _ mode: Mode
    ) throws(Errno) {
        rawValue = try unsafe withCString(path) { (text) throws(Errno) in
            try retrying {
                unsafe vitrine_openat2(
                    directory, text, mode.rawValue | O_CLOEXEC, 0,
                    UInt64(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS))
            }
        }
    }

    /// Opens `path` below a directory (openat2(2), `RESOLVE_BENEATH`).
    /// - Parameter followsLinks: symbolic links that stay below it are followed; without, any on the
    ///   way or at its end is an error.
    /// - Throws: EXDEV for what leads out, ELOOP for a link that is not followed.
    package init(
        opening path: [UInt8], beneath directory: Int32, _ mode: Mode, followsLinks: Bool
    ) throws(Errno) {
        let rules = RESOLVE_BENEATH | (followsLinks ? 0 : RESOLVE_NO_SYMLINKS)
        rawValue = try unsafe withCString(path) { (text) throws(Errno) in
            try retrying {
                unsafe vitrine_openat2(
                    directory, text, mode.rawValue | O_CLOEXEC, 0, UInt64(rules))
            }
        }
    }

    /// Opens anew what a descriptor stands for, one that was opened `pathOnly` too: never another
    /// file, whatever has its name by now (by `/proc/self/fd`).
    package init(reopening descriptor: Int32, _ mode: Mode) throws(Errno) {
        try self.init(opening: "/proc/self/fd/\(descriptor)", mode)
    }

    /// A second descriptor of the same open file.
    package func duplicate() throws(Errno) -> OwnedDescriptor {
        let raw = rawValue
        return OwnedDescriptor(
            adopting: try retrying { vitrine_fcntl(raw, F_DUPFD_CLOEXEC, 0) })
    }
}

/// Calls `body` with `bytes` as a C string.
/// - Throws: EINVAL when a NUL is among them.
func withCString<R>(
    _ bytes: [UInt8], _ body: (UnsafePointer<CChar>) throws(Errno) -> R
) throws(Errno) -> R {
    guard !bytes.contains(0) else { throw .invalidArgument }
    var terminated = bytes
    terminated.append(0)
    let result: Result<R, Errno> = unsafe terminated.withUnsafeBytes { raw in
        guard let base = raw.baseAddress else { return .failure(.invalidArgument) }
        do throws(Errno) {
            return .success(try unsafe body(base.assumingMemoryBound(to: CChar.self)))
        } catch {
            return .failure(error)
        }
    }
    return try result.get()
}
