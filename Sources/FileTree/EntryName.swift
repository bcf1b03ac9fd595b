/// The name of a directory entry: 1 to 255 bytes without `/` and NUL, neither `.` nor `..`.
///
/// Names are bytes and compare as bytes; they need not be UTF-8.
package struct EntryName: Hashable, Sendable {
    package let bytes: [UInt8]

    /// The longest name that Linux file systems take (NAME_MAX).
    package static let maximumByteCount = 255

    /// - Throws: ``FileTreeError`` `invalidName` or `nameTooLong`.
    package init(_ bytes: some Sequence<UInt8>) throws(FileTreeError) {
        let bytes = Array(bytes)
        try Self.check(bytes[...])
        self.bytes = bytes
    }

    /// - Throws: ``FileTreeError`` `invalidName` or `nameTooLong` for what is no name.
    static func check(_ bytes: ArraySlice<UInt8>) throws(FileTreeError) {
        guard bytes.count <= Self.maximumByteCount else {
            throw FileTreeError(
                .nameTooLong, "a name of \(bytes.count) bytes; the limit is 255",
                path: Array(bytes))
        }
        let isDots = bytes.count <= 2 && bytes.allSatisfy { $0 == 0x2E }
        if isDots || bytes.contains(where: { $0 == 0 || $0 == 0x2F }) {
            throw FileTreeError(
                .invalidName, "not a name for a directory entry", path: Array(bytes))
        }
    }

    /// For names that an invariant already vouches for.
    init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// Whether the name begins with the prefix that layer tars use for whiteouts.
    package var isWhiteout: Bool { bytes.starts(with: Whiteout.prefix) }
}

extension EntryName: Comparable {
    package static func < (a: Self, b: Self) -> Bool {
        isAscending(a.bytes.span, b.bytes.span)
    }

    /// Whether the name `a` comes before the name `b`.
    static func isAscending(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Bool {
        let shared = min(a.count, b.count)
        for index in 0..<shared where a[index] != b[index] { return a[index] < b[index] }
        return a.count < b.count
    }
}

extension EntryName: CustomStringConvertible {
    package var description: String { String(decoding: bytes, as: UTF8.self) }
}

/// The file names by which a layer tar removes what lower layers brought (OCI image-spec,
/// layer.md, "Whiteouts").
package enum Whiteout {
    /// `.wh.`
    package static let prefix: [UInt8] = Array(".wh.".utf8)
    /// `.wh..wh..opq`
    package static let opaqueName: [UInt8] = Array(".wh..wh..opq".utf8)

    /// The name of the whiteout that removes `name`. A tar can hold it whatever its length; a
    /// directory, like any ``EntryName``, only up to 255 bytes.
    package static func name(removing name: EntryName) -> [UInt8] { prefix + name.bytes }
}

extension EntryName {
    /// `_`, for made-up names of which nothing is left.
    package static let fallback = EntryName(unchecked: [0x5F])
}
