internal import FuseDriver
internal import ImageSpec
internal import LinuxIO
internal import Store

/// The root of a container that `vitrine mount` shows, where it is mounted. It has no volumes there.
final class MountedRoot: CopyRoot {
    private let own: ContainerRecord
    private let root: OwnedDescriptor

    /// - Returns: nil if it is not mounted there, or no longer.
    static func open(_ record: ContainerRecord, at mountPoint: String) throws -> MountedRoot? {
        guard let table = MountTable(),
            let place = try? StoreLocation.mountPoint(mountPoint),  // gone with its mount
            let mount = table.entry(at: Array(place.utf8)),
            mount.source == Array(MountSource(foreign: record.name).text.utf8)
        else { return nil }
        do throws(Errno) {
            let root = try OwnedDescriptor(opening: place, [.readOnly, .directory])
            let device = try FileStatus(of: root.rawValue).device
            guard device == mount.device.number else { return nil }
            return MountedRoot(record: record, root: root)
        } catch {
            guard error == .notConnected || error == .notFound else {
                throw EngineError(.failed, "could not open \(place.visible): \(error)")
            }
            return nil
        }
    }

    private init(record: ContainerRecord, root: consuming OwnedDescriptor) {
        own = record
        self.root = root
    }

    var container: String? { own.name }
    var record: ContainerRecord? { own }

    func open(_ path: [UInt8], _ mode: OwnedDescriptor.Mode) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor(opening: path, inRoot: root.rawValue, mode)
    }

    func describe(_ path: String) -> String { "\(own.name):\(path)" }

    func checkWritable(_ directory: Int32) throws {
        try checkWritable(
            directory, root: root.rawValue, isRootReadOnly: own.settings.isRootReadOnly)
    }

    func end() throws {}
}
