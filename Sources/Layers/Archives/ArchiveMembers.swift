internal import FileTree

/// The members of an uncompressed tar, found by one pass over its headers; bodies stay unread.
struct ArchiveMembers: ImageFiles {
    private enum Member {
        case file(FileRange)
        /// Where a symbolic link leads from the directory it is in.
        case symbolicLink(target: [UInt8])
        case unusable(String)
    }

    private let archive: FileRange
    /// By cleaned path. A later member of the same path replaces an earlier.
    private var members: [[UInt8]: Member] = [:]

    /// - Throws: `TarError`, and `invalidArchive` for an archive that is cut short.
    init(_ archive: FileRange, limits: ArchiveLimits) throws {
        self.archive = archive
        var scan = MemberScan(archive)
        while let (entry, body) = try scan.next() {
            guard members.count < limits.members else {
                throw LayerError(
                    .tooLarge, "the archive has more than \(limits.members) members")
            }
            add(entry, body: body)
        }
    }

    var isEmpty: Bool { members.isEmpty }

    private mutating func add(_ entry: TarEntry, body: FileRange) {
        // What points out of the archive can be no part of an image, and nothing is unpacked.
        guard let path = try? TreePath(cleaning: entry.path), !path.isRoot else { return }
        switch entry.kind {
        case .regular where entry.extents == nil: members[path.bytes] = .file(body)
        case .regular:
            members[path.bytes] = .unusable(
                "it is stored as a sparse file; make the archive again without --sparse")
        case .symbolicLink: members[path.bytes] = .symbolicLink(target: entry.linkTarget)
        case .hardLink:
            guard let target = try? TreePath(cleaning: entry.linkTarget) else { return }
            // The file as it is now: a later member may replace it under its own name.
            members[path.bytes] =
                members[target.bytes] ?? .unusable("it is a hard link to a file that is missing")
        default: members[path.bytes] = nil
        }
    }

    func file(at path: String) throws -> FileRange? {
        let found: (names: [EntryName], place: Place)?
        do throws(FileTreeError) {
            let parts = path.utf8.split(separator: UInt8(ascii: "/")).map(Array.init)
            found = try PathResolver.resolve(parts, from: Place.directory([])) { parent, name, _ in
                step(from: parent, to: name)
            }
        } catch {
            // No member has a name that is none.
            guard error.code == .symbolicLinkLoop else { return nil }
            throw LayerError(
                .invalidArchive, "the archive's symbolic links lead in a circle", path: path)
        }
        switch found?.place {
        case .file(let range): return range
        case .unusable(let reason):
            throw LayerError(.unsupported, "the member cannot be used: \(reason)", path: path)
        case .directory, nil: return nil
        }
    }

    private enum Place {
        /// By its path; whether there is such a member does not matter.
        case directory([UInt8])
        case file(FileRange)
        case unusable(String)
    }

    private func step(from parent: Place, to name: EntryName) -> PathResolver.Found<Place>? {
        guard case .directory(let path) = parent else { return nil }
        let here = path.isEmpty ? name.bytes : path + [UInt8(ascii: "/")] + name.bytes
        switch members[here] {
        case .symbolicLink(let target): return .symbolicLink(target: target)
        case .file(let range): return .place(.file(range))
        case .unusable(let reason): return .place(.unusable(reason))
        case nil: return .place(.directory(here))
        }
    }
}

/// Steps from header to header.
private struct MemberScan {
    /// Notices that a member begins.
    private struct Beginning: TarConsumer {
        var entry: TarEntry?
        mutating func literal(_ bytes: Span<UInt8>) {}
        mutating func begin(_ entry: TarEntry) { self.entry = entry }
        mutating func body(_ bytes: Span<UInt8>) {}
        mutating func end() {}
    }

    private let archive: FileRange
    private var position: UInt64 = 0
    /// The part of the archive at hand, and where it begins.
    private var window: [UInt8] = []
    private var windowStart: UInt64 = 0
    /// Where the reader at hand began; each begins anew behind a body that was passed over.
    private var readerStart: UInt64 = 0
    private var reader = TarReader()
    private var beginning = Beginning()

    /// Holds the headers of many small members and costs little where one large one follows.
    private static let windowBytes = 64 << 10

    init(_ archive: FileRange) { self.archive = archive }

    /// The next member and where its body is.
    mutating func next() throws -> (TarEntry, body: FileRange)? {
        do {
            while position < archive.sizeBytes {
                if case .trailer = reader.phase { break }
                let start = Int(position - windowStart)
                if start >= window.count {
                    window = try archive.bytes(at: position, count: Self.windowBytes)
                    windowStart = position
                    continue
                }
                // Block by block, so that a body begins where the block ends that announced it.
                let end = min(start + TarLayout.blockBytes, window.count)
                position += UInt64(end - start)
                let block = window
                try reader.feed(block.span.extracting(start..<end), to: &beginning)
                if let entry = beginning.entry.take() { return (entry, try passOver(entry)) }
            }
            guard try reader.finish() != .noMarker else {
                throw TarError(
                    .truncated, "the archive is cut short: it has no end marker",
                    byteOffset: Int64(archive.sizeBytes - readerStart))
            }
            return nil
        } catch var error as TarError {
            error.byteOffset = Int64(readerStart) + (error.byteOffset ?? 0)
            throw error
        }
    }

    private mutating func passOver(_ entry: TarEntry) throws(TarError) -> FileRange {
        let stored = UInt64(entry.storedSizeBytes)
        let body = FileRange(
            file: archive.file, offset: archive.offset + position, sizeBytes: stored)
        guard stored > 0 else { return body }
        let padded = stored + UInt64(TarLayout.paddingBytes(after: entry.storedSizeBytes))
        guard padded <= archive.sizeBytes - position else {
            throw TarError(
                .truncated, "the archive is cut short inside a member", entryPath: entry.path,
                byteOffset: Int64(archive.sizeBytes - readerStart))
        }
        position += padded
        // Nothing of a reader's state outlives an entry, since global headers change none.
        reader = TarReader()
        readerStart = position
        return body
    }
}
