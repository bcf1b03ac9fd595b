package import FileTree
internal import LinuxIO

/// What a new volume begins with: what the image has where it is mounted.
///
///     draft/      is written            a kill leaves it; it is begun anew
///     filling/    complete              a kill leaves it; the next one goes on
///     data/       takes its entries, one rename each, and then its owner, mode and times
///
/// The data directory itself stays the same one: a container may have it mounted already.
extension Store {
    /// Fills a volume that is new: that nothing was filled into yet, and nobody has written to. Of
    /// those who want to at once, one does. Durable when it returns.
    /// - Parameters:
    ///   - tree: a directory's content and, as its root's attributes, the directory's own; nil only
    ///     ends what a killed process began.
    ///   - directories: where the tree's directories are.
    /// - Throws: `notFound` if there is no such volume.
    package func fillVolume(
        _ name: String, with tree: Tree?, directories: any DirectorySource
    ) throws {
        // Most have been filled, or will never be.
        guard HostDirectory.exists(layout.volumeIsNew(name)) else {
            return try requireVolume(name)
        }
        let lock = try lockVolume(name)
        defer { withExtendedLifetime(lock) {} }
        try requireVolume(name)
        do {
            guard HostDirectory.exists(layout.volumeIsNew(name)) else { return }
            if !HostDirectory.exists(layout.volumeFilling(name)) {
                guard try HostDirectory.names(ofPath: layout.volumeData(name)).isEmpty else {
                    return try HostDirectory.unlink(layout.volumeIsNew(name))
                }
                guard let tree else { return }
                try draftVolume(name, tree, directories)
            }
            try takeFilling(name)
        } catch let error as Errno {
            throw StoreError(
                .inputOutput, "could not fill a volume", path: layout.volume(name), cause: error)
        }
    }

    private func requireVolume(_ name: String) throws(StoreError) {
        guard try volume(named: name) != nil else {
            throw StoreError(.notFound, "there is no volume \"\(name)\"")
        }
    }

    private func draftVolume(
        _ name: String, _ tree: Tree, _ directories: any DirectorySource
    ) throws {
        let draft = layout.volumeDraft(name)
        try HostDirectory.removeAll(draft)
        try HostDirectory.make(draft, permissions: 0o700)
        var writer = HostTreeWriter(self, directories: directories)
        try writer.write(tree, to: draft)
        // After a power cut a name without its content would be taken for the whole.
        let directory = try OwnedDescriptor(opening: draft, [.readOnly, .directory])
        try DescriptorIO.synchronizeFileSystem(of: directory.rawValue)
        try HostDirectory.rename(draft, to: layout.volumeFilling(name))
    }

    private func takeFilling(_ name: String) throws(Errno) {
        let (source, target) = (layout.volumeFilling(name), layout.volumeData(name))
        let from = try OwnedDescriptor(opening: source, [.readOnly, .directory])
        let to = try OwnedDescriptor(opening: target, [.readOnly, .directory])
        // With its time, which the renames change.
        let status = try FileStatus(of: from.rawValue)
        for name in try HostDirectory.names(from.rawValue) {
            try HostDirectory.rename(name, in: from.rawValue, to: name, in: to.rawValue)
        }
        try DescriptorIO.setOwner(
            to.rawValue, userID: status.userID, groupID: status.groupID)
        try DescriptorIO.setPermissions(to.rawValue, status.mode & 0o7777)
        for attribute in try HostAttributes.names(from.rawValue) {
            // What the host sets itself, such as labels, it has set already.
            guard attribute.starts(with: "user.".utf8) || attribute.starts(with: "system.".utf8)
            else { continue }
            try HostAttributes.set(
                attribute, to: try HostAttributes.value(of: attribute, on: from.rawValue),
                on: to.rawValue)
        }
        try DescriptorIO.setModificationTime(to.rawValue, status.modificationTime)
        try DescriptorIO.synchronize(to.rawValue)
        // One that took nothing but the directory's attributes may still get its content from
        // another image.
        let isEmpty = try HostDirectory.names(to.rawValue).isEmpty
        if !isEmpty { try HostDirectory.unlink(layout.volumeIsNew(name)) }
        try HostDirectory.removeEmpty(source)
        try HostDirectory.synchronize(layout.volume(name))
    }
}
