/// The most that a `TarReader` takes from an archive it does not trust.
///
/// Everything the reader keeps in memory is bounded by one of these; bodies and padding are never kept.
package struct TarLimits: Equatable, Sendable {
    /// The body of one pax header. Go's archive/tar stops at 1 MiB; extended attributes of 64 KiB
    /// each and sparse maps in text need more, and 8 MiB is still nothing to hold once.
    package var extendedHeaderBytes: Int64 = 8 << 20

    /// A path or a link target. The kernel takes 4096 bytes (PATH_MAX) a call; trees made with
    /// `*at` calls go deeper, and sixteen times deeper has not been seen.
    package var nameBytes: Int64 = 16 * 4096

    /// The name of one extended attribute: XATTR_NAME_MAX of xattr(7).
    package var attributeNameBytes = 255

    /// The value of one extended attribute: XATTR_SIZE_MAX of xattr(7).
    package var attributeValueBytes = 65_536

    /// All attribute names of an entry with a NUL each: XATTR_LIST_MAX of xattr(7), beyond which
    /// listxattr(2) fails.
    package var attributeListBytes = 65_536

    /// Data extents of one sparse file: 16 MiB of map. A file with more holes is fragmented past use.
    package var sparseExtents = 1 << 20

    /// Extension headers in front of one entry. Real archives have at most four (L, K, x and X).
    package var extensionHeaders = 64

    /// Payload that is kept literally because it is no file's content: a GNU dumpdir's name list, a
    /// volume label's. A directory of a million names fits.
    package var literalPayloadBytes: Int64 = 64 << 20

    /// What may follow the end marker. Blocking factors pad to 10 KiB, tapes to a few MiB.
    package var trailingBytes: Int64 = 64 << 20

    package init() {}
}
