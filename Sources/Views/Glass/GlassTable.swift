internal import FileTree
internal import Synchronization
internal import VirtualFS

/// The inodes of a view that the kernel knows, with the lookups that it has not taken back.
///
/// A million inodes may be known, so what can be worked out anew is not kept: an inode of a tree is
/// an index in its directory, which the inodes of its other entries share.
///
///     known    inode → index, lookups ──▶ ListedDirectory ──▶ Directory
///     listed   inode of the directory ──────────┘
///     made     inode → GlassNode, lookups
final class GlassTable: Sendable {
    /// What an inode is made from.
    enum Source: Sendable {
        case entry(ListedDirectory, index: Int)
        case whole(GlassNode)
    }

    /// A directory of a tree that stands at a place of the view.
    final class ListedDirectory: Sendable {
        let inode: InodeNumber
        let directory: Directory
        let place: GlassNumbering.Place

        init(_ inode: InodeNumber, _ directory: Directory, at place: GlassNumbering.Place) {
            self.inode = inode
            self.directory = directory
            self.place = place
        }
    }

    private struct Known {
        let directory: ListedDirectory
        let index: UInt32
        /// One with so many as fit stays known: half the room for all is worth it.
        var lookups: UInt32
    }

    private struct State {
        var known = InodeTable<Known>()
        /// Invariant: of the directories that `known` refers to, with how often it does.
        var listed: [InodeNumber: (directory: ListedDirectory, knownCount: Int)] = [:]
        var made: [InodeNumber: (node: GlassNode, lookups: UInt64)] = [:]
    }
    private let state = Mutex(State())

    /// How many inodes are known.
    var count: Int { state.withLock { $0.known.count + $0.made.count } }

    func find(_ inode: InodeNumber) -> Source? {
        state.withLock { state in
            if let known = state.known[inode] {
                return .entry(known.directory, index: Int(known.index))
            }
            return state.made[inode].map { .whole($0.node) }
        }
    }

    /// Counts a lookup of each of these entries of a directory.
    func remember(
        _ children: [(inode: InodeNumber, index: Int)], of directory: Directory,
        at place: GlassNumbering.Place, in parent: InodeNumber
    ) {
        guard !children.isEmpty else { return }
        state.withLock { state in
            var listed =
                state.listed[parent]
                ?? (ListedDirectory(parent, directory, at: place), knownCount: 0)
            for (inode, index) in children {
                if var known = state.known[inode] {
                    if known.lookups < .max { known.lookups += 1 }
                    state.known[inode] = known
                } else {
                    state.known[inode] = Known(
                        directory: listed.directory, index: UInt32(index), lookups: 1)
                    listed.knownCount += 1
                }
            }
            if listed.knownCount > 0 { state.listed[parent] = listed }
        }
    }

    /// Counts a lookup of each.
    func remember(_ made: [GlassNode]) {
        state.withLock { state in
            for node in made {
                state.made[node.attributes.inode, default: (node, 0)].lookups += 1
            }
        }
    }

    func forget(_ lookups: some Sequence<(inode: InodeNumber, count: UInt64)>) {
        state.withLock { state in
            for (inode, count) in lookups {
                if let made = state.made[inode] {
                    state.made[inode]?.lookups -= min(count, made.lookups)
                    if made.lookups <= count { state.made[inode] = nil }
                } else {
                    Self.forget(inode, count, &state)
                }
            }
        }
    }

    private static func forget(_ inode: InodeNumber, _ count: UInt64, _ state: inout State) {
        guard var known = state.known[inode], known.lookups < .max else { return }
        guard known.lookups <= count else {
            known.lookups -= UInt32(count)
            state.known[inode] = known
            return
        }
        state.known[inode] = nil
        let parent = known.directory.inode
        state.listed[parent]?.knownCount -= 1
        if state.listed[parent]?.knownCount == 0 {
            state.listed[parent] = nil
            state.listed.shrinkIfSparse()
        }
    }

    func removeAll() { state.withLock { $0 = State() } }
}
