internal import FileTree
internal import ImageSpec
internal import VirtualFS

/// The bytes of records. Integers are unsigned LEB128 in shortest form, signed ones zigzag-coded;
/// attributes and contents are nodes in the canonical encoding of trees.
package enum JournalEncoding {
    enum Kind: UInt8 {
        case inode = 1
        case link, whiteout, gone, commit, snapshotEnd
    }

    static let changedFlag: UInt8 = 1
    static let groupFlag: UInt8 = 2
    static let ownFlag: UInt8 = 4
    static let partialFlag: UInt8 = 8
    static let newDirectoryFlag: UInt8 = 16

    package static func append(_ record: JournalRecord, to bytes: inout [UInt8]) {
        switch record {
        case .inode(let inode): append(inode, to: &bytes)
        case .link(let directory, let name, let inode):
            bytes.append(Kind.link.rawValue)
            LEB128.append(directory.rawValue, to: &bytes)
            append(block: name.bytes, to: &bytes)
            LEB128.append(inode.rawValue, to: &bytes)
        case .whiteout(let directory, let name):
            bytes.append(Kind.whiteout.rawValue)
            LEB128.append(directory.rawValue, to: &bytes)
            append(block: name.bytes, to: &bytes)
        case .gone(let inode):
            bytes.append(Kind.gone.rawValue)
            LEB128.append(inode.rawValue, to: &bytes)
        case .commit(let back, let boot):
            bytes.append(Kind.commit.rawValue)
            LEB128.append(back, to: &bytes)
            append(block: Array(boot.utf8), to: &bytes)
        case .snapshotEnd(let boot):
            bytes.append(Kind.snapshotEnd.rawValue)
            append(block: Array(boot.utf8), to: &bytes)
        }
    }

    /// - Throws: `damaged`.
    package static func decode(
        _ bytes: ArraySlice<UInt8>, _ body: (JournalRecord) throws(JournalError) -> Void
    ) throws(JournalError) {
        var input = JournalInput(bytes)
        while !input.isAtEnd { try body(try input.record()) }
    }

    // MARK: - Parts

    static func append(block: [UInt8], to bytes: inout [UInt8]) {
        LEB128.append(UInt64(block.count), to: &bytes)
        bytes.append(contentsOf: block)
    }

    private static func append(_ time: FileTime, to bytes: inout [UInt8]) {
        LEB128.append(UInt64(bitPattern: time.seconds << 1 ^ time.seconds >> 63), to: &bytes)
        LEB128.append(UInt64(time.nanoseconds), to: &bytes)
    }

    private static func append(_ inode: JournalInode, to bytes: inout [UInt8]) {
        var flags: UInt8 = 0
        if inode.isChanged { flags |= changedFlag }
        if inode.group != nil { flags |= groupFlag }
        if case .own(let file) = inode.body {
            flags |= ownFlag
            if file.partial != nil { flags |= partialFlag }
        }
        if case .directory(nil) = inode.body { flags |= newDirectoryFlag }
        bytes.append(Kind.inode.rawValue)
        LEB128.append(inode.number.rawValue, to: &bytes)
        bytes.append(flags)
        LEB128.append(UInt64(inode.linkCount), to: &bytes)
        append(inode.accessTime, to: &bytes)
        append(inode.changeTime, to: &bytes)
        if let group = inode.group { LEB128.append(group, to: &bytes) }
        if case .own(let file) = inode.body {
            LEB128.append(file.number, to: &bytes)
            LEB128.append(file.sizeBytes, to: &bytes)
            append(file.hostTime, to: &bytes)
            if let partial = file.partial { LEB128.append(partial.keptBytes, to: &bytes) }
        }
        let start = bytes.count
        bytes.append(contentsOf: [0, 0, 0, 0])
        TreeEncoding.append(
            Node(attributes: inode.attributes, content: content(of: inode.body)), to: &bytes)
        put(UInt32(bytes.count - start - 4), at: start, in: &bytes)
    }

    /// Little-endian.
    static func put(_ value: UInt32, at index: Int, in bytes: inout [UInt8]) {
        for byte in 0..<4 { bytes[index + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
    }

    private static func content(of body: JournalInode.Body) -> NodeContent {
        switch body {
        case .directory(let lower): .directory(lower ?? Tree.empty.directory)
        case .empty: .file(.empty)
        case .object(let content): .file(content)
        case .own(let file): .file(file.partial?.object ?? .empty)
        case .symbolicLink(let target): .symbolicLink(target: target)
        case .characterDevice(let device): .characterDevice(DeviceNumber(rawValue: device))
        case .blockDevice(let device): .blockDevice(DeviceNumber(rawValue: device))
        case .fifo: .fifo
        case .socket: .socket
        }
    }
}

/// Reads records; any bytes give records or an error.
struct JournalInput {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    var isAtEnd: Bool { position == bytes.endIndex }

    static func damaged(_ what: String) -> JournalError { JournalError(.damaged, what) }

    mutating func byte() throws(JournalError) -> UInt8 {
        guard position < bytes.endIndex else { throw Self.damaged("a record ends early") }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func integer() throws(JournalError) -> UInt64 {
        var decoder = LEB128.Decoder()
        while true {
            let next = try byte()
            do throws(LEB128.Malformed) {
                if let value = try decoder.take(next) { return value }
            } catch {
                throw Self.damaged("an integer is not in short form")
            }
        }
    }

    private mutating func integer32() throws(JournalError) -> UInt32 {
        guard let value = UInt32(exactly: try integer()) else {
            throw Self.damaged("an integer over 32 bits")
        }
        return value
    }

    mutating func block() throws(JournalError) -> ArraySlice<UInt8> {
        let count = try integer()
        guard count <= UInt64(bytes.endIndex - position) else {
            throw Self.damaged("a record ends early")
        }
        defer { position += Int(count) }
        return bytes[position..<(position + Int(count))]
    }

    mutating func digest() throws(JournalError) -> Digest {
        guard bytes.endIndex - position >= Digest.byteCount,
            let digest = Digest(bytes: bytes[position..<(position + Digest.byteCount)])
        else { throw Self.damaged("a record ends early") }
        position += Digest.byteCount
        return digest
    }

    mutating func text() throws(JournalError) -> String {
        String(decoding: try block(), as: UTF8.self)
    }

    private mutating func name() throws(JournalError) -> EntryName {
        let bytes = try block()
        do throws(FileTreeError) {
            return try EntryName(bytes)
        } catch {
            throw Self.damaged("a name that no file can have")
        }
    }

    private mutating func inodeNumber() throws(JournalError) -> InodeNumber {
        InodeNumber(try integer())
    }

    private mutating func time() throws(JournalError) -> FileTime {
        let zigzag = try integer()
        let seconds = Int64(bitPattern: zigzag >> 1) ^ -Int64(bitPattern: zigzag & 1)
        let nanoseconds = try integer32()
        guard nanoseconds < 1_000_000_000 else { throw Self.damaged("nanoseconds over a second") }
        return FileTime(seconds: seconds, nanoseconds: nanoseconds)
    }

    mutating func record() throws(JournalError) -> JournalRecord {
        guard let kind = JournalEncoding.Kind(rawValue: try byte()) else {
            throw Self.damaged("a record of unknown kind")
        }
        switch kind {
        case .inode: return .inode(try inode())
        case .link:
            return .link(
                directory: try inodeNumber(), name: try name(), inode: try inodeNumber())
        case .whiteout: return .whiteout(directory: try inodeNumber(), name: try name())
        case .gone: return .gone(try inodeNumber())
        case .commit: return .commit(back: try integer(), boot: try text())
        case .snapshotEnd: return .snapshotEnd(boot: try text())
        }
    }

    private mutating func inode() throws(JournalError) -> JournalInode {
        let number = try inodeNumber()
        let flags = try byte()
        let linkCount = try integer32()
        let (accessTime, changeTime) = (try time(), try time())
        func has(_ flag: UInt8) -> Bool { flags & flag != 0 }
        let group = has(JournalEncoding.groupFlag) ? try integer() : nil
        let own = has(JournalEncoding.ownFlag) ? try ownFile() : nil
        let keptBytes = has(JournalEncoding.partialFlag) ? try integer() : nil
        let node = try node()
        let body: JournalInode.Body
        switch node.content {
        case .directory(let reference):
            body = .directory(lower: has(JournalEncoding.newDirectoryFlag) ? nil : reference)
        case .file(let content): body = Self.file(content, own, keptBytes: keptBytes)
        case .symbolicLink(let target): body = .symbolicLink(target)
        case .characterDevice(let device): body = .characterDevice(device.rawValue)
        case .blockDevice(let device): body = .blockDevice(device.rawValue)
        case .fifo: body = .fifo
        case .socket: body = .socket
        }
        return JournalInode(
            number: number, attributes: node.attributes, accessTime: accessTime,
            changeTime: changeTime, isChanged: has(JournalEncoding.changedFlag),
            linkCount: linkCount, group: group, body: body)
    }

    private static func file(
        _ content: FileContent, _ own: JournalOwnFile?, keptBytes: UInt64?
    ) -> JournalInode.Body {
        guard var own else { return content.sizeBytes == 0 ? .empty : .object(content) }
        own.partial = keptBytes.map {
            JournalOwnFile.Partial(object: content, keptBytes: min($0, content.sizeBytes))
        }
        return .own(own)
    }

    private mutating func ownFile() throws(JournalError) -> JournalOwnFile {
        JournalOwnFile(number: try integer(), sizeBytes: try integer(), hostTime: try time())
    }

    private mutating func node() throws(JournalError) -> Node {
        var count = 0
        for byte in 0..<4 { count |= Int(try self.byte()) << (8 * byte) }
        guard count <= bytes.endIndex - position else {
            throw Self.damaged("a record ends early")
        }
        defer { position += count }
        do throws(FileTreeError) {
            return try TreeEncoding.decodeNode(Array(bytes[position..<(position + count)]))
        } catch {
            throw Self.damaged("\(error)")
        }
    }
}
