internal import Synchronization

/// The programs and libraries of the image that were opened last, kept open: the shell and the C library
/// are opened again by each program that starts.
final class RecentPrograms: Sendable {
    /// Few enough that no view takes many descriptors, and enough for a compiler and its libraries.
    private static let limit = 64

    /// The latest last.
    private let files = Mutex<[HostFile]>([])

    /// - Parameter identity: of an object's host file.
    func file(_ identity: UInt64) -> HostFile? {
        files.withLock { files in
            guard let index = files.lastIndex(where: { $0.identity == identity }) else {
                return nil
            }
            let found = files[index]
            if index < files.count - 1 { files.append(files.remove(at: index)) }
            return found
        }
    }

    /// Whether it is a program or a library (ELF); one of the image is kept open then.
    func isProgram(_ file: HostFile) -> Bool {
        if self.file(file.identity) != nil { return true }
        guard file.isProgram else { return false }
        guard file.isObject else { return true }
        let evicted = files.withLock { files in
            files.append(file)
            return files.count > Self.limit ? files.removeFirst() : nil
        }
        withExtendedLifetime(evicted) {}  // closed outside the lock
        return true
    }

    func forget() {
        let all = files.withLock { files in
            defer { files = [] }
            return files
        }
        withExtendedLifetime(all) {}
    }
}
