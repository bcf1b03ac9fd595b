import CFuse
import CLinux
import Glibc
import Synchronization
import VirtualFS

/// A file system for tests: names and attributes in memory; content in memory (read-only) or in
/// host files of a directory (writable).
final class MemoryFileSystem: FileSystem {
    struct Node {
        var attributes: FileAttributes
        var parent: InodeNumber
        var children: [[UInt8]: InodeNumber] = [:]
        /// Children in listing order; nil marks a removed one, so that offsets stay valid.
        var order: [[UInt8]?] = []
        var content: [UInt8] = []
        var target: [UInt8] = []
        var extendedAttributes: [[UInt8]: [UInt8]] = [:]
        var lookups: UInt64 = 0
        /// The backing file of a writable file; closed with the last name and lookup.
        var descriptor: Int32 = -1
    }

    struct State {
        var nodes: [InodeNumber: Node] = [:]
        var nextInode: UInt64 = 2
        var nextHandle: UInt64 = 1
        var openHandles: Set<UInt64> = []
        var calls: [String: Int] = [:]
        var notifier: (any KernelNotifier)?
        var hasEnded = false
    }

    let profile: ConnectionProfile
    /// Where content of a writable file system lives.
    let hostDirectory: String
    let state = Mutex(State())

    struct Hooks {
        /// Changes the answer to OPEN and CREATE, for tests of its kinds.
        var open: @Sendable (OpenedFile) -> OpenedFile = { $0 }
        /// Comes before a lookup, for tests of delays and errors.
        var lookup: @Sendable ([UInt8]) throws(FileSystemError) -> Void = { _ in }
    }
    let hooks = Mutex(Hooks())

    init(profile: ConnectionProfile, hostDirectory: String = "") {
        self.profile = profile
        self.hostDirectory = hostDirectory
        state.withLock { state in
            state.nodes[.root] = Node(
                attributes: Self.attributes(.root, mode: 0o40755), parent: .root)
        }
    }

    deinit {
        state.withLock { state in
            for node in state.nodes.values where node.descriptor >= 0 { close(node.descriptor) }
        }
    }

    static func attributes(_ inode: InodeNumber, mode: UInt32) -> FileAttributes {
        let now = Self.now()
        return FileAttributes(
            inode: inode, mode: mode, linkCount: mode & 0o170000 == 0o40000 ? 2 : 1,
            accessTime: now, modificationTime: now, changeTime: now)
    }

    static func now() -> FileTime {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return FileTime(seconds: Int64(time.tv_sec), nanoseconds: UInt32(time.tv_nsec))
    }

    func calls(_ name: String) -> Int { state.withLock { $0.calls[name] ?? 0 } }

    // MARK: Building

    /// Adds a node under `parent` and returns its number.
    @discardableResult
    func add(
        _ name: String, in parent: InodeNumber = .root, mode: UInt32, content: [UInt8] = [],
        target: String = "", extendedAttributes: [String: [UInt8]] = [:]
    ) -> InodeNumber {
        state.withLock { state in
            let inode = insert(&state, Array(name.utf8), in: parent, mode: mode)
            state.nodes[inode]?.content = content
            state.nodes[inode]?.attributes.sizeBytes = UInt64(max(content.count, target.utf8.count))
            state.nodes[inode]?.target = Array(target.utf8)
            for (name, value) in extendedAttributes {
                state.nodes[inode]?.extendedAttributes[Array(name.utf8)] = value
            }
            return inode
        }
    }

    private func insert(
        _ state: inout State, _ name: [UInt8], in parent: InodeNumber, mode: UInt32
    ) -> InodeNumber {
        let inode = InodeNumber(state.nextInode)
        state.nextInode += 1
        var node = Node(attributes: Self.attributes(inode, mode: mode), parent: parent)
        if profile == .writable, mode & 0o170000 == 0o100000 {
            let path = "\(hostDirectory)/\(inode.rawValue)"
            node.descriptor = (try? Host.open(path, O_RDWR | O_CREAT, mode: 0o600)) ?? -1
        }
        state.nodes[inode] = node
        attach(&state, name, inode, to: parent)
        if mode & 0o170000 == 0o40000 { state.nodes[parent]?.attributes.linkCount += 1 }
        return inode
    }

