internal import LinuxIO

/// What files take, each counted once however many names it has.
package struct DiskUsage: Sendable {
    private struct Identity: Hashable {
        var device: UInt64
        var inode: UInt64
    }

    /// Whole blocks, those of directories included.
    package private(set) var diskBytes: UInt64 = 0
    /// What regular files hold: their size, or less where holes take nothing.
    package private(set) var contentBytes: UInt64 = 0
    private var seen: Set<Identity> = []

    package init() {}

    /// Adds a directory and what is below it. What cannot be read counts nothing: it may be going.
    package mutating func add(_ path: String) {
        guard let root = try? OwnedDescriptor(opening: path, [.readOnly, .directory, .noFollow])
        else { return }
        add(root.rawValue)
    }

    private mutating func add(_ directory: Int32) {
        // As above.
        guard let names = try? HostDirectory.names(directory) else { return }
        for name in names {
            guard let status = try? FileStatus(of: name, in: directory) else { continue }
            if status.kind != .directory, status.linkCount > 1 {
                let identity = Identity(device: status.device, inode: status.inode)
                guard seen.insert(identity).inserted else { continue }
            }
            let blockBytes = status.blocks * 512
            diskBytes += blockBytes
            if status.kind == .regular { contentBytes += min(status.sizeBytes, blockBytes) }
            guard status.kind == .directory,
                let child = try? OwnedDescriptor(
                    opening: name, in: directory, [.readOnly, .directory, .noFollow])
            else { continue }
            add(child.rawValue)
        }
    }
}
