internal import FileTree
internal import Layers
internal import LinuxIO

/// Writes what is copied as a tar stream, its members named as Docker names them.
final class TarOutput<Sink: ByteSink>: CopyReceiver {
    private var sink: Sink
    /// What the source itself is called; everything else stands below.
    private let rootName: [UInt8]
    private let check: () throws -> Void

    private static var chunkBytes: UInt64 { 1 << 20 }
    private static var slash: UInt8 { UInt8(ascii: "/") }

    /// - Parameter path: the source's.
    init(to sink: Sink, for path: CopyPath, check: @escaping () throws -> Void) {
        self.sink = sink
        self.check = check
        rootName = path.ending == .dot ? [0x2E] : path.last ?? []
    }

    private func name(_ path: [[UInt8]]) -> [UInt8] {
        if path.isEmpty { return rootName.isEmpty ? [Self.slash] : rootName }
        return rootName + [Self.slash] + path.pathBytes
    }

    func directory(_ entry: CopiedEntry) throws { try header(entry, .directory) }

    func node(_ entry: CopiedEntry) throws {
        switch entry.kind {
        case .symbolicLink: try header(entry, .symbolicLink, target: entry.target)
        case .characterDevice: try header(entry, .characterDevice)
        case .blockDevice: try header(entry, .blockDevice)
        default: try header(entry, .fifo)
        }
    }

    func link(_ entry: CopiedEntry, to first: [[UInt8]]) throws -> Bool {
        try header(entry, .hardLink, target: name(first))
        return true
    }

    /// A file keeps the size that its header has: what it lost meanwhile is zeros.
    func file(_ entry: CopiedEntry, _ content: CopiedContent) throws {
        try header(entry, .regular)
        switch content {
        case .bytes(let bytes): try sink.write(bytes.span)
        case .file(let descriptor, _):
            var position: UInt64 = 0
            while position < entry.sizeBytes {
                try check()
                let end = min(position + Self.chunkBytes, entry.sizeBytes)
                var bytes = try DescriptorIO.bytes(descriptor, in: position..<end)
                let missing = Int(end - position) - bytes.count
                if missing > 0 { bytes += [UInt8](repeating: 0, count: missing) }
                try sink.write(bytes.span)
                position = end
            }
        }
        let padding = TarWriter.padding(after: Int64(clamping: entry.sizeBytes))
        try sink.write(padding.span)
    }

    var warnings: CopyWarnings { CopyWarnings() }
    func isOwn(_ directory: CopyIdentity) -> Bool { false }

    func finish() throws {
        let end = TarWriter.endMarker
        try sink.write(end.span)
    }

    private func header(
        _ entry: CopiedEntry, _ kind: TarEntry.Kind, target: [UInt8] = []
    ) throws {
        let number = DeviceNumber(rawValue: entry.device)
        let isDevice = kind == .characterDevice || kind == .blockDevice
        let member = TarEntry(
            path: name(entry.path), kind: kind, linkTarget: target,
            mode: UInt16(entry.permissions), uid: entry.userID, gid: entry.groupID,
            sizeBytes: kind == .regular ? Int64(clamping: entry.sizeBytes) : 0,
            modified: TarTime(
                seconds: entry.modified.seconds, nanoseconds: entry.modified.nanoseconds),
            deviceMajor: isDevice ? number.major : 0, deviceMinor: isDevice ? number.minor : 0,
            attributes: ExtendedAttributes(entry.attributes).attributes.map {
                TarAttribute(name: $0.name, value: $0.value)
            })
        let bytes = try TarWriter.header(for: member)
        try sink.write(bytes.span)
    }
}
