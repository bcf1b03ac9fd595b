internal import ImageSpec
internal import Synchronization

/// Directories that were made but not yet stored, in front of those that are.
///
/// Thread-safe. What a tree needs of it goes to the store by ``reachable(from:)``; the rest (steps
/// on the way to the tree) is dropped with it.
package final class PendingDirectories: DirectorySource {
    private let base: any DirectorySource
    private let pending = Mutex<[DirectoryID: Directory]>([:])

    package init(base: any DirectorySource) { self.base = base }

    /// One of those that were made; nil for all others.
    package func made(_ id: DirectoryID) -> Directory? { pending.withLock { $0[id] } }

    package func directory(_ id: DirectoryID) throws(FileTreeError) -> Directory {
        if let found = made(id) { return found }
        return try base.directory(id)
    }

    /// Encodes the directory and keeps it.
    package func insert(_ directory: Directory) -> DirectoryReference {
        let id = directory.encoded().id
        pending.withLock { $0[id] = directory }
        return directory.reference(id: id)
    }

    /// The pending directories that `tree` refers to, children before parents.
    package func reachable(from tree: Tree) -> [(id: DirectoryID, encoding: [UInt8])] {
        let all = pending.withLock { $0 }
        var result: [(id: DirectoryID, encoding: [UInt8])] = []
        var seen: Set<DirectoryID> = []
        // An explicit stack: depth is bounded by paths, not by this thread's stack.
        var stack: [(id: DirectoryID, expanded: Bool)] = [(tree.directory.id, false)]
        while let (id, expanded) = stack.popLast() {
            guard let directory = all[id] else { continue }
            if expanded {
                result.append((id, directory.encoding))
                continue
            }
            guard seen.insert(id).inserted else { continue }
            stack.append((id, true))
            for child in directory.entries {
                if let reference = child.node.directory { stack.append((reference.id, false)) }
            }
        }
        return result
    }
}

extension PendingDirectories {
    /// The contents of files in the pending directories that `tree` refers to.
    package func contents(reachableFrom tree: Tree) -> Set<FileContent> {
        var result: Set<FileContent> = []
        for (id, _) in reachable(from: tree) {
            guard let directory = try? directory(id) else { continue }  // it is pending
            for entry in directory.entries {
                if case .file(let content) = entry.node.content { result.insert(content) }
            }
        }
        return result
    }
}

/// The source of trees that consist of pending directories only.
package struct NoDirectories: DirectorySource {
    package init() {}

    package func directory(_ id: DirectoryID) throws(FileTreeError) -> Directory {
        if id == Directory.empty.encoded().id { return .empty }
        throw FileTreeError(.missingDirectory, "there is no directory \(id)")
    }
}
