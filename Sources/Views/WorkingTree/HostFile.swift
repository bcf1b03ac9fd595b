internal import FileTree
internal import Glibc
internal import ImageSpec
internal import LinuxIO
internal import VirtualFS

/// An open file of the host that holds the content of an inode; closed when nobody uses it.
final class HostFile: Sendable {
    private let owned: OwnedDescriptor
    /// Equal for open files of the same host file.
    let identity: UInt64

    init(_ owned: consuming OwnedDescriptor, identity: UInt64) {
        self.owned = owned
        self.identity = identity
        OpenFileBudget.opened()
    }

    deinit { OpenFileBudget.closed() }

    var descriptor: Int32 { owned.rawValue }

    var backing: OpenedFile.Backing {
        OpenedFile.Backing(descriptor: descriptor, identity: identity, isLasting: isObject)
    }

    /// The identity of an object's host file; own files have small ones.
    static func identity(ofObject content: FileContent) -> UInt64 {
        content.digest.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } | 1 << 63
    }

    /// Whether it is an object of the store, and no own file.
    var isObject: Bool { identity >> 63 == 1 }

    static func open(
        _ path: String, _ mode: OwnedDescriptor.Mode, permissions: UInt32 = 0, identity: UInt64
    ) throws(FileSystemError) -> HostFile {
        do throws(Errno) {
            return HostFile(
                try OwnedDescriptor(opening: path, mode, permissions: permissions),
                identity: identity)
        } catch {
            throw FileSystemError(host: error)
        }
    }

    /// Whether it is a program or a library (ELF).
    var isProgram: Bool {
        var head: [UInt8] = [0, 0, 0, 0]
        // What cannot be read is told to whoever reads it.
        unsafe head.withUnsafeMutableBytes { buffer in
            _ = try? unsafe DescriptorIO.readFully(descriptor, into: buffer, at: 0)
        }
        return head == [0x7F, 0x45, 0x4C, 0x46]
    }

    func status() throws(FileSystemError) -> FileStatus {
        do throws(Errno) {
            return try FileStatus(of: descriptor)
        } catch {
            throw FileSystemError(host: error)
        }
    }

    func truncate(to sizeBytes: UInt64) throws(FileSystemError) {
        do throws(Errno) {
            try DescriptorIO.truncate(descriptor, to: sizeBytes)
        } catch {
            throw FileSystemError(host: error)
        }
    }

    /// Gives the file the modification time that its inode has, before writing begins: a time that
    /// differs afterwards tells of a write.
    func begin(at time: FileTime) throws(FileSystemError) {
        if FileTime(try status().modificationTime) != time { try setModificationTime(time) }
    }

    /// Sets the modification time and leaves the access time alone.
    ///
    /// The host stamps what changes next with a finer time than that of its tick only if somebody has
    /// looked since (multigrain timestamps, Linux 6.13), so that the change shows: hence the look.
    func setModificationTime(_ time: FileTime) throws(FileSystemError) {
        do throws(Errno) {
            try DescriptorIO.setModificationTime(
                descriptor, FileTimestamp(seconds: time.seconds, nanoseconds: time.nanoseconds))
            _ = try FileStatus(of: descriptor)
        } catch {
            throw FileSystemError(host: error)
        }
    }
}

extension FileSystemError {
    /// The error for what a system call of ours said. That this process is out of descriptors is
    /// not the calling program's limit: it is told that the system is (ENFILE).
    init(host error: Errno) {
        self =
            error == .tooManyOpenFiles
            ? .other(errno: ENFILE) : FileSystemError(errno: error.rawValue)
    }
}

extension FileTime {
    init(_ time: FileTimestamp) {
        self.init(seconds: time.seconds, nanoseconds: time.nanoseconds)
    }

    /// A nanosecond later.
    var next: FileTime {
        nanoseconds < 999_999_999
            ? FileTime(seconds: seconds, nanoseconds: nanoseconds + 1)
            : FileTime(seconds: seconds + 1)
    }
}
