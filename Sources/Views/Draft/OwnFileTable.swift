internal import FileTree
internal import ImageSpec

/// The own files of a draft, by their stand-ins.
///
/// Those of a saved draft stay as they were written, and are looked for there: who lists what a
/// container changed asks for hardly one of them.
struct OwnFileTable: Sendable {
    /// All, or those that the records cannot tell of.
    private let files: [Digest: OwnContent]
    private let records: Records?

    init(_ files: [Digest: OwnContent]) { self.init(files, records: nil) }

    private init(_ files: [Digest: OwnContent], records: Records?) {
        self.files = files
        self.records = records
    }

    subscript(standIn: Digest) -> OwnContent? {
        guard StandIn.mayBe(standIn) else { return nil }
        return files[standIn] ?? records?[standIn]
    }

    // MARK: - As a saved draft has it

    /// Whole files in records, and then the ones that are copied in part.
    func append(to bytes: inout [UInt8]) {
        precondition(records == nil, "what was read is not written again")
        JournalEncoding.append(block: Records.encode(files.filter(\.value.isWhole)), to: &bytes)
        let partial = files.filter { !$0.value.isWhole }
        LEB128.append(UInt64(partial.count), to: &bytes)
        for (standIn, content) in partial {
            guard let below = content.partial else { continue }
            Self.append(standIn, to: &bytes)
            for word in Records.words(content) { LEB128.append(word, to: &bytes) }
            Self.append(below.object.digest, to: &bytes)
            LEB128.append(below.object.sizeBytes, to: &bytes)
            LEB128.append(below.keptBytes, to: &bytes)
        }
    }

    private static func append(_ digest: Digest, to bytes: inout [UInt8]) {
        unsafe digest.withBytes { unsafe bytes.append(contentsOf: $0) }
    }

    /// - Parameter directory: of the files.
    init(_ input: inout JournalInput, in directory: String) throws(JournalError) {
        guard let records = Records(try input.block(), directory: directory) else {
            throw JournalError(.damaged, "a record of an own file ends early")
        }
        var partial: [Digest: OwnContent] = [:]
        for _ in 0..<(try input.integer()) {
            let standIn = try input.digest()
            let number = try input.integer()
            let (device, inode) = (try input.integer(), try input.integer())
            let sizeBytes = try input.integer()
            let object = FileContent(digest: try input.digest(), sizeBytes: try input.integer())
            partial[standIn] = OwnContent(
                files: directory, number: number, device: device, inode: inode,
                sizeBytes: sizeBytes,
                partial: JournalOwnFile.Partial(
                    object: object, keptBytes: try input.integer()))
        }
        self.init(partial, records: records)
    }
}

/// Whole own files, in the order of their stand-ins:
///
///     stand-in, 32 bytes | number | device | inode | size, each 8 bytes, lowest first
private struct Records: Sendable {
    private static let byteCount = Digest.byteCount + 4 * 8

    private let bytes: ArraySlice<UInt8>
    private let directory: String
    private let count: Int

    /// - Returns: nil unless the bytes are whole records.
    init?(_ bytes: ArraySlice<UInt8>, directory: String) {
        guard bytes.count.isMultiple(of: Self.byteCount) else { return nil }
        self.bytes = bytes
        self.directory = directory
        count = bytes.count / Self.byteCount
    }

    static func encode(_ files: [Digest: OwnContent]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(files.count * byteCount)
        for (standIn, content) in files.sorted(by: { $0.key.leadingWords < $1.key.leadingWords }) {
            unsafe standIn.withBytes { unsafe bytes.append(contentsOf: $0) }
            for word in words(content) {
                for byte in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * byte))) }
            }
        }
        return bytes
    }

    static func words(_ content: OwnContent) -> [UInt64] {
        [content.number, content.device, content.inode, content.sizeBytes]
    }

    subscript(standIn: Digest) -> OwnContent? {
        var range = 0..<count
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            guard let found = digest(middle) else { return nil }
            if found == standIn {
                return OwnContent(
                    files: directory, number: word(middle, 0), device: word(middle, 1),
                    inode: word(middle, 2), sizeBytes: word(middle, 3), partial: nil)
            }
            if found.leadingWords < standIn.leadingWords {
                range = (middle + 1)..<range.upperBound
            } else {
                range = range.lowerBound..<middle
            }
        }
        return nil
    }

    private func start(_ record: Int) -> Int { bytes.startIndex + record * Self.byteCount }

    private func digest(_ record: Int) -> Digest? {
        Digest(bytes: bytes[start(record)..<(start(record) + Digest.byteCount)])
    }

    private func word(_ record: Int, _ index: Int) -> UInt64 {
        let start = start(record) + Digest.byteCount + 8 * index
        return (0..<8).reduce(0) { $0 | UInt64(bytes[start + $1]) << (8 * $1) }
    }
}
