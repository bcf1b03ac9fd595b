internal import FileTree
internal import Synchronization

/// A source that several stages may ask, one at a time.
///
/// `@unchecked Sendable`: `base` is asked only while `lock` is held, but for what never changes.
final class LockedSource: CopySource, @unchecked Sendable {
    let name: String
    let directories: any DirectorySource
    let isStored: Bool
    private let base: any CopySource
    private let lock = Mutex<Void>(())

    init(_ base: any CopySource) {
        self.base = base
        name = base.name
        directories = base.directories
        isStored = base.isStored
    }

    func kind(at path: TreePath) throws -> SourceKind? {
        try lock.withLock { _ in try base.kind(at: path) }
    }

    func names(in path: TreePath) throws -> [EntryName] {
        try lock.withLock { _ in try base.names(in: path) }
    }

    func node(at path: TreePath) throws -> Node? {
        try lock.withLock { _ in try base.node(at: path) }
    }

    func attributes(at path: TreePath) throws -> NodeAttributes? {
        try lock.withLock { _ in try base.attributes(at: path) }
    }

    func unreadBytes(at path: TreePath) throws -> UInt64 {
        try lock.withLock { _ in try base.unreadBytes(at: path) }
    }

    func provideContents(at path: TreePath) throws {
        try lock.withLock { _ in try base.provideContents(at: path) }
    }

    func explainAbsence(of path: TreePath) -> String? {
        lock.withLock { _ in base.explainAbsence(of: path) }
    }
}
