internal import LinuxIO
internal import Store

/// A root file system, opened: where the paths of one side of a copy are looked up.
///
/// Nothing that whoever writes to it does meanwhile makes a path lead out of it.
protocol CopyRoot: AnyObject, Sendable {
    /// Opens an absolute path. Symbolic links are followed inside the root, the last name too unless
    /// the mode says otherwise.
    func open(_ path: [UInt8], _ mode: OwnedDescriptor.Mode) throws(Errno) -> OwnedDescriptor
    /// How messages call a path of it.
    func describe(_ path: String) -> String
    /// Whose paths they are, for messages; nil is the host.
    var container: String? { get }
    /// The container, if it is one's.
    var record: ContainerRecord? { get }
    /// Refuses a directory that must not be written to.
    /// - Throws: ``EngineError`` `invalid`.
    func checkWritable(_ directory: Int32) throws
    /// Lets go of it. To be called once, when no descriptor of it is open any more.
    func end() throws
}

extension CopyRoot {
    /// - Parameter isRootReadOnly: whether that was asked for, though the file system may be writable.
    func checkWritable(
        _ directory: Int32, root: Int32, isRootReadOnly: Bool
    ) throws {
        let isBelowMount =
            try FileStatus(of: directory).device != FileStatus(of: root).device
        let isReadOnly = try FileSystemRoom(of: directory).isReadOnly
        guard isReadOnly || isRootReadOnly && !isBelowMount else { return }
        throw EngineError(
            .invalid,
            isBelowMount
                ? "mounted volume is marked read-only" : "container rootfs is marked read-only")
    }
}

/// The host's own.
final class HostRoot: CopyRoot {
    let container: String? = nil
    let record: ContainerRecord? = nil

    func open(_ path: [UInt8], _ mode: OwnedDescriptor.Mode) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor(opening: path, in: HostDirectory.workingDirectory, mode)
    }

    func describe(_ path: String) -> String { path }
    func checkWritable(_ directory: Int32) throws {}
    func end() throws {}
}
