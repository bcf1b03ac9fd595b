import Glibc

/// Looks in a gzip stream for what could begin a second member.
///
/// libarchive does not tell where members end. A stream without a second header has one member, so that
/// its trailer's sum is the whole output's. Chance makes such bytes once in a gigabyte; then only the
/// check is lost.
struct GzipMemberScan {
    private(set) var mayHaveSeveral = false

    /// The last bytes before the current piece, fewer than a header.
    private var carry: [UInt8] = []
    private var position: Int64 = 0

    /// Magic, method, flags, time, extra flags, system (RFC 1952, 2.3).
    private static let headerBytes = 10

    /// Takes the next piece of the compressed stream.
    mutating func update(_ piece: UnsafeBufferPointer<UInt8>) {
        guard !mayHaveSeveral else { return }
        // What straddles the cut, then the piece itself.
        var seam = carry
        unsafe seam.append(contentsOf: piece.prefix(Self.headerBytes - 1))
        let seamStart = position - Int64(carry.count)
        mayHaveSeveral =
            unsafe seam.withUnsafeBufferPointer { unsafe Self.find(in: $0, at: seamStart) }
            || Self.find(in: piece, at: position)
        position += Int64(piece.count)
        if piece.count < Self.headerBytes {
            unsafe carry.append(contentsOf: piece)
            carry.removeFirst(max(0, carry.count - Self.headerBytes + 1))
        } else {
            carry = unsafe Array(piece.suffix(Self.headerBytes - 1))
        }
    }

    private static func find(in bytes: UnsafeBufferPointer<UInt8>, at start: Int64) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        // The stream's own header is no second one.
        var index = start == 0 ? 1 : 0
        while index + headerBytes <= bytes.count {
            let candidates = bytes.count - headerBytes + 1 - index
            guard let found = unsafe memchr(base + index, 0x1F, candidates) else { return false }
            let header = unsafe UnsafeRawPointer(found).assumingMemoryBound(to: UInt8.self)
            if unsafe header[1] == 0x8B, unsafe header[2] == 8, unsafe header[3] < 0x20,
                unsafe header[9] < 32 || header[9] == 255
            {
                return true
            }
            index = unsafe header - base + 1
        }
        return false
    }
}
