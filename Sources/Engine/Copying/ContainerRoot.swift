internal import LinuxIO
internal import Store

/// The root of a container that another process serves. It is looked up in, and let go of.
final class ContainerRoot: CopyRoot {
    private let own: ContainerRecord
    private let root: OwnedDescriptor

    init(record: ContainerRecord, root: consuming OwnedDescriptor) {
        own = record
        self.root = root
    }

    var container: String? { own.name }
    var record: ContainerRecord? { own }

    func open(_ path: [UInt8], _ mode: OwnedDescriptor.Mode) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor(opening: path, inRoot: root.rawValue, mode)
    }

    /// Shows it at another place of the host, too.
    /// - Returns: false without the right to mount.
    func show(at place: String) throws(Errno) -> Bool {
        let target = try OwnedDescriptor(opening: place, [.pathOnly, .directory])
        do throws(Errno) {
            try BindMount.make(root.rawValue, over: target.rawValue)
            return true
        } catch {
            guard error == .notPermitted else { throw error }
            return false
        }
    }

    func describe(_ path: String) -> String { "\(own.name):\(path)" }

    func checkWritable(_ directory: Int32) throws {
        try checkWritable(
            directory, root: root.rawValue, isRootReadOnly: own.settings.isRootReadOnly)
    }

    func end() throws {}
}
