internal import LinuxIO
internal import VirtualFS

/// The wall clock as the host's file systems stamp files with it.
///
/// They stamp with the time of the last tick, and finer when somebody looked at the last stamp
/// (multigrain timestamps, Linux 6.13). Stamps read from any other clock may therefore be older or
/// newer than those of files that were written just before or after, which makes tools like make
/// draw wrong conclusions. A stamp that a file system of the kernel's gave keeps the order of events.
final class HostClock: Sendable {
    /// An anonymous file whose only use is to be stamped.
    private let file: OwnedDescriptor

    init() throws(Errno) { file = try OwnedDescriptor(anonymous: "vitrine-clock") }

    /// Not older than any stamp before; equal to one that another file got within the same tick, at
    /// most. See ``WorkingInode/stampChange(at:)``.
    func now() -> FileTime {
        guard (try? DescriptorIO.setModificationTimeToNow(file.rawValue)) != nil,
            let status = try? FileStatus(of: file.rawValue)  // neither fails on a file in memory
        else { return FileTime(FileTimestamp.now()) }
        return FileTime(status.modificationTime)
    }
}