    private func attach(
        _ state: inout State, _ name: [UInt8], _ inode: InodeNumber, to parent: InodeNumber
    ) {
        state.nodes[parent]?.children[name] = inode
        state.nodes[parent]?.order.append(name)
        state.nodes[parent]?.attributes.modificationTime = Self.now()
    }

    private func detach(_ state: inout State, _ name: [UInt8], from parent: InodeNumber) {
        state.nodes[parent]?.children[name] = nil
        if let index = state.nodes[parent]?.order.lastIndex(where: { $0 == name }) {
            state.nodes[parent]?.order[index] = nil
        }
        state.nodes[parent]?.attributes.modificationTime = Self.now()
    }

    private func counted<Result>(
        _ name: String, _ body: (inout State) throws(FileSystemError) -> Result
    ) throws(FileSystemError) -> Result {
        try state.withLock { (state) throws(FileSystemError) in
            state.calls[name, default: 0] += 1
            return try body(&state)
        }
    }

    private static func node(
        _ state: State, _ inode: InodeNumber
    ) throws(FileSystemError) -> Node {
        guard let node = state.nodes[inode] else { throw .stale }
        return node
    }

    private static func child(
        _ state: State, _ name: [UInt8], of parent: InodeNumber
    ) throws(FileSystemError) -> InodeNumber? {
        guard let children = state.nodes[parent]?.children else { throw .stale }
        return children[name]
    }

    /// The node's attributes, sizes of host files included.
    private static func current(
        _ state: State, _ inode: InodeNumber
    ) throws(FileSystemError) -> FileAttributes {
        guard var attributes = state.nodes[inode]?.attributes,
            let descriptor = state.nodes[inode]?.descriptor
        else { throw .stale }
        if descriptor >= 0 {
            if let status = Host.status(of: descriptor) {
                attributes.sizeBytes = UInt64(status.st_size)
                attributes.blocks = UInt64(status.st_blocks)
            }
        }
        return attributes
    }

    private static func entry(
        _ state: inout State, _ inode: InodeNumber
    ) throws(FileSystemError) -> Entry {
        state.nodes[inode]?.lookups += 1
        return Entry(attributes: try current(state, inode))
    }

    // MARK: FileSystem

    func mounted(notifier: any KernelNotifier, passthrough: Bool) {
        state.withLock { $0.notifier = notifier }
    }

    func unmounted() {
        state.withLock { state in
            state.notifier = nil
            state.hasEnded = true
        }
    }

    func lookup(_ name: [UInt8], in parent: InodeNumber) throws(FileSystemError) -> LookupResult {
        try hooks.withLock { $0 }.lookup(name)
        return try counted("lookup") { (state) throws(FileSystemError) in
            guard name.count <= 255 else { throw .nameTooLong }
            guard let inode = try Self.child(state, name, of: parent) else {
                return .absent(.forever)
            }
            return .found(try Self.entry(&state, inode))
        }
    }

    func forget(_ lookups: [(inode: InodeNumber, count: UInt64)]) {
        state.withLock { state in
            for (inode, count) in lookups {
                state.calls["forget", default: 0] += 1
                let known = state.nodes[inode]?.lookups ?? 0
                precondition(known >= count, "more lookups forgotten than counted")
                state.nodes[inode]?.lookups = known - count
            }
        }
    }

    func attributes(
        of inode: InodeNumber, handle: FileHandle?
    ) throws(FileSystemError) -> AttributesReply {
        try counted("attributes") { (state) throws(FileSystemError) in
            AttributesReply(attributes: try Self.current(state, inode))
        }
    }

