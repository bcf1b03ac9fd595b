internal import FileTree
internal import Synchronization
internal import VirtualFS

/// The inodes of a view that the kernel knows, with the lookups that it has not taken back.
///
/// A million inodes may be known, so what can be worked out anew is not kept: an inode of a tree is
/// a position in its directory, which the inodes of its other entries share.
final class GlassTable: Sendable {
    /// What an inode is made from.
    enum Source: Sendable {
        case entry(Directory, index: UInt32, GlassNumbering.Place)
        indirect case whole(GlassNode)
    }

    private struct Known {
        var source: Source
        var lookups: UInt64
    }
    private let known = Mutex<[InodeNumber: Known]>([:])

    func find(_ inode: InodeNumber) -> Source? { known.withLock { $0[inode]?.source } }

    /// Counts a lookup of each.
    func remember(_ found: [(inode: InodeNumber, source: Source)]) {
        known.withLock { known in
            for (inode, source) in found {
                known[inode, default: Known(source: source, lookups: 0)].lookups += 1
            }
        }
    }

    func forget(_ lookups: some Sequence<(inode: InodeNumber, count: UInt64)>) {
        known.withLock { known in
            for (inode, count) in lookups {
                guard let index = known.index(forKey: inode) else { continue }
                if known.values[index].lookups > count {
                    known.values[index].lookups -= count
                } else {
                    known.remove(at: index)
                }
            }
        }
    }

    func removeAll() { known.withLock { $0 = [:] } }
}
