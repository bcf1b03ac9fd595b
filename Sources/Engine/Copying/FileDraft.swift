internal import LinuxIO

/// A file that is being written: under its name if there is nothing yet, else under another one until
/// it is complete. One of the two of `place()` and `discard()` ends it.
///
/// A file that is mounted there, as /etc/hosts is, cannot be replaced: it is written to where it stands,
/// and stays whose it is.
final class FileDraft {
    let descriptor: OwnedDescriptor
    private let name: [UInt8]
    private let parent: Int32
    private let description: String
    /// Nil if it has its name already.
    private let temporary: [UInt8]?
    /// Whether it is a mounted file's content.
    let isInPlace: Bool

    /// - Parameters:
    ///   - parent: stays open while the draft is used.
    ///   - describing: what messages call it.
    init(
        _ name: [UInt8], in parent: Int32, _ entry: CopiedEntry, describing description: String
    ) throws {
        self.name = name
        self.parent = parent
        self.description = description
        let mode: OwnedDescriptor.Mode = [.readWrite, .create, .exclusive, .noFollow]
        // What its mode lets others do they may do at once: it becomes no other's file.
        let permissions = entry.permissions & 0o777
        if let file = try Self.make(name, in: parent, mode, permissions) {
            temporary = nil
            isInPlace = false
            descriptor = file
            return
        }
        try Self.refuseDirectory(name, in: parent, description)
        if let file = try Self.mountedFile(name, in: parent) {
            temporary = nil
            isInPlace = true
            descriptor = file
            return
        }
        isInPlace = false
        let temporary = Self.temporaryName()
        self.temporary = temporary
        descriptor = try OwnedDescriptor(
            opening: temporary, in: parent, mode, permissions: permissions)
    }

    /// - Returns: nil if something has the name.
    private static func make(
        _ name: [UInt8], in parent: Int32, _ mode: OwnedDescriptor.Mode, _ permissions: UInt32
    ) throws(Errno) -> OwnedDescriptor? {
        do throws(Errno) {
            return try OwnedDescriptor(
                opening: name, in: parent, mode, permissions: permissions)
        } catch .exists {
            return nil
        }
    }

    /// - Throws: ``EngineError`` if a directory has the name.
    static func refuseDirectory(
        _ name: [UInt8], in parent: Int32, _ description: String
    ) throws {
        // What vanished meanwhile is no directory.
        guard let status = try? FileStatus(of: name, in: parent), status.kind == .directory else {
            return
        }
        throw EngineError(
            .invalid,
            "cannot overwrite directory \"\(description)\" with non-directory "
                + "\"\(name.text)\"")
    }

    static func temporaryName() -> [UInt8] {
        Array(".vitrine-\(UInt64.random(in: .min ... .max))\(HostDirectory.temporarySuffix)".utf8)
    }

    /// - Returns: nil for one that can be replaced.
    private static func mountedFile(
        _ name: [UInt8], in parent: Int32
    ) throws -> OwnedDescriptor? {
        let place = try OwnedDescriptor(opening: name, in: parent, [.pathOnly, .noFollow])
        let status = try FileStatus(of: place.rawValue)
        guard status.kind == .regular else { return nil }
        // A file of one file system may be mounted in a directory of the same.
        guard
            try status.device != FileStatus(of: parent).device
                || mount(of: place.rawValue) != mount(of: parent)
        else { return nil }
        return try OwnedDescriptor(reopening: place.rawValue, [.readWrite, .truncate])
    }

    /// What proc_pid_fdinfo(5) calls the mount that a descriptor was opened in.
    private static func mount(of descriptor: Int32) throws -> [UInt8] {
        let file = try OwnedDescriptor(opening: "/proc/self/fdinfo/\(descriptor)", .readOnly)
        let lines = try DescriptorIO.readAll(file.rawValue, limit: 1 << 16)
            .split(separator: UInt8(ascii: "\n"))
        return lines.first { $0.starts(with: "mnt_id:".utf8) }.map(Array.init) ?? []
    }

    /// Gives what is complete its name.
    func place() throws(Errno) {
        guard let temporary else { return }
        try HostDirectory.rename(temporary, in: parent, to: name)
    }

    /// Takes away what is not complete.
    func discard() {
        if isInPlace { return }
        try? HostDirectory.unlink(temporary ?? name, in: parent)  // the error that led here is told
    }
}
