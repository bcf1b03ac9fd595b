internal import FileTree
internal import Synchronization

/// Directories at hand: those of late, up to a number of entries.
final class DirectoryCache: Sendable {
    /// Enough for the directories of several system images (a Debian has about 10,000 entries); at
    /// some 80 bytes an entry that is 13 MB.
    static let entryCapacity = 160_000

    /// Two generations instead of a list: a full young generation becomes the old one.
    private struct Contents {
        var young: [DirectoryID: Directory] = [:]
        var old: [DirectoryID: Directory] = [:]
        /// Of the young generation, a directory itself counted as one.
        var entryCount = 0

        mutating func insert(_ directory: Directory, _ id: DirectoryID) {
            let count = directory.count + 1
            if entryCount + count > DirectoryCache.entryCapacity / 2 {
                old = young
                young = [:]
                entryCount = 0
            }
            if young.updateValue(directory, forKey: id) == nil { entryCount += count }
        }
    }
    private let contents = Mutex(Contents())

    func find(_ id: DirectoryID) -> Directory? {
        contents.withLock { contents in
            if let found = contents.young[id] { return found }
            guard let found = contents.old[id] else { return nil }
            contents.insert(found, id)
            return found
        }
    }

    func insert(_ directory: Directory, _ id: DirectoryID) {
        contents.withLock { $0.insert(directory, id) }
    }
}
