internal import FileTree
internal import LinuxIO
internal import VirtualFS

/// A file of the host that a ``GlassView`` shows as it is at the moment, below a directory that no
/// name and no link leads out of.
package struct HostGlassFile: Sendable {
    /// Absolute.
    let root: String
    /// Relative to the root.
    let path: [UInt8]
    let status: FileStatus

    /// - Returns: nil if there is no such file.
    init?(root: String, name: String) throws(Errno) {
        let path = Array(name.utf8)
        do throws(Errno) {
            let directory = try OwnedDescriptor(opening: root, [.readOnly, .directory])
            status = try FileStatus(of: path, in: directory.rawValue)
        } catch .notFound {
            return nil
        }
        self.root = root
        self.path = path
    }

    init(root: String, path: [UInt8], status: FileStatus) {
        self.root = root
        self.path = path
        self.status = status
    }

    /// What tells it from another under the same name, and from itself when it was changed.
    var identity: [UInt8] {
        let time = status.changeTime
        let numbers = [
            status.device, status.inode, status.sizeBytes, UInt64(bitPattern: time.seconds),
            UInt64(time.nanoseconds), UInt64(status.mode),
        ]
        return path + [0]
            + numbers.flatMap { number in
                (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
            }
    }

    var modificationTime: NodeTime { NodeTime(host: status.modificationTime) }

    func attributes(_ inode: InodeNumber) -> FileAttributes {
        let time = FileTime(modificationTime)
        var attributes = FileAttributes(
            inode: inode, mode: status.mode, sizeBytes: status.sizeBytes, blocks: status.blocks,
            accessTime: time, modificationTime: time, changeTime: time)
        attributes.userID = status.userID
        attributes.groupID = status.groupID
        attributes.device = status.specialDevice
        return attributes
    }

    func open() throws(Errno) -> OwnedDescriptor {
        let root = try OwnedDescriptor(opening: root, [.readOnly, .directory])
        return try OwnedDescriptor(
            opening: path, beneath: root.rawValue, [.readOnly, .nonBlocking], followsLinks: false)
    }
}

/// A directory of the host, looked at anew each time.
struct HostGlassDirectory: GlassDirectory {
    private let root: String
    /// Relative to the root, `.` for itself.
    private let path: [UInt8]

    init(root: String) { self.init(root: root, path: [0x2E]) }

    private init(root: String, path: [UInt8]) {
        self.root = root
        self.path = path
    }

    var identity: [UInt8] { Array(root.utf8) + [0] + path }
    var isLive: Bool { true }

    var isGone: Bool {
        do throws(Errno) {
            _ = try open()
            return false
        } catch {
            return error == .notFound || error == .notDirectory
        }
    }

    func modificationTime() -> NodeTime {
        // What has vanished has no time.
        guard let directory = try? open(), let status = try? FileStatus(of: directory.rawValue)
        else { return NodeTime(seconds: 0) }
        return NodeTime(host: status.modificationTime)
    }

    func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        let directory = try open()
        return try HostDirectory.names(directory.rawValue).compactMap { bytes in
            let name = try EntryName(bytes)
            return try entry(name, in: directory.rawValue).map { (name, $0) }
        }
    }

    func entry(_ name: EntryName) throws -> GlassEntry? {
        let directory = try open()
        return try entry(name, in: directory.rawValue)
    }

    private func open() throws(Errno) -> OwnedDescriptor {
        let root = try OwnedDescriptor(opening: root, [.readOnly, .directory])
        return try OwnedDescriptor(
            opening: path, beneath: root.rawValue, [.readOnly, .directory], followsLinks: false)
    }

    private func entry(_ name: EntryName, in directory: Int32) throws -> GlassEntry? {
        let below = path == [0x2E] ? name.bytes : path + [UInt8(ascii: "/")] + name.bytes
        do throws(Errno) {
            let status = try FileStatus(of: name.bytes, in: directory)
            switch status.kind {
            case .directory: return .directory(HostGlassDirectory(root: root, path: below))
            case .symbolicLink:
                return .symbolicLink(
                    target: try HostDirectory.readLink(name.bytes, in: directory),
                    modificationTime: NodeTime(host: status.modificationTime))
            default: return .hostFile(HostGlassFile(root: root, path: below, status: status))
            }
        } catch .notFound {
            return nil
        }
    }
}

extension NodeTime {
    fileprivate init(host time: FileTimestamp) {
        self.init(seconds: time.seconds, nanoseconds: time.nanoseconds)
    }
}
