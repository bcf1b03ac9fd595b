internal import ImageSpec

/// The canonical bytes of directories and trees, version 1. docs/data-model.md draws them.
///
/// Integers are unsigned LEB128 in their shortest form; signed ones are zigzag-coded first.
package enum TreeEncoding {
    static let directoryMark: UInt8 = 0xD1
    static let treeMark: UInt8 = 0xE1

    enum Kind: UInt8 {
        case directory = 1
        case file, symbolicLink, characterDevice, blockDevice, fifo, socket
    }
    static let extendedAttributesFlag: UInt8 = 0x10
    static let hardLinkFlag: UInt8 = 0x20
    /// On directories: the same of anything below.
    static let containsHardLinksFlag: UInt8 = 0x40
    static let containsExtendedAttributesFlag: UInt8 = 0x80

    /// The bytes whose digest is the tree's ``TreeID``.
    package static func encode(
        attributes: NodeAttributes, directory: DirectoryReference
    ) -> [UInt8] {
        var output = EncodingOutput()
        output.bytes.append(treeMark)
        output.append(Node(attributes: attributes, content: .directory(directory)))
        return output.bytes
    }

    /// The bytes that stand for a node inside its directory's encoding.
    package static func encode(_ node: Node) -> [UInt8] {
        var output = EncodingOutput()
        output.append(node)
        return output.bytes
    }

    /// Appends the bytes of ``encode(_:)``.
    package static func append(_ node: Node, to bytes: inout [UInt8]) {
        // Moved through, so that nothing is copied.
        var output = EncodingOutput()
        swap(&output.bytes, &bytes)
        output.append(node)
        swap(&output.bytes, &bytes)
    }

    /// The node that ``encode(_:)`` gave these bytes for.
    /// - Throws: `corruptEncoding`.
    package static func decodeNode(_ bytes: [UInt8]) throws(FileTreeError) -> Node {
        var input = EncodingInput(bytes)
        let node = try input.node()
        guard input.isAtEnd else { throw EncodingInput.corrupt("bytes after a node") }
        return node
    }

    /// - Throws: `corruptEncoding`.
    package static func decodeTree(_ bytes: [UInt8]) throws(FileTreeError) -> Tree {
        var input = EncodingInput(bytes)
        guard try input.byte() == treeMark else { throw EncodingInput.corrupt("not a tree") }
        let node = try input.node()
        guard let directory = node.directory, input.isAtEnd else {
            throw EncodingInput.corrupt("a tree's root is not a directory")
        }
        return Tree(attributes: node.attributes, directory: directory)
    }

    /// - Throws: `corruptEncoding`.
    package static func decodeDirectory(_ bytes: [UInt8]) throws(FileTreeError) -> Directory {
        try Directory(checking: bytes)
    }
}

extension Directory {
    /// The canonical encoding and its digest.
    package func encoded() -> (bytes: [UInt8], id: DirectoryID) {
        (encoding, DirectoryID(Digest(of: encoding)))
    }
}

/// Appends values in canonical form.
struct EncodingOutput {
    var bytes: [UInt8] = []

    mutating func append(_ value: UInt64) { LEB128.append(value, to: &bytes) }

    mutating func append(block: [UInt8]) {
        append(UInt64(block.count))
        bytes.append(contentsOf: block)
    }

    mutating func append(_ digest: Digest) {
        unsafe digest.withBytes { unsafe bytes.append(contentsOf: $0) }
    }

    mutating func append(_ node: Node) {
        var head = kind(of: node.content).rawValue
        let attributes = node.attributes
        if !attributes.extendedAttributes.isEmpty { head |= TreeEncoding.extendedAttributesFlag }
        if node.hardLink != nil { head |= TreeEncoding.hardLinkFlag }
        if node.directory?.containsHardLinks == true {
            head |= TreeEncoding.containsHardLinksFlag
        }
        if node.directory?.containsExtendedAttributes == true {
            head |= TreeEncoding.containsExtendedAttributesFlag
        }
        bytes.append(head)
        append(UInt64(attributes.permissions))
        append(UInt64(attributes.userID))
        append(UInt64(attributes.groupID))
        let seconds = attributes.modificationTime.seconds
        append(UInt64(bitPattern: seconds << 1 ^ seconds >> 63))
        append(UInt64(attributes.modificationTime.nanoseconds))
        if !attributes.extendedAttributes.isEmpty {
            append(UInt64(attributes.extendedAttributes.attributes.count))
            for attribute in attributes.extendedAttributes.attributes {
                append(block: attribute.name)
                append(block: attribute.value)
            }
        }
        if let link = node.hardLink {
            append(link.identifier)
            append(UInt64(link.count))
        }
        append(node.content)
    }

    private mutating func append(_ content: NodeContent) {
        switch content {
        case .directory(let reference):
            append(reference.id.digest)
            append(UInt64(reference.childDirectoryCount))
            append(reference.entryCount)
            append(reference.sizeBytes)
        case .file(let file):
            append(file.digest)
            append(file.sizeBytes)
        case .symbolicLink(let target): append(block: target)
        case .characterDevice(let device), .blockDevice(let device):
            append(UInt64(device.major))
            append(UInt64(device.minor))
        case .fifo, .socket: break
        }
    }

