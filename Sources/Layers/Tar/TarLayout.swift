/// Where the fields of a header block are (POSIX.1-1988 ustar; GNU tar's tar.h for the GNU ones).
///
///     0        100  108 116 124  136   148      156  157      257   263 265   297   329 337 345
///     | name  |mode|uid|gid|size|mtime|checksum|type|linkname|magic|ver|uname|gname|maj|min|prefix|
enum TarLayout {
    static let blockBytes = 512

    static let name = 0..<100
    static let mode = 100..<108
    static let uid = 108..<116
    static let gid = 116..<124
    static let size = 124..<136
    static let modified = 136..<148
    static let checksum = 148..<156
    static let typeFlag = 156
    static let linkName = 157..<257
    static let magic = 257..<263
    static let version = 263..<265
    static let deviceMajor = 329..<337
    static let deviceMinor = 337..<345
    static let prefix = 345..<500

    /// star's own layout has a shorter prefix, then two times; its mark is in the last four bytes.
    static let starPrefix = 345..<476
    static let starTrailer = 508..<512

    /// GNU's layout has two times and a sparse map where ustar has the prefix.
    static let gnuAccessed = 345..<357
    static let gnuChanged = 357..<369
    static let gnuSparseMap = 386..<482
    static let gnuSparseContinues = 482
    static let gnuRealSize = 483..<495

    /// An extension block of GNU's sparse map: 21 extents and a mark.
    static let sparseBlockMap = 0..<504
    static let sparseBlockContinues = 504
    static let sparseNumberBytes = 12

    /// How many bytes fill `sizeBytes` up to a whole block. Total for every `Int64`, so no overflow.
    static func paddingBytes(after sizeBytes: Int64) -> Int {
        Int(-(sizeBytes & 511) & 511)
    }
}
