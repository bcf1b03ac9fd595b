internal import Dockerfile
internal import FileTree
internal import LinuxIO
internal import Store

/// A directory of the host as build context.
///
/// Read lazily and once: directories when a COPY looks into them, files when one takes them, and
/// files not even then where the stat cache knows them. Entries that the ignore file leaves out do
/// not exist. As in BuildKit, everything belongs to root, and modes and times are kept; so are, of files
/// and directories, the extended attributes `user.*` and `security.capability`. Names of one file are
/// links within what one source brings. A socket is an empty file.
final class HostContext: CopySource {
    let name: String
    let isStored = false
    var directories: any DirectorySource { pending }

    private let store: Store
    private let lease: Lease
    private let files: HostFileReader
    private let matcher: PatternMatcher
    private let ignoreFileName: String?
    private let root: HostEntry
    private let pending: PendingDirectories
    private let cancellation: Cancellation
    /// A number for each file that has several names on the host.
    private var linkedFiles: [HostFile: UInt64] = [:]

    private struct HostFile: Hashable {
        var device: UInt64
        var inode: UInt64
    }

    /// - Throws: `contextUnreadable`.
    init(
        _ files: HostFileReader, name: String = "the build context", ignore: IgnoreFile?,
        ignoreFileName: String?, store: Store, lease: Lease, cancellation: Cancellation
    ) throws {
        self.name = name
        self.store = store
        self.lease = lease
        self.ignoreFileName = ignoreFileName
        self.cancellation = cancellation
        matcher = try ignore.map { PatternMatcher($0) } ?? PatternMatcher([])
        self.files = files
        root = HostEntry(
            name: nil, path: [], status: try files.rootStatus, state: matcher.root, target: [])
        pending = PendingDirectories(base: store)
    }

    // MARK: - Looking

    func kind(at path: TreePath) throws -> SourceKind? {
        guard let entry = try entry(at: path) else { return nil }
        switch entry.status.kind {
        case .directory: return .directory
        case .symbolicLink: return .symbolicLink(target: entry.target)
        default: return .other
        }
    }

    func names(in path: TreePath) throws -> [EntryName] {
        guard let entry = try entry(at: path), entry.isDirectory else { return [] }
        return try children(of: entry).compactMap(\.name)
    }

    private func entry(at path: TreePath) throws -> HostEntry? {
        var entry = root
        for name in path.names {
            guard entry.isDirectory, let next = try child(name, of: entry) else { return nil }
            entry = next
        }
        return entry
    }

