internal import LinuxIO
internal import Synchronization

/// Own files of a volatile view that lost their inodes, emptied for those that are made next.
///
/// Making a file on ext4 takes several times as long where many were removed within the last minutes:
/// it gives their inodes to nobody yet, and looks at each of them in its search for a free one
/// (fs/ext4/ialloc.c, `recently_deleted`). `configure` makes and removes a thousand.
final class SpareFiles: Sendable {
    /// More than most programs have of temporary files at once.
    private static let limit = 64

    private let paths = Mutex<[String]>([])

    var count: Int { paths.withLock { $0.count } }

    /// Empties a file that nothing refers to.
    /// - Returns: false if it has to be removed.
    func keep(_ path: String) -> Bool {
        if paths.withLock({ $0.count >= Self.limit }) { return false }
        do throws(Errno) {
            let file = try OwnedDescriptor(opening: path, [.readWrite, .noFollow])
            let status = try FileStatus(of: file.rawValue)
            // One that a freeze linked to is an object of the store.
            guard status.kind == .regular, status.linkCount == 1, status.mode & 0o7777 == 0o600
            else { return false }
            if status.sizeBytes > 0 || status.blocks > 0 {
                try DescriptorIO.truncate(file.rawValue, to: 0)
            }
        } catch {
            return false
        }
        paths.withLock { $0.append(path) }
        return true
    }

    /// The one that was emptied last: what the host knows of it is at hand.
    func take() -> String? { paths.withLock { $0.popLast() } }
}
