internal import FileTree
internal import ImageSpec
internal import Layers
internal import LinuxIO

/// Unpacks a tar stream into a container's directory. Its names stay below the directory; symbolic
/// links on their way lead where they do inside the container.
struct TarExtraction: TarConsumer {
    private let placement: TreePlacement
    private let check: () throws -> Void
    private var current: TarEntry?
    private var path: [[UInt8]] = []
    /// The file at hand, and where the next bytes of its body go.
    private var draft: FileDraft?
    private var extents: ArraySlice<TarExtent> = []
    private(set) var copiedBytes: UInt64 = 0
    private var skipped = CopyWarnings()

    init(into placement: TreePlacement, check: @escaping () throws -> Void) {
        self.placement = placement
        self.check = check
    }

    /// - Parameter input: may be compressed.
    /// - Parameter input: may be compressed.
    mutating func run(_ input: consuming DecompressingReader) throws {
        var reader = TarReader()
        do {
            while try input.withNextChunk({ chunk in
                try check()
                try reader.feed(chunk, to: &self)
            }) {}
            _ = try reader.finish()
        } catch {
            draft?.discard()
            throw error
        }
        try placement.finish()
    }

    var warnings: CopyWarnings {
        var all = skipped
        all.add(placement.warnings)
        return all
    }

    mutating func literal(_ bytes: Span<UInt8>) {}

    mutating func begin(_ entry: TarEntry) throws {
        current = entry
        path = try Self.names(entry.path)
        guard entry.kind == .regular else { return }
        draft = try placement.begin(self.entry(entry, .regular))
        extents = (entry.extents ?? [TarExtent(offset: 0, sizeBytes: entry.sizeBytes)])[...]
    }

    mutating func body(_ bytes: Span<UInt8>) throws {
        guard let file = draft?.descriptor.rawValue else { return }
        var start = 0
        while start < bytes.count, var extent = extents.popFirst() {
            let count = Int(min(Int64(bytes.count - start), extent.sizeBytes))
            do throws(Errno) {
                try DescriptorIO.writeAll(
                    file, bytes.extracting(start..<(start + count)), at: UInt64(extent.offset))
            } catch {
                throw CopyFailure(error, "could not write \(text(current?.path ?? []))")
            }
            start += count
            extent.offset += Int64(count)
            extent.sizeBytes -= Int64(count)
            if extent.sizeBytes > 0 { extents = [extent] + extents }
        }
    }

    private mutating func finish(_ entry: TarEntry) throws {
        guard let file = draft else { return }
        draft = nil
        do {
            // What follows the last extent is a hole.
            if entry.extents != nil {
                try DescriptorIO.truncate(
                    file.descriptor.rawValue, to: UInt64(entry.sizeBytes))
            }
            try placement.end(file, self.entry(entry, .regular))
        } catch {
            file.discard()
            throw error
        }
        copiedBytes += UInt64(entry.sizeBytes)
    }

    mutating func end() throws {
        guard let entry = current else { return }
        current = nil
        switch entry.kind {
        case .regular: try finish(entry)
        case .directory: try placement.directory(self.entry(entry, .directory))
        case .hardLink:
            let first = try Self.names(entry.linkTarget)
            guard try placement.link(self.entry(entry, .regular), to: first) else {
                throw EngineError(
                    .invalid,
                    "\"\(text(entry.path))\" of the archive is a link to \"\(text(entry.linkTarget))\", "
                        + "which is not there")
            }
        case .symbolicLink:
            guard !entry.linkTarget.isEmpty else {
                throw EngineError(
                    .invalid, "\"\(text(entry.path))\" of the archive is a link to nothing")
            }
            var copied = self.entry(entry, .symbolicLink)
            copied.target = entry.linkTarget
            try placement.node(copied)
        case .characterDevice: try placement.node(device(entry, .characterDevice))
        case .blockDevice: try placement.node(device(entry, .blockDevice))
        case .fifo: try placement.node(self.entry(entry, .fifo))
        case .unknown: skipped.add("an entry of unknown type is left out", path)
        }
    }

    private func text(_ path: [UInt8]) -> String { String(decoding: path, as: UTF8.self).visible }

    private static func names(_ path: [UInt8]) throws -> [[UInt8]] {
        do throws(FileTreeError) {
            return try TreePath(cleaning: path).names.map(\.bytes)
        } catch {
            throw EngineError(
                .invalid,
                "\"\(String(decoding: path, as: UTF8.self).visible)\" of the archive: \(error.message)"
            )
        }
    }

    private func entry(_ entry: TarEntry, _ kind: FileStatus.Kind) -> CopiedEntry {
        var copied = CopiedEntry(
            path: path, kind: kind, permissions: UInt32(entry.mode), userID: entry.uid,
            groupID: entry.gid,
            modified: FileTimestamp(
                seconds: entry.modified.seconds, nanoseconds: entry.modified.nanoseconds))
        copied.attributes = entry.attributes.filter { HostFileAttributes.travels($0.name) }
            .map { .init(name: $0.name, value: $0.value) }
        return copied
    }

    private func device(_ entry: TarEntry, _ kind: FileStatus.Kind) -> CopiedEntry {
        var copied = self.entry(entry, kind)
        copied.device = DeviceNumber(major: entry.deviceMajor, minor: entry.deviceMinor).rawValue
        return copied
    }
}
