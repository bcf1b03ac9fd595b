internal import FileTree
internal import Glibc
internal import LinuxIO
internal import Store

/// Writes a tree into a directory of the host (`--output type=local`).
///
/// The tree is not trusted: every name is made in a directory that is open, a symbolic link that
/// stands where a directory or a file goes is replaced and never followed, and only what is complete
/// appears under its name. A file that is being written has no name where the file system knows such
/// files, so that nothing is left of a process that is killed. What is there besides stays. Root
/// writes owners, devices and all extended attributes; others get files of their own, and devices are
/// left out.
struct HostTreeWriter {
    private let store: Store
    private let cancellation: Cancellation
    private let warn: (String) -> Void
    private let isRoot: Bool
    /// Where the first name of a file with several went.
    private var firstNames: [UInt64: (directory: [EntryName], name: [UInt8])] = [:]
    private var skippedCount = 0

    init(store: Store, cancellation: Cancellation, warn: @escaping (String) -> Void) {
        self.store = store
        self.cancellation = cancellation
        self.warn = warn
        isRoot = geteuid() == 0
    }

    /// - Parameter path: made if it is not there; a symbolic link to a directory is followed, since
    ///   the user named it.
    /// - Throws: `outputFailed` with the place.
    consuming func write(_ tree: Tree, to path: String) throws {
        let root: OwnedDescriptor
        do throws(Errno) {
            try HostDirectory.makeAll(path)
            root = try OwnedDescriptor(opening: path, [.readOnly, .directory])
        } catch {
            throw Self.failure(error, path)
        }
        try writeAll(tree, into: root.rawValue, path)
        if skippedCount > 0 {
            warn(
                "\(skippedCount) device files were left out of \(path): only root may make them")
        }
    }

    private static func failure(_ error: Errno, _ path: String) -> BuildError {
        BuildError(
            .outputFailed, "could not write \"\(path)\": \(error)",
            hint: error == .noSpace ? "its file system is full" : nil, cause: error)
    }

    /// Directories are opened again from the root for each one, so that deep trees hold no
    /// descriptors; their times are set when all is in them.
    private mutating func writeAll(_ tree: Tree, into root: Int32, _ path: String) throws {
        var waiting: [(names: [EntryName], reference: DirectoryReference)] = [([], tree.directory)]
        var finished: [(names: [EntryName], attributes: NodeAttributes)] = []
        while let (names, reference) = waiting.popLast() {
            try cancellation.check()
            var current: [EntryName] = []
            do throws(Errno) {
                let directory = try Self.open(names, root)
                for entry in try entries(of: reference) {
                    current = [entry.name]
                    if let child = entry.node.directory {
                        try makeDirectory(entry.name.bytes, directory.rawValue)
                        waiting.append((names + [entry.name], child))
                        finished.append((names + [entry.name], entry.node.attributes))
                    } else {
                        try makeFile(entry, names, directory.rawValue, root)
                    }
                }
            } catch {
                throw Self.failure(error, Self.place(path, names + current))
            }
        }
        for (names, attributes) in finished.reversed() {
            do throws(Errno) {
                let directory = try Self.open(names, root)
                try complete(directory.rawValue, attributes)
                try DescriptorIO.setModificationTime(
                    directory.rawValue, Self.time(attributes.modificationTime))
            } catch {
                throw Self.failure(error, Self.place(path, names))
            }
        }
    }

    private func entries(of reference: DirectoryReference) throws(Errno) -> Directory.Entries {
        do { return try store.directory(reference.id).entries } catch { throw .inputOutput }
    }

    private static func place(_ path: String, _ names: [EntryName]) -> String {
        names.isEmpty ? path : "\(path)\(TreePath(names))"
    }

    /// No name on the way may be a symbolic link, whoever put it there.
    private static func open(
        _ names: [EntryName], _ root: Int32
    ) throws(Errno) -> OwnedDescriptor {
        let path = names.isEmpty ? [0x2E] : TreePath(names).bytes
        return try OwnedDescriptor(
            opening: path, beneath: root, [.readOnly, .directory], followsLinks: false)
    }

    private static func time(_ time: NodeTime) -> FileTimestamp {
        FileTimestamp(seconds: time.seconds, nanoseconds: time.nanoseconds)
    }

    // MARK: - Entries

    private func makeDirectory(_ name: [UInt8], _ directory: Int32) throws(Errno) {
        do throws(Errno) {
            // Others see nothing of it before it has its owner and mode.
            try HostDirectory.make(name, in: directory, permissions: 0o700)
        } catch .exists {
            guard try FileStatus(of: name, in: directory).kind != .directory else { return }
            try HostDirectory.unlink(name, in: directory)
            try HostDirectory.make(name, in: directory, permissions: 0o700)
        }
    }

    private mutating func makeFile(
        _ entry: DirectoryEntry, _ parent: [EntryName], _ directory: Int32, _ root: Int32
    ) throws(Errno) {
        let (name, node) = (entry.name.bytes, entry.node)
        var isThere = true
        if let link = node.hardLink, let first = firstNames[link.identifier] {
            let source = try Self.open(first.directory, root)
            try Self.put(name, directory) { (name) throws(Errno) in
                try HostDirectory.link(first.name, in: source.rawValue, as: name, in: directory)
            }
        } else if case .file(let content) = node.content,
            let file = try Self.unnamed(in: directory)
        {
            try fill(file.rawValue, content, node.attributes)
            try Self.put(name, directory) { (name) throws(Errno) in
                try HostDirectory.link(file.rawValue, as: name, in: directory)
            }
        } else {
            try Self.replace(name, directory) { (temporary) throws(Errno) in
                isThere = try make(node, temporary, directory)
                return isThere
            }
        }
        if isThere, let link = node.hardLink {
            firstNames[link.identifier] = firstNames[link.identifier] ?? (parent, name)
        }
    }