    private func kind(of content: NodeContent) -> TreeEncoding.Kind {
        switch content {
        case .directory: .directory
        case .file: .file
        case .symbolicLink: .symbolicLink
        case .characterDevice: .characterDevice
        case .blockDevice: .blockDevice
        case .fifo: .fifo
        case .socket: .socket
        }
    }
}

/// Reads values in canonical form and refuses any other.
struct EncodingInput {
    private let bytes: [UInt8]
    private(set) var position: Int

    init(_ bytes: [UInt8], from position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    var isAtEnd: Bool { position == bytes.count }

    static func corrupt(_ what: String) -> FileTreeError {
        FileTreeError(.corruptEncoding, "damaged directory encoding: \(what)")
    }

    mutating func byte() throws(FileTreeError) -> UInt8 {
        guard position < bytes.count else { throw Self.corrupt("it ends early") }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func integer() throws(FileTreeError) -> UInt64 {
        // Nearly all are below 128.
        if position < bytes.count, bytes[position] < 0x80 {
            defer { position += 1 }
            return UInt64(bytes[position])
        }
        var decoder = LEB128.Decoder()
        while true {
            let next = try byte()
            do throws(LEB128.Malformed) {
                if let value = try decoder.take(next) { return value }
            } catch {
                switch error {
                case .over64Bits: throw Self.corrupt("an integer over 64 bits")
                case .notShortest: throw Self.corrupt("an integer not in short form")
                }
            }
        }
    }

    mutating func integer32() throws(FileTreeError) -> UInt32 {
        guard let value = UInt32(exactly: try integer()) else {
            throw Self.corrupt("an integer over 32 bits")
        }
        return value
    }

    mutating func block() throws(FileTreeError) -> ArraySlice<UInt8> {
        let count = try integer()
        guard count <= UInt64(bytes.count - position) else { throw Self.corrupt("it ends early") }
        defer { position += Int(count) }
        return bytes[position..<(position + Int(count))]
    }

    mutating func digest() throws(FileTreeError) -> Digest {
        guard bytes.count - position >= Digest.byteCount,
            let digest = Digest(bytes: bytes[position..<(position + Digest.byteCount)])
        else { throw Self.corrupt("it ends early") }
        position += Digest.byteCount
        return digest
    }

    mutating func node() throws(FileTreeError) -> Node {
        let head = try byte()
        guard let kind = TreeEncoding.Kind(rawValue: head & 0x0F) else {
            throw Self.corrupt("an entry of unknown kind \(head)")
        }
        let permissions = try integer()
        guard permissions <= 0o7777 else { throw Self.corrupt("permissions over 07777") }
        let (userID, groupID) = (try integer32(), try integer32())
        let zigzag = try integer()
        let seconds = Int64(bitPattern: zigzag >> 1) ^ -Int64(bitPattern: zigzag & 1)
        let nanoseconds = try integer32()
        guard nanoseconds < 1_000_000_000 else { throw Self.corrupt("nanoseconds over a second") }
        var extended = ExtendedAttributes.none
        if head & TreeEncoding.extendedAttributesFlag != 0 {
            extended = try extendedAttributes()
        }
        var link: HardLink?
        if head & TreeEncoding.hardLinkFlag != 0 {
            guard kind != .directory else { throw Self.corrupt("a directory with other names") }
            link = HardLink(identifier: try integer(), count: try integer32())
        }
        let content = try content(kind, head: head)
        return Node(
            attributes: NodeAttributes(
                permissions: UInt16(permissions), userID: userID, groupID: groupID,
                modificationTime: NodeTime(seconds: seconds, nanoseconds: nanoseconds),
                extendedAttributes: extended),
            content: content, hardLink: link)
    }

    private mutating func extendedAttributes() throws(FileTreeError) -> ExtendedAttributes {
        let count = try integer()
        guard count > 0 else { throw Self.corrupt("an empty list of extended attributes") }
        var list: [ExtendedAttributes.Attribute] = []
        for _ in 0..<count {
            let name = Array(try block())
            list.append(.init(name: name, value: Array(try block())))
        }
        let sorted = ExtendedAttributes(list)
        guard sorted.attributes == list else {
            throw Self.corrupt("extended attributes are not in ascending order")
        }
        return sorted
    }

    private mutating func content(
        _ kind: TreeEncoding.Kind, head: UInt8
    ) throws(FileTreeError) -> NodeContent {
        if kind != .directory, head & 0xC0 != 0 {
            throw Self.corrupt("flags of a directory on another entry")
        }
        switch kind {
        case .directory:
            return .directory(
                DirectoryReference(
                    id: DirectoryID(try digest()), childDirectoryCount: try integer32(),
                    entryCount: try integer(), sizeBytes: try integer(),
                    containsHardLinks: head & TreeEncoding.containsHardLinksFlag != 0,
                    containsExtendedAttributes:
                        head & TreeEncoding.containsExtendedAttributesFlag != 0))
        case .file: return .file(FileContent(digest: try digest(), sizeBytes: try integer()))
        case .symbolicLink: return .symbolicLink(target: Array(try block()))
        case .characterDevice:
            return .characterDevice(DeviceNumber(major: try integer32(), minor: try integer32()))
        case .blockDevice:
            return .blockDevice(DeviceNumber(major: try integer32(), minor: try integer32()))
        case .fifo: return .fifo
        case .socket: return .socket
        }
    }
}