    private func child(_ name: EntryName, of entry: HostEntry) throws -> HostEntry? {
        let children = try children(of: entry)
        var (low, high) = (0, children.count)
        while low < high {
            let middle = (low + high) / 2
            if let found = children[middle].name, found < name {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < children.count && children[low].name == name ? children[low] : nil
    }

    /// The entries of a directory that are not left out, by name.
    private func children(of entry: HostEntry) throws -> [HostEntry] {
        if let children = entry.children { return children }
        let listing = try files.list(entry.path, entry.state, matcher)
        return try adopt(listing, into: entry)
    }

    private func adopt(
        _ listing: HostFileReader.Listing, into entry: HostEntry
    ) throws -> [HostEntry] {
        entry.attributes = listing.attributes
        var children: [HostEntry] = []
        for found in listing.entries {
            let child = HostEntry(
                name: found.name, path: found.path, status: found.status, state: found.state,
                target: found.target)
            // A directory that is left out stays as far as it holds exceptions.
            if found.state.isIgnored, try self.children(of: child).isEmpty { continue }
            children.append(child)
        }
        children.sort { a, b in
            guard let left = a.name, let right = b.name else { return false }
            return left < right
        }
        entry.children = children
        return children
    }

    func explainAbsence(of path: TreePath) -> String? {
        let verdict = matcher.match(path.bytes)
        guard verdict.isIgnored, let index = verdict.decidingPattern else { return nil }
        let pattern = matcher.patterns[index]
        let text = String(decoding: pattern.original, as: UTF8.self)
        let line = pattern.line.map { " on line \($0)" } ?? ""
        return "\(ignoreFileName ?? ".dockerignore") leaves it out: \"\(text)\"\(line)"
    }

    // MARK: - Reading

    func node(at path: TreePath) throws -> Node? {
        guard let entry = try entry(at: path) else { return nil }
        try load(entry)
        return try node(of: entry)
    }

    func provideContents(at path: TreePath) throws {
        guard let entry = try entry(at: path) else { return }
        let ingest = try store.ingest(lease)
        let known = collect(entry).filter { $0.content != nil && !$0.isProvided }
        let (files, cancellation) = (files, cancellation)
        let items = known.map { ($0.path, $0.status, $0.content ?? .empty) }
        _ = try ParallelMap.map(items) { path, status, content in
            try cancellation.check()
            if try content.sizeBytes == 0 || ingest.isPresent(content) { return }
            guard try files.read(path, status, into: ingest).content == content else {
                throw HostFileReader.changed(path)
            }
        }
        for entry in known { entry.isProvided = true }
    }

    func unreadBytes(at path: TreePath) throws -> UInt64 {
        guard let entry = try entry(at: path) else { return 0 }
        return try unknownFiles(entry).reduce(into: 0) { $0 += $1.status.sizeBytes }
    }

    /// Reads all directories at and below an entry.
    private func loadDirectories(_ entry: HostEntry) throws {
        let (files, matcher, cancellation) = (files, matcher, cancellation)
        var level = entry.isDirectory ? [entry] : []
        while !level.isEmpty {
            try cancellation.check()
            let unread = level.filter { $0.children == nil }
            let listings = try ParallelMap.map(unread.map { ($0.path, $0.state) }) {
                try files.list($0.0, $0.1, matcher)
            }
            for (directory, listing) in zip(unread, listings) {
                _ = try adopt(listing, into: directory)
            }
            level = level.flatMap { ($0.children ?? []).filter(\.isDirectory) }
        }
    }

    /// The files at and below an entry whose digests neither this nor the cache knows.
    private func unknownFiles(_ entry: HostEntry) throws -> [HostEntry] {
        try loadDirectories(entry)
        return collect(entry).filter { entry in
            guard entry.content == nil else { return false }
            entry.content = files.knownContent(entry.status)
            return entry.content == nil
        }
    }

    /// Reads all directories at and below an entry, then all files that the cache does not know.
    private func load(_ entry: HostEntry) throws {
        let unknown = try unknownFiles(entry)
        guard !unknown.isEmpty else { return }
        let (files, cancellation) = (files, cancellation)
        let ingest = try store.ingest(lease)
        let read = try ParallelMap.map(unknown.map { ($0.path, $0.status) }) { path, status in
            try cancellation.check()
            return try files.read(path, status, into: ingest)
        }
        for (entry, found) in zip(unknown, read) {
            entry.content = found.content
            entry.attributes = found.attributes
            entry.isProvided = true
        }
    }

    /// The regular files at and below an entry whose directories are read.
    private func collect(_ entry: HostEntry) -> [HostEntry] {
        var files: [HostEntry] = []
        var stack = [entry]
        while let next = stack.popLast() {
            if next.status.kind == .regular { files.append(next) }
            stack += next.children ?? []
        }
        return files
    }

    private func node(of entry: HostEntry) throws -> Node? {
        if let node = entry.node { return node }
        guard let content = try nodeContent(of: entry) else { return nil }
        let node = Node(
            attributes: attributes(of: entry), content: content,
            hardLink: hardLink(of: entry.status))
        entry.node = node
        return node
    }

    func attributes(at path: TreePath) throws -> NodeAttributes? {
        guard let entry = try entry(at: path) else { return nil }
        if entry.isDirectory { _ = try children(of: entry) }
        return attributes(of: entry)
    }

    private func attributes(of entry: HostEntry) -> NodeAttributes {
        var attributes = NodeAttributes(
            permissions: UInt16(truncatingIfNeeded: entry.status.mode),
            modificationTime: NodeTime(
                seconds: entry.status.modificationTime.seconds,
                nanoseconds: entry.status.modificationTime.nanoseconds))
        attributes.extendedAttributes = entry.attributes
        if entry.status.kind == .symbolicLink { attributes.permissions = 0o777 }
        return attributes
    }

    /// Marks the names of one file as such. Those outside what is copied count here too: the copier
    /// links what it meets.
    private func hardLink(of status: FileStatus) -> HardLink? {
        guard status.kind == .regular, status.linkCount > 1 else { return nil }
        let file = HostFile(device: status.device, inode: status.inode)
        let number = linkedFiles[file] ?? UInt64(linkedFiles.count + 1)
        linkedFiles[file] = number
        return HardLink(identifier: number, count: UInt32(clamping: status.linkCount))
    }

    private func nodeContent(of entry: HostEntry) throws -> NodeContent? {
        let device = DeviceNumber(rawValue: entry.status.specialDevice)
        switch entry.status.kind {
        case .directory:
            var entries: [DirectoryEntry] = []
            for child in try children(of: entry) {
                guard let name = child.name, let node = try node(of: child) else { continue }
                entries.append(DirectoryEntry(name: name, node: node))
            }
            return .directory(pending.insert(Directory(entries)))
        case .regular: return entry.content.map(NodeContent.file)
        case .symbolicLink: return .symbolicLink(target: entry.target)
        case .characterDevice: return .characterDevice(device)
        case .blockDevice: return .blockDevice(device)
        case .fifo: return .fifo
        // As BuildKit sends it.
        case .socket: return .file(.empty)
        case nil: return nil
        }
    }
}

/// What is known of one name of the context.
private final class HostEntry {
    /// Nil for the context's root.
    let name: EntryName?
    /// Relative to the root.
    let path: [UInt8]
    let status: FileStatus
    /// For directories: what their entries are matched in.
    let state: PatternMatcher.State
    /// Of a symbolic link.
    let target: [UInt8]
    /// Nil until the directory is read.
    var children: [HostEntry]?
    /// Nil until the file's digest is known.
    var content: FileContent?
    /// Whether the content is known to be in the store.
    var isProvided = false
    /// Of a directory once it is read, of a file once its digest is known.
    var attributes = ExtendedAttributes.none
    var node: Node?

    init(
        name: EntryName?, path: [UInt8], status: FileStatus, state: PatternMatcher.State,
        target: [UInt8]
    ) {
        self.name = name
        self.path = path
        self.status = status
        self.state = state
        self.target = target
    }

    var isDirectory: Bool { status.kind == .directory }
}
