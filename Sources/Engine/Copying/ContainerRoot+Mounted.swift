internal import FuseDriver
internal import ImageSpec
internal import LinuxIO
internal import Store

extension ContainerRoot {
    /// The root of a container that `vitrine mount` shows, where it is mounted. It has no volumes there.
    /// - Returns: nil if it is not mounted there, or no longer.
    static func mounted(_ record: ContainerRecord, at mountPoint: String) throws -> ContainerRoot? {
        guard let table = MountTable(),
            let place = try? StoreLocation.mountPoint(mountPoint),  // gone with its mount
            let mount = table.entry(at: Array(place.utf8)),
            mount.source == Array(MountSource(foreign: record.name).text.utf8)
        else { return nil }
        do throws(Errno) {
            let root = try OwnedDescriptor(opening: place, [.readOnly, .directory])
            let device = try FileStatus(of: root.rawValue).device
            guard device == mount.device.number else { return nil }
            return ContainerRoot(record: record, root: root)
        } catch {
            guard error == .notConnected || error == .notFound else {
                throw EngineError(.failed, "could not open \(place.visible): \(error)")
            }
            return nil
        }
    }
}
