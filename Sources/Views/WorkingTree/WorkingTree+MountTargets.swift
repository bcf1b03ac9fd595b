internal import FileTree
internal import Synchronization
internal import VirtualFS

extension WorkingTree {
    /// Shows what is missing of `targets` as an empty directory or file, or as a symbolic link, with the
    /// directories above.
    ///
    /// An OCI runtime then finds its mount points and need not make them. They change no time of a
    /// directory, and a freeze does not record them unless something was really written to
    /// them or below them, or their attributes were set. Symbolic links are followed inside the
    /// view, as runtimes do it, one that is the target itself too: then where it leads is shown.
    package func showMountTargets(_ targets: [MountTarget]) throws {
        for target in targets {
            let made = try perform { (state) throws(Interruption) in try state.show(target) }
            guard let made, let notifier = notifier.withLock({ $0 }) else { continue }
            // The kernel may remember that it is not there.
            notifier.invalidateEntry(made.name, in: made.parent)
            notifier.invalidateInode(made.parent)
        }
    }
}

extension WorkingTreeState {
    /// As Linux.
    private static let maximumLinks = 40

    /// - Returns: the first name that was missing.
    fileprivate func show(_ target: MountTarget) throws(Interruption) -> DirectoryPlace? {
        // What is still to be walked, the next part last.
        var parts = Array(target.path.names.map(\.bytes).reversed())
        var place = root
        var linksLeft = Self.maximumLinks
        while let part = parts.popLast() {
            guard let body = place.directory else { return nil }
            if part.isEmpty || part == [0x2E] { continue }
            if part == [0x2E, 0x2E] {
                place = place.place?.parent ?? root
                continue
            }
            guard let name = try? LinkName(part) else { return nil }  // no tree holds such a name
            guard let child = try child(name, of: place, body) else {
                make(name, then: parts, of: target, in: place)
                return DirectoryPlace(parent: place.number, name: name.bytes)
            }
            guard case .symbolicLink(let link) = child.body else {
                place = child
                continue
            }
            // A link that is there need not be shown, wherever it leads.
            if parts.isEmpty, case .symbolicLink = target.kind { return nil }
            linksLeft -= 1
            guard linksLeft > 0 else { return nil }
            if link.first == UInt8(ascii: "/") { place = root }
            // A link's target is relative to the directory that holds the link.
            parts += link.split(separator: UInt8(ascii: "/")).reversed().map(Array.init)
        }
        return nil
    }

    /// - Parameter rest: the parts below `name`, the next one last.
    private func make(
        _ name: LinkName, then rest: [[UInt8]], of target: MountTarget,
        in parent: WorkingInode
    ) {
        guard let directory = parent.directory else { return }
        let kind = rest.isEmpty ? target.kind : .directory
        let own = rest.isEmpty ? target.permissions.map { UInt16(truncatingIfNeeded: $0) } : nil
        let (permissions, body): (UInt16, WorkingInode.Body) =
            switch kind {
            case .directory: (own ?? 0o755, .directory(WorkingDirectory(lower: nil)))
            case .file: (0o644, .regular(.empty))
            case .symbolicLink(let link): (0o777, .symbolicLink(link))
            }
        let inode = makeInode(
            attributes: NodeAttributes(
                permissions: permissions, modificationTime: parent.attributes.modificationTime),
            body: body)
        inode.flags = .synthesised
        inode.addPlace(name, in: parent)
        if kind == .directory { directory.childDirectoryCount += 1 }
        directory.add(inode, as: name)
        var rest = rest
        if let part = rest.popLast(), let next = try? LinkName(part) {  // checked by ``show(_:)``
            make(next, then: rest, of: target, in: inode)
        }
    }
}
