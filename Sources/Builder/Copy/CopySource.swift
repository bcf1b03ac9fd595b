internal import FileTree

/// What COPY and ADD take files from: the build context, a stage, or an image.
///
/// Paths are relative to the source's root, whose symbolic links never lead out of it.
protocol CopySource: AnyObject {
    /// What it is, for messages: `the build context`.
    var name: String { get }

    /// Where the directories of the nodes that ``node(at:)`` gives are.
    var directories: any DirectorySource { get }

    /// Whether those directories are in the store.
    var isStored: Bool { get }

    /// What stands at `path` itself, with no symbolic link followed; nil if nothing.
    func kind(at path: TreePath) throws -> SourceKind?

    /// The names in the directory at `path`, in ascending order.
    func names(in path: TreePath) throws -> [EntryName]

    /// What stands at `path`, whole: a directory with all that is below it, files with the digests
    /// of their contents. The contents need not be in the store yet.
    func node(at path: TreePath) throws -> Node?

    /// The attributes of what stands at `path`, which is not read for that.
    func attributes(at path: TreePath) throws -> NodeAttributes?

    /// How many bytes of contents ``node(at:)`` would have to read and store for `path`.
    func unreadBytes(at path: TreePath) throws -> UInt64

    /// Sees to it that the contents of what stands at `path` are in the store.
    func provideContents(at path: TreePath) throws

    /// Why there is nothing at `path`, where the source knows.
    func explainAbsence(of path: TreePath) -> String?
}

/// As much of a source's entry as finding files needs.
enum SourceKind: Hashable {
    case directory
    case symbolicLink(target: [UInt8])
    case other
}

extension CopySource {
    func unreadBytes(at path: TreePath) throws -> UInt64 { 0 }

    func provideContents(at path: TreePath) throws {}

    func explainAbsence(of path: TreePath) -> String? { nil }

    /// Where `path` leads when all symbolic links are followed inside the root; nil when a name on
    /// the way is absent or no directory.
    func resolve(_ path: TreePath) throws -> TreePath? {
        var pending = Array(path.names.map(\.bytes).reversed())
        var place: [EntryName] = []
        var linksLeft = 40
        while let part = pending.popLast() {
            if part.isEmpty || part == [0x2E] { continue }
            if part == [0x2E, 0x2E] {
                _ = place.popLast()
                continue
            }
            place.append(try EntryName(part))
            switch try kind(at: TreePath(place)) {
            case nil: return nil
            case .symbolicLink(let target):
                guard linksLeft > 0 else {
                    throw FileTreeError(
                        .symbolicLinkLoop, "too many levels of symbolic links", path: path.bytes)
                }
                linksLeft -= 1
                place.removeLast()
                if target.first == UInt8(ascii: "/") { place = [] }
                pending += target.split(separator: UInt8(ascii: "/")).reversed().map(Array.init)
            case .other:
                if !pending.isEmpty { return nil }
            case .directory: break
            }
        }
        return TreePath(place)
    }
}

/// A stored root file system as a source: a stage's result, an image, an unpacked context.
final class TreeSource: CopySource {
    let name: String
    let directories: any DirectorySource
    let isStored = true
    private let tree: Tree

    init(_ tree: Tree, in directories: any DirectorySource, name: String) {
        self.tree = tree
        self.directories = directories
        self.name = name
    }

    func kind(at path: TreePath) throws -> SourceKind? {
        switch try node(at: path)?.content {
        case nil: nil
        case .directory: .directory
        case .symbolicLink(let target): .symbolicLink(target: target)
        default: .other
        }
    }

    func names(in path: TreePath) throws -> [EntryName] {
        guard let reference = try node(at: path)?.directory else { return [] }
        return try directories.directory(reference.id).entries.map(\.name)
    }

    func node(at path: TreePath) throws -> Node? { try directories.node(at: path, in: tree) }

    func attributes(at path: TreePath) throws -> NodeAttributes? {
        try node(at: path)?.attributes
    }
}
