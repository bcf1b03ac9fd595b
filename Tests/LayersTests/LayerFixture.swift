import FileTree
import Foundation
import ImageSpec
import Store

@testable import Layers

/// A directory of its own for the closure, in memory where the system has such a file system: a
/// new store synchronizes many small files.
func withFastDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let memory = URL(fileURLWithPath: "/dev/shm")
    let directory =
        (FileManager.default.isWritableFile(atPath: memory.path)
        ? memory : FileManager.default.temporaryDirectory)
        .appendingPathComponent("layers-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer {
        // A leftover among temporary files is no failure of what was tested.
        try? FileManager.default.removeItem(at: directory)
    }
    return try body(directory)
}

/// A store of its own for the closure, with a lease; both gone afterwards.
func withStore<Result>(_ body: (Store, Lease) throws -> Result) throws -> Result {
    try withFastDirectory { directory in
        let store = try Store(root: directory.appendingPathComponent("store").path)
        let lease = try store.lease("test")
        defer { lease.end() }
        return try body(store, lease)
    }
}

/// The bytes of an array, in pieces of an odd size.
struct ArraySource: ByteSource, Sendable {
    let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func read(into buffer: inout OutputSpan<UInt8>) throws {
        let count = min(buffer.freeCapacity, 30_011, bytes.count - position)
        unsafe buffer.withUnsafeMutableBufferPointer { target, filled in
            _ = unsafe UnsafeMutableBufferPointer(rebasing: target[filled...])
                .update(fromContentsOf: bytes[position..<(position + count)])
            filled += count
        }
        position += count
    }
}

/// Keeps what is written. A class, for sinks are copied.
final class ArraySink: ByteSink {
    private(set) var bytes: [UInt8] = []
    func write(_ span: Span<UInt8>) throws { bytes.append(copying: span) }
}

extension Store {
    /// Reads one layer after another and records them.
    @discardableResult
    func importLayers(_ layers: [[UInt8]], lease: Lease) throws -> [LayerRecord] {
        let ingest = try ingest(lease)
        var records: [LayerRecord] = []
        for layer in layers {
            let directories = PendingDirectories(base: self)
            let read = try LayerImport(ingest: ingest, directories: directories)
                .read(ArraySource(layer), onto: records.last?.tree ?? .empty)
            let record = LayerRecord(
                parent: records.last?.chainID, diffID: read.diffID, tree: read.tree,
                recipe: read.recipe, tarSizeBytes: read.tarSizeBytes)
            try insert(
                record, hiddenContents: read.hiddenContents, directories: directories,
                lease: lease)
            records.append(record)
        }
        return records
    }

    /// The tar that a stored layer stands for.
    func tar(of layer: LayerRecord) throws -> [UInt8] {
        var sink = ArraySink()
        try LayerExport(self).write(layer, to: &sink)
        return sink.bytes
    }

    func listing(of tree: Tree) throws -> [String] {
        try TreeListing.lines(of: tree, in: self)
    }
}

/// The lines that only one of two listings has, for a test to show.
func difference(_ found: [String], _ wanted: [String]) -> [String] {
    let (left, right) = (Set(found), Set(wanted))
    return left.subtracting(right).sorted().map { "found " + $0 }
        + right.subtracting(left).sorted().map { "wanted " + $0 }
}

/// A tree as text, a line for each entry with everything that a layer carries.
enum TreeListing {
    /// - Parameter fields: what of each entry is wanted; all by default.
    static func lines(
        of tree: Tree, in source: some DirectorySource, root: Bool = false
    ) throws -> [String] {
        var lines = root ? [line(for: tree.root, name: ".", links: [:])] : []
        var first: [UInt64: String] = [:]
        for (identifier, paths) in try HardLinkGroups.paths(in: tree, source) {
            first[identifier] = text(paths[0].bytes)
        }
        try append(tree.directory, at: .root, source, first, to: &lines)
        return lines
    }