    func setAttributes(
        of inode: InodeNumber, handle: FileHandle?, to changes: AttributeChanges
    ) throws(FileSystemError) -> AttributesReply {
        try counted("setAttributes") { (state) throws(FileSystemError) in
            var node = try Self.node(state, inode)
            if let permissions = changes.permissions {
                node.attributes.mode = node.attributes.mode & 0o170000 | permissions
            }
            if changes.clearSetIDs { node.attributes.mode &= ~0o6000 }
            if let userID = changes.userID { node.attributes.userID = userID }
            if let groupID = changes.groupID { node.attributes.groupID = groupID }
            if let size = changes.sizeBytes, ftruncate(node.descriptor, Int(size)) != 0 {
                throw FileSystemError(errno: errno)
            }
            switch changes.modificationTime {
            case .now: node.attributes.modificationTime = Self.now()
            case .at(let time): node.attributes.modificationTime = time
            case nil: break
            }
            node.attributes.changeTime = Self.now()
            state.nodes[inode] = node
            return AttributesReply(attributes: try Self.current(state, inode))
        }
    }

    func readSymbolicLink(_ inode: InodeNumber) throws(FileSystemError) -> [UInt8] {
        try counted("readSymbolicLink") { (state) throws(FileSystemError) in
            try Self.node(state, inode).target
        }
    }

    func makeNode(_ request: NodeCreation) throws(FileSystemError) -> Entry {
        try make("makeNode", request)
    }

    func makeDirectory(_ request: NodeCreation) throws(FileSystemError) -> Entry {
        try make("makeDirectory", request)
    }

    func makeSymbolicLink(
        _ request: NodeCreation, target: [UInt8]
    ) throws(FileSystemError) -> Entry {
        var entry = try make("makeSymbolicLink", request)
        entry.attributes.sizeBytes = UInt64(target.count)
        let attributes = entry.attributes
        state.withLock { state in
            state.nodes[attributes.inode]?.target = target
            state.nodes[attributes.inode]?.attributes = attributes
        }
        return entry
    }

    private func make(
        _ name: String, _ request: NodeCreation
    ) throws(FileSystemError) -> Entry {
        try counted(name) { (state) throws(FileSystemError) in
            let place = request.place
            guard try Self.child(state, place.name, of: place.parent) == nil else {
                throw .exists
            }
            let inode = insert(
                &state, place.name, in: place.parent, mode: request.mode & ~request.umask)
            state.nodes[inode]?.attributes.userID = request.context.userID
            state.nodes[inode]?.attributes.groupID = request.context.groupID
            state.nodes[inode]?.attributes.device = request.device
            return try Self.entry(&state, inode)
        }
    }

    func link(
        _ inode: InodeNumber, to place: DirectoryPlace
    ) throws(FileSystemError) -> Entry {
        try counted("link") { (state) throws(FileSystemError) in
            guard try Self.child(state, place.name, of: place.parent) == nil else {
                throw .exists
            }
            attach(&state, place.name, inode, to: place.parent)
            state.nodes[inode]?.attributes.linkCount += 1
            return try Self.entry(&state, inode)
        }
    }

    func unlink(_ name: [UInt8], in parent: InodeNumber) throws(FileSystemError) {
        try counted("unlink") { (state) throws(FileSystemError) in
            guard let inode = try Self.child(state, name, of: parent) else { throw .notFound }
            detach(&state, name, from: parent)
            state.nodes[inode]?.attributes.linkCount -= 1
        }
    }

    func removeDirectory(_ name: [UInt8], in parent: InodeNumber) throws(FileSystemError) {
        try counted("removeDirectory") { (state) throws(FileSystemError) in
            guard let inode = try Self.child(state, name, of: parent) else { throw .notFound }
            guard try Self.node(state, inode).children.isEmpty else { throw .notEmpty }
            detach(&state, name, from: parent)
            state.nodes[parent]?.attributes.linkCount -= 1
            state.nodes[inode]?.attributes.linkCount = 0
        }
    }

