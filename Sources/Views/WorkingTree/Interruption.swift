internal import FileTree
internal import VirtualFS

/// Why an operation left the lock before it was done. Nothing was changed then.
enum Interruption: Error {
    /// The answer is an error.
    case failed(FileSystemError)
    /// A directory has to be loaded first, which is I/O.
    case needs(DirectoryID)
    /// A freeze is taking place: the operation waits for its end.
    case frozen
}

/// The directories that one operation loaded, held until it is done.
///
/// So an operation on several huge directories makes progress, whatever else is read meanwhile.
struct LoadedDirectories {
    /// A handful at most: the directories that one rename looks into.
    private var directories: [(id: DirectoryID, directory: Directory)] = []

    mutating func insert(_ directory: Directory, _ id: DirectoryID) {
        directories.append((id, directory))
    }

    func find(_ id: DirectoryID) -> Directory? {
        for entry in directories where entry.id == id { return entry.directory }
        return nil
    }
}