    private static func append(
        _ reference: DirectoryReference, at path: TreePath, _ source: some DirectorySource,
        _ links: [UInt64: String], to lines: inout [String]
    ) throws {
        for entry in try source.directory(reference.id).entries {
            let below = path.appending(entry.name)
            lines.append(line(for: entry.node, name: text(below.bytes), links: links))
            if let child = entry.node.directory {
                try append(child, at: below, source, links, to: &lines)
            }
        }
    }

    static func line(for node: Node, name: String, links: [UInt64: String]) -> String {
        let attributes = node.attributes
        var words = [name, content(node.content), String(attributes.permissions, radix: 8)]
        words.append("\(attributes.userID):\(attributes.groupID)")
        let time = attributes.modificationTime
        words.append(
            "\(time.seconds)" + (time.nanoseconds == 0 ? "" : "+\(time.nanoseconds)ns"))
        for attribute in attributes.extendedAttributes.attributes {
            let value = attribute.value.map { byte in
                byte > 0x20 && byte < 0x7F
                    ? String(UnicodeScalar(byte)) : "\\" + String(byte, radix: 16)
            }
            words.append("\(text(attribute.name))=\(value.joined())")
        }
        if let link = node.hardLink {
            words.append("links=\(link.count)@\(links[link.identifier] ?? "?")")
        }
        return words.joined(separator: " ")
    }

    private static func content(_ content: NodeContent) -> String {
        switch content {
        case .directory: "dir"
        case .file(let file): "file(\(file.sizeBytes),\(file.digest.short.prefix(8)))"
        case .symbolicLink(let target): "->\(text(target))"
        case .characterDevice(let device): "char(\(device.major),\(device.minor))"
        case .blockDevice(let device): "block(\(device.major),\(device.minor))"
        case .fifo: "fifo"
        case .socket: "socket"
        }
    }

    /// Bytes that are not printable ASCII as `\xx`.
    static func text(_ bytes: [UInt8]) -> String {
        bytes.map {
            $0 > 0x20 && $0 < 0x7F ? String(UnicodeScalar($0)) : "\\" + String($0, radix: 16)
        }.joined()
    }
}

/// A layer's tar put together entry by entry.
struct LayerFixture {
    private(set) var bytes: [UInt8] = []

    /// The finished tar.
    var tar: [UInt8] { bytes + TarWriter.endMarker }

    init(_ entries: [TarEntry] = []) throws {
        for entry in entries { try add(entry) }
    }

    mutating func add(_ entry: TarEntry, _ body: [UInt8]? = nil) throws {
        var entry = entry
        // A regular file without a body holds its own path, so that contents differ.
        let body = entry.kind == .regular ? body ?? entry.path : []
        if entry.kind == .regular { entry.sizeBytes = Int64(body.count) }
        bytes += try TarWriter.header(for: entry)
        bytes += body
        if entry.kind == .regular { bytes += TarWriter.padding(after: entry.sizeBytes) }
    }

    static func tar(_ entries: [TarEntry]) throws -> [UInt8] { try LayerFixture(entries).tar }
}

extension TarEntry {
    static func file(_ path: String, mode: UInt16 = 0o644) -> TarEntry {
        TarEntry(path: Array(path.utf8), kind: .regular, mode: mode)
    }

    static func directory(_ path: String, mode: UInt16 = 0o755) -> TarEntry {
        TarEntry(path: Array(path.utf8), kind: .directory, mode: mode)
    }

    static func symbolicLink(_ path: String, to target: String) -> TarEntry {
        TarEntry(
            path: Array(path.utf8), kind: .symbolicLink, linkTarget: Array(target.utf8),
            mode: 0o777)
    }

    static func hardLink(_ path: String, to target: String, mode: UInt16 = 0o644) -> TarEntry {
        TarEntry(
            path: Array(path.utf8), kind: .hardLink, linkTarget: Array(target.utf8), mode: mode)
    }
}
