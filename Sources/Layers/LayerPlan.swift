internal import FileTree

/// What the canonical tar of a tree change holds, in its order.
///
/// - Entries ascend by path, a directory before what is below it; in each directory the whiteouts
///   come first. Nothing stands below a path that is itself whited out.
/// - Directories above a change are entries too: engines that unpack a layer on its own need their
///   attributes.
/// - A hard-link group of which any name is new or changed is written whole, its first name with
///   the content and the others as links: engines see only links within one layer.
/// - A socket, which no tar can hold, is left out; what stood in its place is whited out.
/// - The root is an entry (`./`) only when its attributes changed.
struct LayerPlan {
    enum Item {
        case whiteout(TreePath)
        case node(TreePath, Node)
        /// A further name of the file at `target`, which is the node.
        case link(TreePath, target: TreePath, Node)
    }
    private(set) var items: [Item] = []

    init(from old: Tree, to new: Tree, in source: some DirectorySource) throws {
        var hasWhiteouts = false
        for change in try TreeDiff.changes(from: old, to: new, in: source) {
            if change.path.isRoot {
                if change.isOwnChange { items.append(.node(change.path, new.root)) }
                continue
            }
            if let node = change.new {
                if case .socket = node.content {
                    // No tar holds one, but what it replaced is gone.
                    guard let old = change.old, old.content != .socket else { continue }
                    items.append(.whiteout(change.path))
                    hasWhiteouts = true
                    continue
                }
                try Self.refuseWhiteoutName(change.path)
                items.append(.node(change.path, node))
            } else {
                items.append(.whiteout(change.path))
                hasWhiteouts = true
            }
        }
        let completions = try completions(old: old, new: new, source)
        items += completions
        // Changes come in ascending order, so that only these two can be out of place.
        if hasWhiteouts || !completions.isEmpty { items.sort(by: Self.isBefore) }
        replaceLaterNamesByLinks()
    }

    /// The other names of every group that the change touched, with the directories above them.
    private func completions(
        old: Tree, new: Tree, _ source: some DirectorySource
    ) throws -> [Item] {
        guard new.directory.containsHardLinks, old.id != new.id else { return [] }
        let groups = try HardLinkGroups.paths(in: new, source).values
        var oldGroup: [TreePath: UInt64] = [:]
        for (identifier, paths) in try HardLinkGroups.paths(in: old, source) {
            for path in paths { oldGroup[path] = identifier }
        }
        var wanted = changedPaths(among: groups)
        var added: [Item] = []
        for paths in groups {
            let origins = Set(paths.map { oldGroup[$0] })
            let isTouched =
                origins.count > 1 || origins.first == .some(nil)
                || paths.contains(where: wanted.contains)
            guard isTouched else { continue }
            for path in paths where !wanted.contains(path) {
                for part in Self.prefixes(of: path) where wanted.insert(part).inserted {
                    if let node = try source.node(at: part, in: new) {
                        added.append(.node(part, node))
                    }
                }
            }
        }
        return added
    }

    /// Of the groups' names and the directories above them, those that the change has as nodes.
    private func changedPaths(among groups: some Sequence<[TreePath]>) -> Set<TreePath> {
        var interesting: Set<TreePath> = []
        for path in groups.joined() { interesting.formUnion(Self.prefixes(of: path)) }
        var changed: Set<TreePath> = []
        for case .node(let path, _) in items where interesting.contains(path) {
            changed.insert(path)
        }
        return changed
    }

    /// The path and the directories above it, from the top, without the root.
    private static func prefixes(of path: TreePath) -> [TreePath] {
        path.names.indices.map { TreePath(Array(path.names[...$0])) }
    }

    private mutating func replaceLaterNamesByLinks() {
        var first: [UInt64: TreePath] = [:]
        for index in items.indices {
            guard case .node(let path, let node) = items[index], let link = node.hardLink else {
                continue
            }
            if let target = first[link.identifier] {
                items[index] = .link(path, target: target, node)
            } else {
                first[link.identifier] = path
            }
        }
    }

    private static func refuseWhiteoutName(_ path: TreePath) throws {
        guard path.last?.isWhiteout == true else { return }
        throw LayerError(
            .inexpressible,
            "a layer cannot hold a file whose name begins with \".wh.\", which marks deletions; "
                + "rename or remove it", path: path.bytes)
    }

    /// Name by name; at the first difference a whiteout goes before its siblings.
    private static func isBefore(_ a: Item, _ b: Item) -> Bool {
        let (left, right) = (a.key, b.key)
        for index in 0..<min(left.path.names.count, right.path.names.count) {
            let (x, y) = (left.path.names[index], right.path.names[index])
            if x == y { continue }
            let xFirst = left.isWhiteout && index == left.path.names.count - 1
            let yFirst = right.isWhiteout && index == right.path.names.count - 1
            if xFirst != yFirst { return xFirst }
            return x < y
        }
        return left.path.names.count < right.path.names.count
    }
}

extension LayerPlan.Item {
    fileprivate var key: (path: TreePath, isWhiteout: Bool) {
        switch self {
        case .whiteout(let path): (path, true)
        case .node(let path, _), .link(let path, _, _): (path, false)
        }
    }
}