    func rename(
        _ source: DirectoryPlace, to target: DirectoryPlace, mode: RenameMode
    ) throws(FileSystemError) {
        try counted("rename.\(mode)") { (state) throws(FileSystemError) in
            guard let moved = try Self.child(state, source.name, of: source.parent) else {
                throw .notFound
            }
            let replaced = try Self.child(state, target.name, of: target.parent)
            switch (mode, replaced) {
            case (.noReplace, .some): throw .exists
            case (.exchange, nil): throw .notFound
            case (.exchange, .some(let other)):
                state.nodes[source.parent]?.children[source.name] = other
                state.nodes[target.parent]?.children[target.name] = moved
            default:
                if let replaced {
                    detach(&state, target.name, from: target.parent)
                    state.nodes[replaced]?.attributes.linkCount -= 1
                }
                detach(&state, source.name, from: source.parent)
                attach(&state, target.name, moved, to: target.parent)
            }
        }
    }

    func open(
        _ inode: InodeNumber, flags: OpenFlags, clearSetIDs: Bool, context: RequestContext
    ) throws(FileSystemError) -> OpenedFile {
        let file = try counted("open") { (state) throws(FileSystemError) in
            let node = try Self.node(state, inode)
            if flags.contains(.truncate) {
                _ = ftruncate(node.descriptor, 0)
                if clearSetIDs { state.nodes[inode]?.attributes.mode &= ~0o6000 }
            }
            return opened(&state, inode, node)
        }
        return hooks.withLock { $0 }.open(file)
    }

    private func opened(
        _ state: inout State, _ inode: InodeNumber, _ node: Node
    ) -> OpenedFile {
        let handle = state.nextHandle
        state.nextHandle += 1
        state.openHandles.insert(handle)
        return OpenedFile(
            handle: FileHandle(handle),
            backing: OpenedFile.Backing(
                descriptor: node.descriptor, identity: inode.rawValue,
                isObserved: node.attributes.mode & 0o6000 != 0))
    }

    func create(
        _ request: NodeCreation, flags: OpenFlags
    ) throws(FileSystemError) -> (entry: Entry, file: OpenedFile) {
        let entry = try make("create", request)
        let file = try state.withLock { (state) throws(FileSystemError) in
            let inode = entry.attributes.inode
            return opened(&state, inode, try Self.node(state, inode))
        }
        return (entry, hooks.withLock { $0 }.open(file))
    }

    func read(
        _ inode: InodeNumber, handle: FileHandle?, offset: UInt64, size: Int,
        deliver: (ReadSource) -> Void
    ) throws(FileSystemError) {
        let node = try counted("read") { (state) throws(FileSystemError) in
            try Self.node(state, inode)
        }
        if node.descriptor >= 0 {
            deliver(.descriptor(node.descriptor, offset: offset, size: size))
        } else {
            deliver(.bytes(node.content.dropFirst(Int(offset)).prefix(size)))
        }
    }

    func write(
        _ inode: InodeNumber, handle: FileHandle, offset: UInt64, data: UnsafeRawBufferPointer,
        clearSetIDs: Bool
    ) throws(FileSystemError) -> Int {
        try counted("write") { (state) throws(FileSystemError) in
            let node = try Self.node(state, inode)
            if clearSetIDs { state.nodes[inode]?.attributes.mode &= ~0o6000 }
            let written = unsafe pwrite(
                node.descriptor, data.baseAddress, data.count, Int(offset))
            guard written >= 0 else { throw FileSystemError(errno: errno) }
            return written
        }
    }

    func renew(_ inode: InodeNumber) {
        state.withLock { state in
            state.calls["renew", default: 0] += 1
            guard var node = state.nodes[inode] else { return }
            let fresh = InodeNumber(state.nextInode)
            state.nextInode += 1
            node.attributes.inode = fresh
            node.lookups = 0
            node.descriptor = dup(node.descriptor)
            state.nodes[fresh] = node
            for directory in Array(state.nodes.keys) {
                for (name, child) in state.nodes[directory]?.children ?? [:] where child == inode {
                    state.nodes[directory]?.children[name] = fresh
                }
            }
        }
    }

    func release(_ inode: InodeNumber, handle: FileHandle) {
        state.withLock { state in
            state.calls["release", default: 0] += 1
            precondition(
                state.openHandles.remove(handle.rawValue) != nil, "released what is not open")
        }
    }

