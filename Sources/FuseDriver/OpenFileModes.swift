internal import CFuse
internal import Synchronization
internal import VirtualFS

/// How the open files of every inode do I/O, where passthrough is on.
///
/// The kernel holds each inode in one mode while files are open (fs/fuse/iomode.c): *cached*, by any
/// number of ordinary opens (and of direct ones, once they are mapped), or *passthrough*, by any
/// number of opens with the same backing. An answer of the other mode fails the `open` with `EIO`,
/// or a later `mmap` with `ENODEV`. So:
///
///     asked for             unused inode   ordinary   passthrough, same   passthrough, other backing
///     no backing            cached         cached     –                   conflict
///     a backing             passthrough    cached     passthrough         conflict
///     an observed backing   cached         cached     direct, over it     conflict
///
/// "Direct, over it" carries the backing id too: the kernel wants every open of an inode in
/// passthrough to do so. Direct I/O takes precedence for reads and writes; a mapping is one of the
/// backing. This is why another backing is a conflict: a shared mapping would write to a file that
/// is no longer the inode's content, and that may be an object of the store.
final class OpenFileModes: Sendable {
    /// The opens of an inode that has any.
    private enum Mode {
        case ordinary(opens: Int)
        /// The backing id is registered with the kernel.
        case passthrough(opens: Int, Registration)
    }

    /// Registers and forgets backing files with the kernel; the second seam is for tests.
    struct Kernel: Sendable {
        var open: @Sendable (_ descriptor: Int32) -> Int32?
        var close: @Sendable (_ backingID: Int32) -> Void
    }

    /// What the kernel knows by a backing id.
    private struct Registration {
        var backingID: Int32
        var identity: UInt64
        var isLasting: Bool
    }

    private final class Shard: Sendable {
        let inodes = Mutex<[InodeNumber: Mode]>([:])
    }

    /// Enough that threads on different inodes seldom meet; a power of two.
    private static let shardCount = 16
    private let shards = (0..<shardCount).map { _ in Shard() }
    private let kernel: Kernel
    /// Lasting ones that no open file uses, the latest last: most are wanted again, since each program
    /// that starts opens the same libraries.
    private let unused = Mutex<[Registration]>([])
    private static let unusedLimit = 64

    init(kernel: Kernel) { self.kernel = kernel }

    /// The answer to an OPEN or CREATE; the file counts as open until ``close(_:)``.
    /// - Returns: nil for a conflict; the file does not count then.
    func open(_ inode: InodeNumber, _ file: OpenedFile) -> vitrine_open_out? {
        shard(of: inode).inodes.withLock { inodes in
            var answer = vitrine_open_out(file)
            switch inodes[inode] {
            case .passthrough(let opens, let registration):
                guard let backing = file.backing, backing.identity == registration.identity
                else { return nil }
                inodes[inode] = .passthrough(opens: opens + 1, registration)
                answer.backing_id = registration.backingID
                answer.open_flags =
                    VITRINE_FOPEN_PASSTHROUGH
                    | (backing.isObserved ? VITRINE_FOPEN_DIRECT_IO : 0)
            case .ordinary(let opens):
                inodes[inode] = .ordinary(opens: opens + 1)
            case nil:
                // Within the lock, since two registrations of one file do not count as the same;
                // the call allocates and never waits.
                if let backing = file.backing, !backing.isObserved,
                    let registration = register(backing)
                {
                    inodes[inode] = .passthrough(opens: 1, registration)
                    answer.backing_id = registration.backingID
                    answer.open_flags = VITRINE_FOPEN_PASSTHROUGH
                } else {
                    inodes[inode] = .ordinary(opens: 1)
                }
            }
            return answer
        }
    }

    /// A file is released, or its `open` never reached the program.
    func close(_ inode: InodeNumber) {
        shard(of: inode).inodes.withLock { inodes in
            switch inodes[inode] {
            case .passthrough(1, let registration):
                retire(registration)
                inodes[inode] = nil
            case .passthrough(let opens, let registration):
                inodes[inode] = .passthrough(opens: opens - 1, registration)
            case .ordinary(let opens):
                inodes[inode] = opens > 1 ? .ordinary(opens: opens - 1) : nil
            case nil: break
            }
        }
    }

    /// - Returns: nil if the kernel refuses.
    private func register(_ backing: OpenedFile.Backing) -> Registration? {
        if backing.isLasting {
            let known = unused.withLock { unused -> Registration? in
                let index = unused.lastIndex { $0.identity == backing.identity }
                return index.map { unused.remove(at: $0) }
            }
            if let known { return known }
        }
        return kernel.open(backing.descriptor).map {
            Registration(
                backingID: $0, identity: backing.identity, isLasting: backing.isLasting)
        }
    }

    private func retire(_ registration: Registration) {
        guard registration.isLasting else { return kernel.close(registration.backingID) }
        let evicted = unused.withLock { unused in
            unused.append(registration)
            return unused.count > Self.unusedLimit ? unused.removeFirst() : nil
        }
        if let evicted { kernel.close(evicted.backingID) }
    }

    private func shard(of inode: InodeNumber) -> Shard {
        // Fibonacci hashing: numbers are often consecutive, or digests.
        let mixed = inode.rawValue &* 0x9E37_79B9_7F4A_7C15
        return shards[Int(mixed >> 60) & (Self.shardCount - 1)]
    }
}

extension vitrine_open_out {
    /// An open without passthrough.
    init(_ file: OpenedFile) {
        let flags: UInt32 =
            switch file.caching {
            case .keep: VITRINE_FOPEN_KEEP_CACHE
            case .discard: 0
            case .direct: VITRINE_FOPEN_DIRECT_IO
            }
        self.init(fh: file.handle.rawValue, open_flags: flags, backing_id: 0)
    }
}
