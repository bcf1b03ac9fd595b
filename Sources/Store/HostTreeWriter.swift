package import FileTree
internal import LinuxIO

/// Writes a tree into a directory of the host, with owners, modes, times and attributes.
///
/// Everything is made anew below the descriptor of an empty directory that nobody else writes to, so
/// that no name and no link of the tree leads out of it.
package struct HostTreeWriter {
    private let store: Store
    private let directories: any DirectorySource
    /// The first name of each file that has several: its directory and itself.
    private var linked: [UInt64: TreePath] = [:]

    package init(_ store: Store, directories: any DirectorySource) {
        self.store = store
        self.directories = directories
    }

    /// - Parameter path: an empty directory, which gets the root's attributes.
    /// - Throws: ``StoreError`` `inputOutput`, ``FileTreeError``.
    package mutating func write(_ tree: Tree, to path: String) throws {
        do {
            let root = try OwnedDescriptor(opening: path, [.readOnly, .directory, .noFollow])
            try fill(root, from: tree.directory, at: .root, root: root.rawValue)
            try finish(Array(path.utf8), in: Self.workingDirectory, tree.root, root.rawValue)
        } catch let error as Errno {
            throw StoreError(.inputOutput, "could not write files", path: path, cause: error)
        }
    }

    /// `AT_FDCWD`: for absolute paths any directory does.
    private static let workingDirectory: Int32 = -100

    private mutating func fill(
        _ directory: borrowing OwnedDescriptor, from reference: DirectoryReference,
        at path: TreePath, root: Int32
    ) throws {
        for entry in try directories.directory(reference.id).entries {
            try write(
                entry.node, as: entry.name.bytes, in: directory.rawValue,
                at: path.appending(entry.name), root: root)
        }
    }

    private mutating func write(
        _ node: Node, as name: [UInt8], in directory: Int32, at path: TreePath, root: Int32
    ) throws {
        if let link = node.hardLink {
            if let first = linked[link.identifier] {
                let parent = first.parent.isRoot ? [UInt8(ascii: ".")] : first.parent.bytes
                let place = try OwnedDescriptor(
                    opening: parent, beneath: root, [.readOnly, .directory], followsLinks: false)
                return try HostNode.link(
                    first.last?.bytes ?? [], in: place.rawValue, as: name, in: directory)
            }
            linked[link.identifier] = path
        }
        let permissions = UInt32(node.attributes.permissions)
        switch node.content {
        case .directory(let reference):
            try HostNode.makeDirectory(name, in: directory, permissions: 0o700)
            let child = try OwnedDescriptor(
                opening: name, in: directory, [.readOnly, .directory, .noFollow])
            try fill(child, from: reference, at: path, root: root)
            try finish(name, in: directory, node, child.rawValue)
        case .file(let content):
            let file = try OwnedDescriptor(
                opening: name, in: directory, [.writeOnly, .create, .exclusive, .noFollow],
                permissions: 0o600)
            if content.sizeBytes > 0 {
                let object = try OwnedDescriptor(
                    opening: store.layout.object(content.digest), .readOnly)
                try DescriptorIO.copyContent(from: object.rawValue, to: file.rawValue)
            }
            try finish(name, in: directory, node, file.rawValue)
        case .symbolicLink(let target):
            try HostNode.makeSymbolicLink(name, in: directory, to: target)
            try finish(name, in: directory, node, nil)
        case .characterDevice(let device):
            try HostNode.makeSpecial(
                name, in: directory, mode: 0o020000 | permissions, device: device.rawValue)
            try finish(name, in: directory, node, nil)
        case .blockDevice(let device):
            try HostNode.makeSpecial(
                name, in: directory, mode: 0o060000 | permissions, device: device.rawValue)
            try finish(name, in: directory, node, nil)
        case .fifo:
            try HostNode.makeSpecial(
                name, in: directory, mode: 0o010000 | permissions, device: 0)
            try finish(name, in: directory, node, nil)
        case .socket: break
        }
    }

    /// The owner first, for a change of it takes setuid bits and capabilities away; the time last.
    private func finish(
        _ name: [UInt8], in directory: Int32, _ node: Node, _ descriptor: Int32?
    ) throws(Errno) {
        let attributes = node.attributes
        try HostNode.setOwner(
            name, in: directory, userID: attributes.userID, groupID: attributes.groupID)
        if case .symbolicLink = node.content {
        } else {
            try HostNode.setPermissions(name, in: directory, UInt32(attributes.permissions))
        }
        if let descriptor {
            for attribute in attributes.extendedAttributes.attributes {
                try HostNode.setAttribute(attribute.name, attribute.value, on: descriptor)
            }
        }
        let time = attributes.modificationTime
        try HostNode.setTime(
            name, in: directory,
            FileTimestamp(seconds: time.seconds, nanoseconds: time.nanoseconds))
    }
}
