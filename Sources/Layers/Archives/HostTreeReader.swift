internal import FileTree
internal import LinuxIO
internal import Store

/// Reads a directory of the host as a tree: contents into the store, everything else into nodes.
///
/// Symbolic links are not followed; mount points are entered, as `tar` does. Names that share an
/// inode are hard links. Sockets are left out with a warning. Of extended attributes, those travel
/// that mean the same on every host: `user.*`, `security.capability` and POSIX ACLs.
struct HostTreeReader: ~Copyable {
    private let ingest: ObjectIngest
    private let directories: PendingDirectories
    private let progress: ((UInt64) -> Void)?
    private var linked: [FileIdentity: Node] = [:]
    private var readBytes: UInt64 = 0
    private(set) var warnings: [LayerWarning] = []

    private struct FileIdentity: Hashable {
        var device: UInt64
        var inode: UInt64
    }

    /// Enough to see what is the matter.
    private static let warningLimit = 100
    /// Files up to this size are hashed before they touch the disk.
    private static let bufferedBytes: UInt64 = 1 << 20
    /// What is below is deeper than any system's PATH_MAX allows to reach.
    private static let depthLimit = TreePath.maximumDepth

    init(
        ingest: ObjectIngest, directories: PendingDirectories, progress: ((UInt64) -> Void)?
    ) {
        self.ingest = ingest
        self.directories = directories
        self.progress = progress
    }

    /// - Throws: `inputOutput` for what cannot be read, ``StoreError``.
    mutating func read(_ path: String) throws -> Tree {
        let root: OwnedDescriptor
        do throws(Errno) {
            root = try OwnedDescriptor(opening: path, [.readOnly, .directory])
        } catch {
            throw LayerError(
                .inputOutput, "the directory cannot be opened", path: path, cause: error)
        }
        do {
            let status = try FileStatus(of: root.rawValue)
            let attributes = try Self.attributes(status, of: root.rawValue)
            let reference = try directory(root, at: .root)
            let tree = Tree(attributes: attributes, directory: reference)
            return try HardLinkGroups.canonicalized(tree, in: directories)
        } catch let error as Errno {
            throw LayerError(
                .inputOutput, "the directory cannot be read", path: path, cause: error)
        }
    }

    private mutating func directory(
        _ descriptor: borrowing OwnedDescriptor, at path: TreePath
    ) throws -> DirectoryReference {
        guard path.names.count < Self.depthLimit else {
            throw FileTreeError(.tooDeep, "directories are nested too deep", path: path.bytes)
        }
        var entries: [DirectoryEntry] = []
        let names: [[UInt8]]
        do throws(Errno) {
            names = try HostDirectory.names(descriptor.rawValue)
        } catch {
            throw Self.unreadable(path, error)
        }
        for name in names {
            let entry = try EntryName(name)
            let below = path.appending(entry)
            do {
                if let node = try node(name, in: descriptor, at: below) {
                    entries.append(DirectoryEntry(name: entry, node: node))
                }
            } catch let error as Errno where error == .notFound {
                warn(below, "it vanished while the directory was read")
            } catch let error as Errno {
                throw Self.unreadable(below, error)
            }
        }
        return directories.insert(Directory(entries))
    }

    private static func unreadable(_ path: TreePath, _ error: Errno) -> LayerError {
        LayerError(
            .inputOutput, "cannot be read", path: Array("\(path)".utf8),
            hint: error == .accessDenied || error == .notPermitted
                ? "run as a user who may read everything below" : nil,
            cause: error)
    }

    private mutating func node(
        _ name: [UInt8], in parent: borrowing OwnedDescriptor, at path: TreePath
    ) throws -> Node? {
        let status = try FileStatus(of: name, in: parent.rawValue)
        let identity = FileIdentity(device: status.device, inode: status.inode)
        if status.kind != .directory, status.linkCount > 1, let known = linked[identity] {
            return known
        }
        var node: Node
        switch status.kind {
        case .socket:
            warn(path, "a socket, which no layer can hold; left out")
            return nil
        case .directory:
            let child = try OwnedDescriptor(
                opening: name, in: parent.rawValue, [.readOnly, .directory, .noFollow])
            return Node(
                attributes: try Self.attributes(status, of: child.rawValue),
                content: .directory(try directory(child, at: path)))
        case .regular:
            // Non-blocking, lest a pipe that took the file's place should wait for a writer.
            let file = try OwnedDescriptor(
                opening: name, in: parent.rawValue, [.readOnly, .noFollow, .nonBlocking])
            node = Node(
                attributes: try Self.attributes(status, of: file.rawValue),
                content: .file(try content(file, status)))
        default:
            let place = try OwnedDescriptor(
                opening: name, in: parent.rawValue, [.pathOnly, .noFollow])
            node = Node(
                attributes: try Self.attributes(status, of: place.rawValue),
                content: try Self.special(status, name, in: parent.rawValue))
        }
        if status.linkCount > 1 {
            // Provisional numbers; canonicalizing gives the groups theirs.
            node.hardLink = HardLink(identifier: UInt64(linked.count), count: 2)
            linked[identity] = node
        }
        return node
    }

    private mutating func content(
        _ file: borrowing OwnedDescriptor, _ status: FileStatus
    ) throws -> FileContent {
        let content =
            status.sizeBytes <= Self.bufferedBytes
            ? try ingest.insert(
                try DescriptorIO.readAll(file.rawValue, limit: Int(Self.bufferedBytes) * 2))
            : try HostFileContent(file.rawValue, sizeBytes: status.sizeBytes).copy(to: ingest)
        readBytes += content.sizeBytes
        progress?(readBytes)
        return content
    }

    private static func special(
        _ status: FileStatus, _ name: [UInt8], in parent: Int32
    ) throws -> NodeContent {
        switch status.kind {
        case .symbolicLink: .symbolicLink(target: try HostDirectory.readLink(name, in: parent))
        case .characterDevice: .characterDevice(DeviceNumber(rawValue: status.specialDevice))
        case .blockDevice: .blockDevice(DeviceNumber(rawValue: status.specialDevice))
        default: .fifo
        }
    }

    private static func attributes(
        _ status: FileStatus, of descriptor: Int32
    ) throws -> NodeAttributes {
        NodeAttributes(
            permissions: UInt16(status.mode & 0o7777), userID: status.userID,
            groupID: status.groupID,
            modificationTime: NodeTime(
                seconds: status.modificationTime.seconds,
                nanoseconds: status.modificationTime.nanoseconds),
            extendedAttributes: ExtendedAttributes(
                try HostFileAttributes.all(of: descriptor, status.kind).filter {
                    HostFileAttributes.travels($0.name)
                }))
    }

    private mutating func warn(_ path: TreePath, _ message: String) {
        guard warnings.count < Self.warningLimit else { return }
        warnings.append(LayerWarning(path: path.bytes, message: message))
    }
}
