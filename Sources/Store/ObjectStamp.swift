internal import ImageSpec
internal import LinuxIO

/// The modification time of an object, which says that nobody has written to it since it was stored.
///
/// It follows from the digest: a write sets another one, and whoever opens the object then reads it
/// first. What changes on a disk by itself is not seen so (``Verifier`` reads all). File systems that
/// keep whole seconds keep enough of it.
enum ObjectStamp {
    /// Between 1970 and 2004, which every file system can keep.
    static func time(of digest: Digest) -> FileTimestamp {
        let bytes = digest.bytes
        func word(_ start: Int) -> UInt32 {
            bytes[start..<(start + 4)].reduce(0) { $0 << 8 | UInt32($1) }
        }
        return FileTimestamp(
            seconds: Int64(word(0) & 0x3FFF_FFFF) + 1, nanoseconds: word(4) % 1_000_000_000)
    }

    /// Whether a file of this status has it.
    static func isOn(_ status: FileStatus, of digest: Digest) -> Bool {
        let expected = time(of: digest)
        let found = status.modificationTime
        return found.seconds == expected.seconds
            && (found.nanoseconds == expected.nanoseconds || found.nanoseconds == 0)
    }

    /// Puts it on an object that was read and found right. One that has another name is also a file of a
    /// container, which has a time of its own.
    static func put(on path: String, _ status: FileStatus, of digest: Digest) {
        guard status.linkCount == 1 else { return }
        // Where nothing can be written, the object is read the next time as well.
        try? HostDirectory.setModificationTime(of: path, time(of: digest))
    }
}
