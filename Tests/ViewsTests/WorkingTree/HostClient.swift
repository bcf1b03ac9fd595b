import CLinux
import Glibc
import LinuxIO

/// Runs operations on a real directory.
final class HostClient: PosixClient {
    private let root: OwnedDescriptor
    private var handles: [Int: OpenFile] = [:]

    private final class OpenFile {
        let owned: OwnedDescriptor
        init(_ owned: consuming OwnedDescriptor) { self.owned = owned }
    }

    init(directory: String) throws {
        root = try OwnedDescriptor(opening: directory, [.readOnly, .directory])
    }

    private var descriptor: Int32 { root.rawValue }

    private func outcome(_ result: some SignedInteger) -> PosixOutcome {
        result < 0 ? .failed(errno: errno) : .done
    }

    /// The root itself is an empty path, which system calls do not take.
    private func named(_ path: String) -> String { path.isEmpty ? "." : path }

    func run(_ operation: PosixOperation) -> PosixOutcome {
        switch operation {
        case .create(let path, let mode, let exclusive):
            return withFile(path, O_WRONLY | O_CREAT | (exclusive ? O_EXCL : 0), mode) { _ in .done
            }
        case .write(let path, let offset, let bytes):
            return withFile(path, O_WRONLY) {
                outcome(unsafe pwrite($0, bytes, bytes.count, offset))
            }
        case .truncate(let path, let size):
            return withRegularName(path) { unsafe outcome(truncate(absolute(path), size)) }
        case .makeDirectory(let path, let mode):
            return unsafe outcome(mkdirat(descriptor, named(path), mode))
        case .makeNode(let path, let mode, let device):
            return unsafe outcome(mknodat(descriptor, named(path), mode, dev_t(device)))
        case .symbolicLink(let path, let target):
            return unsafe outcome(symlinkat(target, descriptor, path))
        case .link(let path, let to):
            return unsafe outcome(linkat(descriptor, named(path), descriptor, to, 0))
        case .unlink(let path): return unsafe outcome(unlinkat(descriptor, named(path), 0))
        case .removeDirectory(let path):
            return unsafe outcome(unlinkat(descriptor, named(path), AT_REMOVEDIR))
        case .rename(let path, let to, let flags):
            return unsafe outcome(renameat2(descriptor, named(path), descriptor, to, flags))
        default: return runOnAttributes(operation)
        }
    }

    private func runOnAttributes(_ operation: PosixOperation) -> PosixOutcome {
        switch operation {
        case .changeMode(let path, let mode):
            // Linux cannot change a symbolic link's mode; chmod(2) would follow it.
            return withKind(path) {
                $0 == S_IFLNK
                    ? .failed(errno: EOPNOTSUPP)
                    : unsafe outcome(fchmodat(descriptor, named(path), mode, 0))
            }
        case .changeOwner(let path, let user, let group):
            return unsafe outcome(
                fchownat(descriptor, named(path), user ?? .max, group ?? .max, AT_SYMLINK_NOFOLLOW))
        case .setModificationTime(let path, let seconds):
            let times = [
                timespec(tv_sec: 0, tv_nsec: (1 << 30) - 2),
                seconds.map { timespec(tv_sec: $0, tv_nsec: 5) }
                    ?? timespec(tv_sec: 0, tv_nsec: (1 << 30) - 1),
            ]
            return unsafe outcome(utimensat(descriptor, named(path), times, AT_SYMLINK_NOFOLLOW))
        case .setAttribute(let path, let name, let value, let flags):
            return unsafe outcome(lsetxattr(absolute(path), name, value, value.count, flags))
        case .removeAttribute(let path, let name):
            return unsafe outcome(lremovexattr(absolute(path), name))
        case .attribute(let path, let name):
            var value = [UInt8](repeating: 0, count: 65_536)
            let count = unsafe lgetxattr(absolute(path), name, &value, value.count)
            return count < 0 ? .failed(errno: errno) : .text("\(value[0..<count])")
        case .status(let path):
            var value = stat()
            guard unsafe fstatat(descriptor, named(path), &value, AT_SYMLINK_NOFOLLOW) == 0 else {
                return .failed(errno: errno)
            }
            return PosixStatus(value).outcome
        case .read(let path):
            return withKind(path) { kind in
                kind == S_IFLNK ? readLink(path) : withFile(path, O_RDONLY, 0, readAll)
            }
        case .list(let path):
            return withKind(path) { kind in
                kind == S_IFDIR ? list(path) : .failed(errno: ENOTDIR)
            }
        default: return runOnHandles(operation)
        }
    }

    private func runOnHandles(_ operation: PosixOperation) -> PosixOutcome {
        switch operation {
        case .open(let handle, let path, let writes, let truncates):
            let flags = (writes ? O_RDWR : O_RDONLY) | (truncates ? O_TRUNC : 0)
            return keepFile(path, flags, as: handle)
        case .writeHandle(let handle, let offset, let bytes):
            return withHandle(handle) { outcome(unsafe pwrite($0, bytes, bytes.count, offset)) }
        case .truncateHandle(let handle, let size):
            return withHandle(handle) { outcome(ftruncate($0, size)) }
        case .allocate(let handle, let mode, let offset, let length):
            return withHandle(handle) { file in
                do throws(Errno) {
                    try DescriptorIO.allocate(
                        file, mode: mode, offset: UInt64(offset), length: UInt64(length))
                    return .done
                } catch {
                    return .failed(errno: error.rawValue)
                }
            }
        case .readHandle(let handle): return withHandle(handle, readAll)
        case .statusOfHandle(let handle):
            return withHandle(handle) {
                var value = stat()
                guard unsafe fstat($0, &value) == 0 else { return .failed(errno: errno) }
                return PosixStatus(value).outcome
            }
        case .close(let handle):
            return handles.removeValue(forKey: handle) == nil ? .failed(errno: EBADF) : .done
        default: return .failed(errno: ENOSYS)
        }
    }

