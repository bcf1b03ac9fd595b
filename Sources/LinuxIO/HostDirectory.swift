internal import CLinux
internal import Glibc

/// Operations on names of a host directory. Names are bytes; paths are strings of ours.
package enum HostDirectory {
    /// Stands for the working directory in calls that take a directory's descriptor; with absolute
    /// paths any does.
    package static let workingDirectory: Int32 = AT_FDCWD

    /// The names in the directory but `.` and `..`, unsorted.
    package static func names(_ descriptor: Int32) throws(Errno) -> [[UInt8]] {
        // A descriptor of its own, for fdopendir takes it over and its position is shared by dup.
        let own = try OwnedDescriptor(opening: [0x2E], in: descriptor, [.readOnly, .directory])
            .release()
        guard let stream = unsafe fdopendir(own) else {
            let error = Errno.current
            close(own)
            throw error
        }
        defer { unsafe closedir(stream) }
        var names: [[UInt8]] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                let error = Errno.current
                if error.rawValue != 0 { throw error }
                return names
            }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                unsafe Array(raw.prefix { $0 != 0 })
            }
            if name != [0x2E] && name != [0x2E, 0x2E] { names.append(name) }
        }
    }

    package static func names(ofPath path: String) throws(Errno) -> [[UInt8]] {
        // A name for the owner: it must outlive the call.
        let directory = try OwnedDescriptor(opening: path, [.readOnly, .directory])
        return try names(directory.rawValue)
    }

    /// Makes the directory and its parents where they are missing.
    package static func makeAll(
        _ path: String, permissions: UInt32 = 0o755, ignoresMask: Bool = false
    ) throws(Errno) {
        func make() throws(Errno) {
            try Self.make(path, permissions: permissions)
            if ignoresMask { try retrying { unsafe chmod(path, permissions) } }
        }
        do throws(Errno) {
            try make()
        } catch .exists {
            return
        } catch .notFound {
            guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
                throw .notFound
            }
            try makeAll(
                String(path[..<slash]), permissions: permissions, ignoresMask: ignoresMask)
            do throws(Errno) {
                try make()
            } catch .exists {}
        }
    }

    package static func make(_ path: String, permissions: UInt32 = 0o755) throws(Errno) {
        try retrying { unsafe mkdir(path, permissions) }
    }

    package static func rename(_ source: String, to target: String) throws(Errno) {
        try retrying { unsafe Glibc.rename(source, target) }
    }

    /// Renames the file unless the target exists (renameat2(2), RENAME_NOREPLACE). Where the file
    /// system cannot tell, an existing target is replaced.
    /// - Throws: EEXIST.
    package static func renameToNew(_ source: String, to target: String) throws(Errno) {
        do throws(Errno) {
            try retrying { unsafe vitrine_rename_to_new(source, target) }
        } catch  where error == .invalidArgument || error == .notImplemented {
            try rename(source, to: target)
        }
    }

    /// Gives a file that was opened `unnamed` its name (linkat(2), by `/proc/self/fd`).
    /// - Throws: EEXIST.
    package static func link(_ descriptor: Int32, as path: String) throws(Errno) {
        try retrying {
            unsafe linkat(
                AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, path, AT_SYMLINK_FOLLOW)
        }
    }

    /// Gives the file another name (link(2)).
    /// - Throws: EEXIST; EMLINK, EPERM where it cannot have one more.
    package static func link(_ path: String, as target: String) throws(Errno) {
        try retrying { unsafe Glibc.link(path, target) }
    }

    package static func unlink(_ path: String) throws(Errno) {
        try retrying { unsafe Glibc.unlink(path) }
    }

    package static func unlink(_ name: [UInt8], in directory: Int32) throws(Errno) {
        _ = try unsafe withCString(name) { (text) throws(Errno) in
            try retrying { unsafe unlinkat(directory, text, 0) }
        }
    }

    package static func removeEmpty(_ path: String) throws(Errno) {
        try retrying { unsafe rmdir(path) }
    }

    /// Removes the directory with all it holds; follows no symbolic link. What others remove at the
    /// same time is as good as removed.
    /// - Throws: EXDEV at a directory on which another file system is mounted: what is in there was
    ///   not meant. Then, as with other errors, a part may be removed.
    package static func removeAll(_ path: String) throws(Errno) {
        do throws(Errno) {
            let directory = try OwnedDescriptor(
                opening: path, [.readOnly, .directory, .noFollow])
            try removeContents(
                directory.rawValue, device: try FileStatus(of: directory.rawValue).device)
            try removeEmpty(path)
        } catch .notFound {
        } catch .notDirectory {
            try unlink(path)
        } catch .symbolicLinkLoop {
            try unlink(path)
        }
    }

    private static func removeContents(_ directory: Int32, device: UInt64) throws(Errno) {
        for name in try names(directory) {
            do throws(Errno) {
                try remove(name, in: directory, device: device)
            } catch .notFound {}
        }
    }

    private static func remove(
        _ name: [UInt8], in directory: Int32, device: UInt64
    ) throws(Errno) {
        guard try FileStatus(of: name, in: directory).kind == .directory else {
            return try unlink(name, in: directory)
        }
        let child = try OwnedDescriptor(
            opening: name, in: directory, [.readOnly, .directory, .noFollow])
        guard try FileStatus(of: child.rawValue).device == device else { throw .crossDevice }
        try removeContents(child.rawValue, device: device)
        _ = try unsafe withCString(name) { (text) throws(Errno) in
            try retrying { unsafe unlinkat(directory, text, AT_REMOVEDIR) }
        }
    }

    /// The target of a symbolic link.
    package static func readLink(_ name: [UInt8], in directory: Int32) throws(Errno) -> [UInt8] {
        try unsafe withCString(name) { (text) throws(Errno) in
            try unsafe filling(4096) {
                unsafe readlinkat(directory, text, $0.assumingMemoryBound(to: CChar.self), $1)
            }
        }
    }

    /// The target of the symbolic link at `path`.
    package static func readLink(_ path: String) throws(Errno) -> String {
        String(decoding: try readLink(Array(path.utf8), in: AT_FDCWD), as: UTF8.self)
    }

    /// The absolute path behind all symbolic links (realpath(3)).
    package static func realPath(_ path: String) throws(Errno) -> String {
        guard let resolved = unsafe realpath(path, nil) else { throw Errno.current }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    /// Sets both times of a file to now, which also renews its change time.
    /// Sets the access time to now: the change time too, the modification time not.
    package static func renew(_ path: String) throws(Errno) {
        let times: InlineArray<2, timespec> = [
            timespec(tv_sec: 0, tv_nsec: DescriptorIO.now),
            timespec(tv_sec: 0, tv_nsec: DescriptorIO.omit),
        ]
        try setTimes(path, times)
    }

    package static func setModificationTime(
        of path: String, _ time: FileTimestamp
    ) throws(Errno) {
        let times: InlineArray<2, timespec> = [
            timespec(tv_sec: 0, tv_nsec: DescriptorIO.omit),
            timespec(tv_sec: Int(time.seconds), tv_nsec: Int(time.nanoseconds)),
        ]
        try setTimes(path, times)
    }

    private static func setTimes(
        _ path: String, _ times: InlineArray<2, timespec>
    ) throws(Errno) {
        let result = unsafe times.span.withUnsafeBufferPointer {
            unsafe utimensat(AT_FDCWD, path, $0.baseAddress, AT_SYMLINK_NOFOLLOW)
        }
        guard result == 0 else { throw Errno.current }
    }

    package static func touch(_ path: String) throws(Errno) {
        try retrying { unsafe utimensat(AT_FDCWD, path, nil, 0) }
    }

    package static func exists(_ path: String) -> Bool {
        unsafe faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0
    }

    /// Brings the names in a directory to the disk.
    package static func synchronize(_ path: String) throws(Errno) {
        let directory = try OwnedDescriptor(opening: path, [.readOnly, .directory])
        try DescriptorIO.synchronize(directory.rawValue)
    }

    /// When a replaced file is on the disk.
    package enum Durability: Sendable {
        /// When the call returns.
        case immediate
        /// With the next syncfs(2), or when the kernel comes to it. A power cut before may leave an
        /// empty file: for what is made again, and what is trusted only after that sync.
        case deferred
    }

    /// Writes the file whole or not at all: to a temporary name that nobody else has, renamed when
    /// it is complete.
    package static func replaceFile(
        _ path: String, with bytes: [UInt8], permissions: UInt32 = 0o644,
        durability: Durability = .immediate
    ) throws(Errno) {
        let token = String(UInt64.random(in: .min ... .max), radix: 16)
        let temporary = "\(path).\(token)\(temporarySuffix)"
        let file = try OwnedDescriptor(
            opening: temporary, [.writeOnly, .create, .exclusive], permissions: permissions)
        do throws(Errno) {
            try DescriptorIO.writeAll(file.rawValue, bytes)
            if durability == .immediate { try DescriptorIO.synchronize(file.rawValue) }
            try rename(temporary, to: path)
        } catch {
            try? unlink(temporary)  // the first error is the one to report
            throw error
        }
        guard durability == .immediate else { return }
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let directory = try OwnedDescriptor(
            opening: parent.isEmpty ? "/" : parent, [.readOnly, .directory])
        try DescriptorIO.synchronize(directory.rawValue)
    }

    /// The end of the name under which ``replaceFile(_:with:permissions:durability:)`` writes: what
    /// a killed process leaves.
    package static let temporarySuffix = ".tmp"
}
