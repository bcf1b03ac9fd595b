internal import GRDB
internal import LinuxIO

/// Some of the file system's room that the store keeps for removals: who has none left gets it with
/// the program itself.
///
/// A file without content. It is given up when a removal finds no room, and made anew by the next
/// process that opens the store while there is plenty.
struct RoomReserve: Sendable {
    let path: String

    /// A removal writes some pages of the database and the index of names; a collection of
    /// everything about a page for each forty directories.
    static let sizeBytes: UInt64 = 4 << 20
    /// With less than this nobody takes any away from those who need it.
    static let plentyBytes: UInt64 = 16 * sizeBytes

    init(_ layout: StoreLayout) { path = layout.reserve }

    /// Costs one look where it is there.
    func renew() {
        if HostDirectory.exists(path) { return }
        // Without it the store is as good; a file that is not complete is none.
        do throws(Errno) {
            let file = try OwnedDescriptor(
                opening: path, [.readWrite, .create, .exclusive], permissions: 0o600)
            do throws(Errno) {
                let room = try FileSystemRoom(of: file.rawValue)
                let available = room.availableBlocks.multipliedReportingOverflow(
                    by: room.blockSizeBytes)
                guard available.overflow || available.partialValue >= Self.plentyBytes else {
                    throw .noSpace
                }
                try DescriptorIO.allocate(
                    file.rawValue, mode: 0, offset: 0, length: Self.sizeBytes)
            } catch {
                _ = giveUp()
            }
        } catch {
            return  // another process was quicker, or nothing can be written here
        }
    }

    /// - Returns: whether there was any.
    func giveUp() -> Bool { (try? HostDirectory.unlink(path)) != nil }
}

extension Store {
    /// Runs `body`, and once more with the reserve where there was no room for it. All of it
    /// happened, or nothing.
    func freeingRoom<T: ~Copyable>(
        _ body: () throws(StoreError) -> T
    ) throws(StoreError) -> T {
        do throws(StoreError) {
            return try body()
        } catch {
            guard error.isOutOfRoom, RoomReserve(layout).giveUp() else { throw error }
            return try body()
        }
    }

    /// A write transaction after which less is kept than before; see ``write(_:_:)``.
    func writeRemoval<T>(
        _ what: String, _ body: (Database) throws -> T
    ) throws(StoreError) -> T {
        try freeingRoom { () throws(StoreError) in try write(what, body) }
    }
}

extension Store {
    /// Whether next to nothing fits on its file system any more, or no file.
    package var isFull: Bool {
        // Where it cannot be asked, other errors tell more.
        guard let room else { return false }
        return room.availableBytes < RoomReserve.sizeBytes
            || room.files > 0 && room.freeFiles < Self.fewFiles
    }

    /// How much fits on its file system; nil where it cannot be asked.
    package var availableBytes: UInt64? { room?.availableBytes }

    /// How much a server may send: a twentieth of the disk stays free, so that the host goes on.
    package func roomForDownloads() throws -> UInt64 {
        let root = try OwnedDescriptor(opening: layout.root, [.readOnly, .directory])
        let room = try FileSystemRoom(of: root.rawValue)
        return room.availableBytes(butForBlocks: room.blocks / 20)
    }

    private var room: FileSystemRoom? {
        guard let root = try? OwnedDescriptor(opening: layout.root, [.readOnly, .directory])
        else { return nil }
        return try? FileSystemRoom(of: root.rawValue)
    }

    /// As many names as the shortest of steps may need.
    private static let fewFiles: UInt64 = 16
}

extension StoreError {
    /// Whether it failed because nothing more fits on the file system.
    package var isOutOfRoom: Bool {
        if let error = cause as? DatabaseError { return error.resultCode == .SQLITE_FULL }
        let error = cause as? Errno
        return error == .noSpace || error == .quotaExceeded
    }
}

extension FileSystemRoom {
    fileprivate var availableBytes: UInt64 { availableBytes(butForBlocks: 0) }

    fileprivate func availableBytes(butForBlocks reserve: UInt64) -> UInt64 {
        let blocks = availableBlocks - min(availableBlocks, reserve)
        let bytes = blocks.multipliedReportingOverflow(by: blockSizeBytes)
        return bytes.overflow ? .max : bytes.partialValue
    }
}
