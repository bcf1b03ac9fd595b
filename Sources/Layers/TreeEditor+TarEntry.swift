internal import FileTree

extension TreeEditor {
    /// Applies one entry of a layer's tar: a whiteout, a hard link, or a node.
    ///
    /// Whiteouts are known by name whatever their type (OCI image-spec, layer.md). Names are cleaned
    /// below the root; those that leave it are refused.
    /// - Returns: where the entry was put; nil for a whiteout and the root.
    @discardableResult
    func apply(_ entry: TarEntry, content: FileContent) throws -> TreePath? {
        let path = try followingLayerLinks(try TreePath(ofMember: entry.path))
        guard let name = path.last else {
            // The root itself: only as a directory does it mean anything.
            if entry.kind == .directory { try putDirectory(entry.nodeAttributes, at: path) }
            return nil
        }
        if name.isWhiteout {
            try applyWhiteout(name, in: path.parent)
            return nil
        }
        switch entry.kind {
        case .directory: try putDirectory(entry.nodeAttributes, at: path)
        case .hardLink:
            let target = try followingLayerLinks(try TreePath(ofMember: entry.linkTarget))
            try link(target, at: path)
        case .regular: try put(entry.node(.file(content)), at: path)
        case .symbolicLink:
            guard entry.linkTarget.count < 4096, !entry.linkTarget.isEmpty,
                !entry.linkTarget.contains(0)
            else {
                throw LayerError(
                    .invalidEntry, "a symbolic link's target has 1 to 4095 bytes without NUL",
                    path: entry.path)
            }
            try put(entry.node(.symbolicLink(target: entry.linkTarget)), at: path)
        case .characterDevice: try put(entry.node(.characterDevice(entry.device)), at: path)
        case .blockDevice: try put(entry.node(.blockDevice(entry.device)), at: path)
        case .fifo: try put(entry.node(.fifo), at: path)
        case .unknown(let flag):
            throw LayerError(
                .invalidEntry, "an entry of unknown type \(flag)", path: entry.path)
        }
        return path
    }

    private func applyWhiteout(_ name: EntryName, in parent: TreePath) throws {
        if name.bytes == Whiteout.opaqueName { return try makeOpaque(parent) }
        let hidden = name.bytes.dropFirst(Whiteout.prefix.count)
        guard !hidden.isEmpty else {
            throw FileTreeError(.invalidWhiteout, "a whiteout without a name", path: name.bytes)
        }
        // AUFS's own bookkeeping, which Docker's old layers carry and every engine passes over.
        if hidden.starts(with: Whiteout.prefix) { return }
        try whiteout(parent.appending(try EntryName(hidden)))
    }
}

extension TreePath {
    /// ``init(cleaning:)`` for the plain names that nearly all members have, without its generic
    /// machinery: a tenth of an import's time.
    init(ofMember bytes: [UInt8]) throws(FileTreeError) {
        var names: [EntryName] = []
        var start = 0
        while start < bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != UInt8(ascii: "/") { end += 1 }
            let isDotted = end > start && bytes[start] == UInt8(ascii: ".")
            if isDotted, end - start == 2, bytes[start + 1] == UInt8(ascii: ".") {
                self = try TreePath(cleaning: bytes)
                return
            }
            if end > start, !(isDotted && end - start == 1) {
                names.append(try EntryName(Array(bytes[start..<end])))
            }
            start = end + 1
        }
        self = names.count <= Self.maximumDepth ? TreePath(names) : try TreePath(cleaning: bytes)
    }
}

extension TarEntry {
    var nodeAttributes: NodeAttributes {
        NodeAttributes(
            permissions: mode, userID: uid, groupID: gid,
            modificationTime: NodeTime(
                seconds: modified.seconds, nanoseconds: modified.nanoseconds),
            extendedAttributes: ExtendedAttributes(
                attributes.map { .init(name: $0.name, value: $0.value) }))
    }

    var device: DeviceNumber { DeviceNumber(major: deviceMajor, minor: deviceMinor) }

    func node(_ content: NodeContent) -> Node {
        Node(attributes: nodeAttributes, content: content)
    }

    /// The entry for a node that is not a hard link to an earlier one.
    /// - Returns: nil for a socket, which no tar can hold.
    init?(_ node: Node, path: [UInt8]) {
        let kind: TarEntry.Kind
        var target: [UInt8] = []
        var size: Int64 = 0
        var device = DeviceNumber(major: 0, minor: 0)
        switch node.content {
        case .directory: kind = .directory
        case .file(let content):
            kind = .regular
            size = Int64(clamping: content.sizeBytes)
        case .symbolicLink(let text):
            kind = .symbolicLink
            target = text
        case .characterDevice(let number):
            kind = .characterDevice
            device = number
        case .blockDevice(let number):
            kind = .blockDevice
            device = number
        case .fifo: kind = .fifo
        case .socket: return nil
        }
        let attributes = node.attributes
        self.init(
            path: path, kind: kind, linkTarget: target, mode: attributes.permissions,
            uid: attributes.userID, gid: attributes.groupID, sizeBytes: size,
            modified: TarTime(
                seconds: attributes.modificationTime.seconds,
                nanoseconds: attributes.modificationTime.nanoseconds),
            deviceMajor: device.major, deviceMinor: device.minor,
            attributes: attributes.extendedAttributes.attributes.map {
                TarAttribute(name: $0.name, value: $0.value)
            })
    }
}
