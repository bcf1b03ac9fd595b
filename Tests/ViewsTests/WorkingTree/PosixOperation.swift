/// One step of a program, for a view and for a directory of the host alike.
///
/// Paths are names joined by `/` below the root; the last name is never followed.
enum PosixOperation: Sendable {
    case create(path: String, mode: UInt32, exclusive: Bool)
    case write(path: String, offset: Int, bytes: [UInt8])
    case truncate(path: String, size: Int)
    case makeDirectory(path: String, mode: UInt32)
    case makeNode(path: String, mode: UInt32, device: UInt64)
    case symbolicLink(path: String, target: String)
    case link(path: String, to: String)
    case unlink(path: String)
    case removeDirectory(path: String)
    /// Flags of renameat2(2).
    case rename(path: String, to: String, flags: UInt32)
    case changeMode(path: String, mode: UInt32)
    case changeOwner(path: String, user: UInt32?, group: UInt32?)
    case setModificationTime(path: String, seconds: Int?)
    case setAttribute(path: String, name: String, value: [UInt8], flags: Int32)
    case removeAttribute(path: String, name: String)
    case attribute(path: String, name: String)
    case status(path: String)
    case read(path: String)
    case list(path: String)
    case open(handle: Int, path: String, writes: Bool, truncates: Bool)
    case writeHandle(handle: Int, offset: Int, bytes: [UInt8])
    case truncateHandle(handle: Int, size: Int)
    case allocate(handle: Int, mode: Int32, offset: Int, length: Int)
    case readHandle(handle: Int)
    case statusOfHandle(handle: Int)
    case close(handle: Int)
}

/// What a step gave.
enum PosixOutcome: Hashable, Sendable {
    case done
    case text(String)
    case failed(errno: Int32)
}

protocol PosixClient: AnyObject {
    func run(_ operation: PosixOperation) -> PosixOutcome
}

/// The part of stat(2) that both sides agree on.
///
/// Times are compared where a program set them to long ago; everything else happened just now.
struct PosixStatus {
    var mode: UInt32
    var links: UInt64
    var user: UInt32
    var group: UInt32
    var device: UInt64
    var size: UInt64
    var modifiedSeconds: Int64

    var outcome: PosixOutcome {
        let isDirectory = mode & 0o170000 == 0o040000
        let time = modifiedSeconds < 1_000_000_000 ? String(modifiedSeconds) : "recent"
        return .text(
            "\(String(mode, radix: 8)) links \(links) owner \(user):\(group) device \(device)"
                + " size \(isDirectory ? 0 : size) modified \(time)")
    }
}