    // MARK: - Parts

    private func absolute(_ path: String) -> String { "/proc/self/fd/\(descriptor)/\(path)" }

    private func withHandle(_ handle: Int, _ body: (Int32) -> PosixOutcome) -> PosixOutcome {
        guard let open = handles[handle] else { return .failed(errno: EBADF) }
        return body(open.owned.rawValue)
    }

    private func withKind(_ path: String, _ body: (UInt32) -> PosixOutcome) -> PosixOutcome {
        var value = stat()
        guard unsafe fstatat(descriptor, named(path), &value, AT_SYMLINK_NOFOLLOW) == 0 else {
            return .failed(errno: errno)
        }
        return body(value.st_mode & S_IFMT)
    }

    /// Dangling symbolic links are all there are: following one finds nothing.
    private func withRegularName(_ path: String, _ body: () -> PosixOutcome) -> PosixOutcome {
        withKind(path) { kind in
            switch kind {
            case S_IFREG: body()
            case S_IFDIR: .failed(errno: EISDIR)
            default: .failed(errno: ENXIO)
            }
        }
    }

    private func opened(_ path: String, _ flags: Int32, _ mode: UInt32) -> Result<Int32, Errno> {
        var value = stat()
        if unsafe fstatat(descriptor, named(path), &value, AT_SYMLINK_NOFOLLOW) == 0 {
            let kind = value.st_mode & S_IFMT
            if flags & O_EXCL == 0 && kind != S_IFREG {
                return .failure(Errno(rawValue: kind == S_IFDIR ? EISDIR : ENXIO))
            }
        }
        let file = unsafe vitrine_openat(
            descriptor, named(path), flags | O_CLOEXEC | O_NOFOLLOW, mode)
        return file < 0 ? .failure(Errno(rawValue: errno)) : .success(file)
    }

    private func withFile(
        _ path: String, _ flags: Int32, _ mode: UInt32 = 0, _ body: (Int32) -> PosixOutcome
    ) -> PosixOutcome {
        switch opened(path, flags, mode) {
        case .failure(let error): return .failed(errno: error.rawValue)
        case .success(let file):
            defer { close(file) }
            return body(file)
        }
    }

    private func keepFile(_ path: String, _ flags: Int32, as handle: Int) -> PosixOutcome {
        switch opened(path, flags, 0) {
        case .failure(let error): return .failed(errno: error.rawValue)
        case .success(let file):
            handles[handle] = OpenFile(OwnedDescriptor(adopting: file))
            return .done
        }
    }

    private func readAll(_ file: Int32) -> PosixOutcome {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe pread(file, &chunk, chunk.count, content.count)
            if count < 0 { return .failed(errno: errno) }
            if count == 0 { return .text(ContentDigest.text(content)) }
            content += chunk[0..<count]
        }
    }

    private func readLink(_ path: String) -> PosixOutcome {
        do {
            let target = try HostDirectory.readLink(Array(path.utf8), in: descriptor)
            return .text(String(decoding: target, as: UTF8.self))
        } catch {
            return .failed(errno: error.rawValue)
        }
    }

    private func list(_ path: String) -> PosixOutcome {
        do throws(Errno) {
            let file = try OwnedDescriptor(
                opening: Array(named(path).utf8), in: descriptor,
                [.readOnly, .directory])
            let names = try HostDirectory.names(file.rawValue)
                .map { String(decoding: $0, as: UTF8.self) }
            return .text(names.sorted().joined(separator: " "))
        } catch {
            return .failed(errno: error.rawValue)
        }
    }
}

/// renameat2(2), which glibc's headers hide from Swift.
@_silgen_name("renameat2")
private func renameat2(
    _ oldDirectory: Int32, _ old: UnsafePointer<CChar>, _ newDirectory: Int32,
    _ new: UnsafePointer<CChar>, _ flags: UInt32
) -> Int32

extension PosixStatus {
    init(_ value: stat) {
        self.init(
            mode: value.st_mode, links: UInt64(value.st_nlink), user: value.st_uid,
            group: value.st_gid, device: UInt64(value.st_rdev), size: UInt64(value.st_size),
            modifiedSeconds: Int64(value.st_mtim.tv_sec))
    }
}

/// Content as a failed comparison shows it.
enum ContentDigest {
    static func text(_ bytes: [UInt8]) -> String {
        let hash = bytes.reduce(UInt64(14_695_981_039_346_656_037)) {
            ($0 ^ UInt64($1)) &* 1_099_511_628_211
        }
        return "\(bytes.count) bytes, \(String(hash, radix: 16))"
    }
}
