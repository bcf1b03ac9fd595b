internal import FileTree

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

    /// The node for an entry that is no hard link and no directory.
    /// - Throws: `invalidEntry` for what no file system holds.
    func node(_ content: FileContent) throws(LayerError) -> Node {
        Node(attributes: nodeAttributes, content: try nodeContent(content))
    }

    private func nodeContent(_ content: FileContent) throws(LayerError) -> NodeContent {
        switch kind {
        case .regular: return .file(content)
        case .symbolicLink:
            guard linkTarget.count < 4096, !linkTarget.isEmpty, !linkTarget.contains(0) else {
                throw LayerError(
                    .invalidEntry, "a symbolic link's target has 1 to 4095 bytes without NUL",
                    path: path)
            }
            return .symbolicLink(target: linkTarget)
        case .characterDevice: return .characterDevice(device)
        case .blockDevice: return .blockDevice(device)
        case .fifo: return .fifo
        case .unknown(let flag):
            throw LayerError(.invalidEntry, "an entry of unknown type \(flag)", path: path)
        case .directory, .hardLink:
            throw LayerError(.invalidEntry, "an entry that is no file of its own", path: path)
        }
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
