internal import FileTree
internal import Synchronization

/// Decoded directories, most recent first.
final class DirectoryCache: Sendable {
    /// Enough for the directories of several system images (a Debian has about 1,000); at about
    /// 150 bytes an entry and 10 entries a directory that is some 24 MB.
    static let capacity = 16_384

    private struct Contents {
        /// Two generations instead of a list: a full young generation becomes the old one.
        var young: [DirectoryID: Directory] = [:]
        var old: [DirectoryID: Directory] = [:]
    }
    private let contents = Mutex(Contents())

    func find(_ id: DirectoryID) -> Directory? {
        contents.withLock { contents in
            if let found = contents.young[id] { return found }
            guard let found = contents.old[id] else { return nil }
            contents.young[id] = found
            return found
        }
    }

    func insert(_ directory: Directory, _ id: DirectoryID) {
        contents.withLock { contents in
            if contents.young.count >= Self.capacity / 2 {
                contents.old = contents.young
                contents.young = [:]
            }
            contents.young[id] = directory
        }
    }
}