    /// Links what is complete under its name: at once where that is free.
    private static func put(
        _ name: [UInt8], _ directory: Int32, _ link: ([UInt8]) throws(Errno) -> Void
    ) throws(Errno) {
        do throws(Errno) { return try link(name) } catch .exists {}
        try replace(name, directory) { (temporary) throws(Errno) in
            try link(temporary)
            return true
        }
    }

    /// Makes something under a temporary name, and gives it its own when it is complete. A directory
    /// that is there is no file's to replace.
    /// - Parameter make: returns false for what is left out.
    private static func replace(
        _ name: [UInt8], _ directory: Int32, _ make: ([UInt8]) throws(Errno) -> Bool
    ) throws(Errno) {
        let temporary = Array(
            ".vitrine-\(UInt64.random(in: .min ... .max))\(HostDirectory.temporarySuffix)".utf8)
        do throws(Errno) {
            guard try make(temporary) else { return }
            try HostDirectory.rename(temporary, in: directory, to: name)
            // Of two names of one file rename(2) leaves both.
            do throws(Errno) {
                try HostDirectory.unlink(temporary, in: directory)
            } catch .notFound {}
        } catch {
            try? HostDirectory.unlink(temporary, in: directory)  // the first error is reported
            throw error
        }
    }

    /// - Returns: false for what is left out.
    private mutating func make(
        _ node: Node, _ temporary: [UInt8], _ directory: Int32
    ) throws(Errno) -> Bool {
        let attributes = node.attributes
        switch node.content {
        case .directory: return false
        case .file(let content):
            let file = try OwnedDescriptor(
                opening: temporary, in: directory,
                [.writeOnly, .create, .exclusive, .noFollow], permissions: 0o600)
            try fill(file.rawValue, content, attributes)
            return true
        case .symbolicLink(let target):
            try HostDirectory.makeSymbolicLink(temporary, in: directory, to: target)
        case .characterDevice(let device):
            return try makeNode(temporary, directory, S_IFCHR, device.rawValue, attributes)
        case .blockDevice(let device):
            return try makeNode(temporary, directory, S_IFBLK, device.rawValue, attributes)
        case .fifo: return try makeNode(temporary, directory, S_IFIFO, 0, attributes)
        case .socket: return try makeNode(temporary, directory, S_IFSOCK, 0, attributes)
        }
        try setOwner(temporary, directory, attributes)
        try HostDirectory.setTimes(
            temporary, in: directory, Self.time(attributes.modificationTime))
        return true
    }

    /// Nil where there is no such thing, or no way to name it later.
    private static func unnamed(in directory: Int32) throws(Errno) -> OwnedDescriptor? {
        guard HostDirectory.exists("/proc/self/fd") else { return nil }
        do throws(Errno) {
            return try OwnedDescriptor(
                opening: [0x2E], in: directory, [.writeOnly, .unnamed], permissions: 0o600)
        } catch  where [.unsupported, .isDirectory, .invalidArgument].contains(error) {
            return nil
        }
    }

    private func fill(
        _ file: Int32, _ content: FileContent, _ attributes: NodeAttributes
    ) throws(Errno) {
        if content.sizeBytes > 0 {
            let object = try OwnedDescriptor(
                opening: store.layout.object(content.digest), .readOnly)
            try DescriptorIO.copyContent(from: object.rawValue, to: file)
        }
        try complete(file, attributes)
        try DescriptorIO.setModificationTime(file, Self.time(attributes.modificationTime))
    }

    private mutating func makeNode(
        _ name: [UInt8], _ directory: Int32, _ type: UInt32, _ device: UInt64,
        _ attributes: NodeAttributes
    ) throws(Errno) -> Bool {
        do throws(Errno) {
            try HostDirectory.makeNode(name, in: directory, mode: type | 0o600, device: device)
        } catch .notPermitted {
            skippedCount += 1
            return false
        }
        try setOwner(name, directory, attributes)
        try HostDirectory.setPermissions(name, in: directory, UInt32(attributes.permissions))
        try HostDirectory.setTimes(name, in: directory, Self.time(attributes.modificationTime))
        return true
    }

    private func setOwner(
        _ name: [UInt8], _ directory: Int32, _ attributes: NodeAttributes
    ) throws(Errno) {
        guard isRoot else { return }
        try HostDirectory.setOwner(
            name, in: directory, userID: attributes.userID, groupID: attributes.groupID)
    }

    /// Owner, attributes and mode of an open file or directory; the mode last, since a change of the
    /// owner takes setuid away.
    private func complete(_ descriptor: Int32, _ attributes: NodeAttributes) throws(Errno) {
        if isRoot {
            try DescriptorIO.setOwner(
                descriptor, userID: attributes.userID, groupID: attributes.groupID)
        }
        try DescriptorIO.setPermissions(descriptor, UInt32(attributes.permissions))
        for attribute in attributes.extendedAttributes.attributes {
            let isUsers = attribute.name.starts(with: "user.".utf8)
            guard isRoot || isUsers else { continue }
            do throws(Errno) {
                try HostAttributes.set(attribute.name, to: attribute.value, on: descriptor)
            } catch  where error == .unsupported || error == .notPermitted {
                // The file system has none, which is no reason to have no files.
            }
        }
    }
}