    func synchronize(
        _ inode: InodeNumber, handle: FileHandle?, dataOnly: Bool
    ) throws(FileSystemError) {
        try counted("synchronize") { _ in }
    }

    func allocate(
        _ inode: InodeNumber, handle: FileHandle, mode: Int32, offset: UInt64, length: UInt64,
        context: RequestContext
    ) throws(FileSystemError) {
        try counted("allocate") { (state) throws(FileSystemError) in
            let descriptor = try Self.node(state, inode).descriptor
            let failure = posix_fallocate(descriptor, Int(offset), Int(length))
            if failure != 0 { throw FileSystemError(errno: failure) }
        }
    }

    func seek(
        _ inode: InodeNumber, handle: FileHandle?, offset: UInt64, whence: Int32
    ) throws(FileSystemError) -> UInt64 {
        try counted("seek") { (state) throws(FileSystemError) in
            let found = lseek(try Self.node(state, inode).descriptor, Int(offset), whence)
            guard found >= 0 else { throw FileSystemError(errno: errno) }
            return UInt64(found)
        }
    }

    func readDirectory(
        _ inode: InodeNumber, handle: FileHandle?, offset: UInt64,
        into listing: inout DirectoryListing
    ) throws(FileSystemError) {
        try state.withLock { (state) throws(FileSystemError) in
            state.calls[
                listing.wantsAttributes ? "readDirectoryPlus" : "readDirectory", default: 0] += 1
            let node = try Self.node(state, inode)
            for index in Int(offset)..<(node.order.count + 2) {
                let next = UInt64(index + 1)
                guard index >= 2 else {
                    let isSelf = index == 0
                    let dots = Array((isSelf ? "." : "..").utf8)
                    let number = isSelf ? inode : node.parent
                    guard
                        listing.add(
                            .init(
                                name: dots, nextOffset: next, serialNumber: number.rawValue,
                                type: .directory))
                    else { return }
                    continue
                }
                guard let name = node.order[index - 2], let child = node.children[name],
                    let type = state.nodes[child]?.attributes.type
                else { continue }
                guard listing.fits(nameLength: name.count) else { return }
                let entry = listing.wantsAttributes ? try Self.entry(&state, child) : nil
                _ = listing.add(
                    .init(
                        name: name, nextOffset: next, serialNumber: child.rawValue, type: type,
                        entry: entry))
            }
        }
    }

    func extendedAttribute(
        _ name: [UInt8], of inode: InodeNumber
    ) throws(FileSystemError) -> [UInt8] {
        try counted("extendedAttribute") { (state) throws(FileSystemError) in
            guard let value = try Self.node(state, inode).extendedAttributes[name] else {
                throw .noData
            }
            return value
        }
    }

    func extendedAttributeNames(of inode: InodeNumber) throws(FileSystemError) -> [[UInt8]] {
        try counted("extendedAttributeNames") { (state) throws(FileSystemError) in
            try Self.node(state, inode).extendedAttributes.keys.sorted {
                $0.lexicographicallyPrecedes($1)
            }
        }
    }

    func setExtendedAttribute(
        _ name: [UInt8], of inode: InodeNumber, to value: [UInt8], mode: ExtendedAttributeMode,
        clearSetGroupID: Bool
    ) throws(FileSystemError) {
        try counted("setExtendedAttribute") { (state) throws(FileSystemError) in
            let isSet = try Self.node(state, inode).extendedAttributes[name] != nil
            switch mode {
            case .create where isSet: throw .exists
            case .replace where !isSet: throw .noData
            default: state.nodes[inode]?.extendedAttributes[name] = value
            }
        }
    }

    func removeExtendedAttribute(
        _ name: [UInt8], of inode: InodeNumber
    ) throws(FileSystemError) {
        try counted("removeExtendedAttribute") { (state) throws(FileSystemError) in
            guard state.nodes[inode]?.extendedAttributes.removeValue(forKey: name) != nil else {
                throw .noData
            }
        }
    }

    func statistics() throws(FileSystemError) -> FileSystemStatistics {
        FileSystemStatistics(blocks: 1000, freeBlocks: 500, availableBlocks: 400, files: 77)
    }
}
