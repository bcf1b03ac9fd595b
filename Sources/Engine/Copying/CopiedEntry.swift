internal import FileTree
internal import Layers
internal import LinuxIO

/// A file, directory or other node on its way, with all that is copied of it but content.
struct CopiedEntry {
    /// Below what is copied; empty for that itself.
    var path: [[UInt8]]
    var kind: FileStatus.Kind
    /// 07777.
    var permissions: UInt32
    var userID: UInt32
    var groupID: UInt32
    var modified: FileTimestamp
    /// Of regular files.
    var sizeBytes: UInt64 = 0
    /// Of device nodes.
    var device: UInt64 = 0
    /// Of symbolic links, as it is.
    var target: [UInt8] = []
    var attributes: [ExtendedAttributes.Attribute] = []

    init(
        path: [[UInt8]], kind: FileStatus.Kind, permissions: UInt32, userID: UInt32,
        groupID: UInt32, modified: FileTimestamp
    ) {
        self.path = path
        self.kind = kind
        self.permissions = permissions
        self.userID = userID
        self.groupID = groupID
        self.modified = modified
    }

    init(path: [[UInt8]], kind: FileStatus.Kind, _ status: FileStatus) {
        self.init(
            path: path, kind: kind, permissions: status.mode & 0o7777, userID: status.userID,
            groupID: status.groupID, modified: status.modificationTime)
        device = status.specialDevice
    }
}

/// Where the bytes of a regular file come from.
enum CopiedContent {
    /// The first `sizeBytes` of an open file, or fewer if it ends before.
    case file(Int32, sizeBytes: UInt64)
    case bytes([UInt8])
}
