package import FileTree
internal import ImageSpec
internal import Store
internal import Synchronization

/// The containers' drafts that are shown: read when somebody looks, and again when the container has
/// changed since. Thread-safe.
package final class ContainerDrafts: DirectorySource {
    private struct Contents {
        /// Of each container the latest last.
        var drafts: [ContainerID: [ContainerDraft]] = [:]
        /// The latest last.
        var recent: [ContainerID] = []
    }

    /// Containers whose drafts are kept.
    private static let capacity = 64
    /// Who is in the middle of a walk goes on with the state that it began with, unless so many others
    /// have been looked at since.
    private static let draftsEach = 4

    private let store: Store
    private let contents = Mutex(Contents())

    init(store: Store) { self.store = store }

    /// The container as it is now, with the image's contents where it has the same.
    /// - Parameter image: the tree of its image.
    func draft(of container: ContainerID, on image: Tree) throws -> ContainerDraft {
        let known = contents.withLock { contents in
            contents.recent.removeAll { $0 == container }
            contents.recent.append(container)
            return contents.drafts[container]?.last
        }
        if let known, known.isCurrent() { return known }
        let draft = try ContainerDraft.read(container, in: store, after: known)
            .refined(against: image)
        if let known, known.tree == draft.tree, known.isSettled { return known }
        keep(draft, of: container)
        return draft
    }

    private func keep(_ draft: ContainerDraft, of container: ContainerID) {
        contents.withLock { contents in
            var drafts = contents.drafts[container] ?? []
            drafts.append(draft)
            if drafts.count > Self.draftsEach { drafts.removeFirst() }
            contents.drafts[container] = drafts
            if contents.recent.count > Self.capacity {
                contents.drafts[contents.recent.removeFirst()] = nil
            }
        }
    }

    /// - Returns: the first that `find` gives for a draft.
    private func first<Found: Sendable>(_ find: (ContainerDraft) -> Found?) -> Found? {
        contents.withLock { contents in
            for drafts in contents.drafts.values {
                for draft in drafts.reversed() {
                    if let found = find(draft) { return found }
                }
            }
            return nil
        }
    }

    package func directory(_ id: DirectoryID) throws(FileTreeError) -> Directory {
        if let found = first({ $0.pendingDirectory(id) }) { return found }
        return try store.directory(id)
    }

    /// What stands behind a stand-in of a draft; nil for what is an object of the store.
    func ownContent(of digest: Digest) -> OwnContent? {
        guard StandIn.mayBe(digest) else { return nil }
        return first { $0.ownContent(of: digest) }
    }
}
