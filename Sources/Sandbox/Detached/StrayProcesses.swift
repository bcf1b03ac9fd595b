internal import Glibc
internal import LinuxIO

/// The processes of a container that live among those of others (`--pid container:NAME`): they do not
/// end with its first process, their parents may have ended, and where it has no control group the
/// runtime does not know them.
///
/// What tells them from others is what they see: the mounts of the container's first process, or
/// its root file system as their root. A process gets out of both only by a mount namespace of its
/// own and another root in it, which takes CAP_SYS_ADMIN; if the first process was gone too soon,
/// by another root alone.
package final class StrayProcesses: Sendable {
    /// Of the root file system, as in `st_dev`.
    private let rootDevice: UInt64
    /// The mounts of the first process; nil if that was gone too soon.
    private let mounts: Namespace?
    /// Kept open, so that no other namespace gets its number.
    private let mountsFile: OwnedDescriptor?

    /// - Parameters:
    ///   - rootDevice: the device of the container's root file system, which nothing else is on.
    ///   - first: its first process.
    package init(atRoot rootDevice: UInt64, first: Int32? = nil) {
        self.rootDevice = rootDevice
        guard let first,
            let file = try? OwnedDescriptor(opening: "/proc/\(first)/ns/mnt", .readOnly)
        else {
            mounts = nil
            mountsFile = nil
            return
        }
        mounts = (try? FileStatus(of: file.rawValue)).map(Namespace.init)
        mountsFile = consume file
    }

    /// How long killed ones may take to go: what they wait for uninterruptibly may never come.
    private static let patience = Duration.seconds(5)

    /// Kills them until there are none: one that is being killed starts no other.
    package func end() {
        let own = (Self.namespace("mnt", of: nil), Self.namespace("pid", of: nil))
        guard let ownMounts = own.0, let ownProcesses = own.1 else { return }
        var known = Set([mounts].compactMap(\.self))
        let deadline = ContinuousClock.now + Self.patience
        func isStray(_ process: Int32) -> Bool {
            // A zombie has none any more.
            guard let seen = Self.namespace("mnt", of: process), seen != ownMounts else {
                return false
            }
            if known.contains(seen) { return true }
            guard let around = Self.namespace("pid", of: process), around != ownProcesses,
                Self.rootDevice(of: process) == rootDevice
            else { return false }
            // Those beside it may have another root by now (chroot(2)).
            known.insert(seen)
            return true
        }
        while ContinuousClock.now < deadline {
            var isDone = true
            for number in HostProcess.all where isStray(number) {
                // Looked at again: until it was held, the number may have gone to another one.
                guard let process = HostProcess(number), isStray(number) else { continue }
                process.send(SIGKILL)
                isDone = false
            }
            if isDone { return }
            usleep(1000)
        }
    }

    private struct Namespace: Hashable, Sendable {
        var device: UInt64
        var inode: UInt64

        init(_ status: FileStatus) { (device, inode) = (status.device, status.inode) }
    }

    /// - Parameter process: nil is this one.
    private static func namespace(_ kind: String, of process: Int32?) -> Namespace? {
        let name = process.map(String.init) ?? "self"
        return (try? FileStatus(ofPath: "/proc/\(name)/ns/\(kind)")).map(Namespace.init)
    }

    /// What is mounted at its root (proc_pid_mountinfo(5)), found without touching the mount.
    private static func rootDevice(of process: Int32) -> UInt64? {
        guard
            let file = try? OwnedDescriptor(
                opening: "/proc/\(process)/mountinfo", .readOnly),
            let text = try? DescriptorIO.readAll(file.rawValue, limit: 1 << 22)
        else { return nil }
        for line in text.split(separator: UInt8(ascii: "\n")).reversed() {
            // 36 35 98:0 /root / rw,noatime - ext3 /dev/root rw
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            guard fields.count == 6, fields[4].elementsEqual("/".utf8) else { continue }
            let numbers = fields[2].split(separator: UInt8(ascii: ":")).compactMap {
                UInt64(String(decoding: $0, as: UTF8.self))
            }
            guard numbers.count == 2 else { return nil }
            let (major, minor) = (numbers[0], numbers[1])
            // makedev(3) is a macro.
            return (major & 0xFFF) << 8 | (major >> 12) << 32 | minor & 0xFF | (minor >> 8) << 20
        }
        return nil
    }
}
