internal import CFuse
internal import Glibc
internal import VirtualFS

/// The one answer a request gets. Dropping it answers `EIO`.
///
/// Answers return whether the kernel took them: it does not when the request was aborted, and then
/// knows nothing of the lookups and handles an answer gave.
@safe
struct Reply: ~Copyable {
    private let request: fuse_req_t

    init(_ request: fuse_req_t) { unsafe self.request = request }

    deinit { unsafe fuse_reply_err(request, EIO) }

    consuming func failure(_ error: FileSystemError) {
        let request = unsafe request
        discard self
        unsafe fuse_reply_err(request, error.wire)
    }

    /// Success of a request whose answer carries nothing.
    consuming func success() {
        let request = unsafe request
        discard self
        unsafe fuse_reply_err(request, 0)
    }

    /// Ends a request that has no answer (FORGET).
    consuming func none() {
        let request = unsafe request
        discard self
        unsafe fuse_reply_none(request)
    }

    consuming func slice(_ bytes: ArraySlice<UInt8>) {
        let request = unsafe request
        discard self
        unsafe bytes.withUnsafeBytes { _ = unsafe Self.send($0, to: request) }
    }

    @discardableResult
    consuming func bytes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let request = unsafe request
        discard self
        return unsafe Self.send(bytes, to: request)
    }

    /// A structure of the wire.
    @discardableResult
    consuming func value<Value: BitwiseCopyable>(_ value: Value) -> Bool {
        let request = unsafe request
        discard self
        return unsafe withUnsafeBytes(of: value) { unsafe Self.send($0, to: request) }
    }

    consuming func entry(_ entry: Entry) -> Bool { value(vitrine_entry_out(entry)) }

    consuming func attributes(_ reply: AttributesReply) { value(vitrine_attr_out(reply)) }

    consuming func written(_ count: Int) {
        let request = unsafe request
        discard self
        unsafe fuse_reply_write(request, count)
    }

    consuming func offset(_ offset: UInt64) {
        let request = unsafe request
        discard self
        unsafe fuse_reply_lseek(request, off_t(truncatingIfNeeded: offset))
    }

    /// The bytes of an extended attribute, or their number when the caller asked for that only.
    consuming func extendedAttribute(_ value: [UInt8], limit: Int) {
        let request = unsafe request
        discard self
        if limit == 0 {
            unsafe fuse_reply_xattr(request, value.count)
        } else if value.count > limit {
            unsafe fuse_reply_err(request, FileSystemError.resultTooLarge.wire)
        } else {
            unsafe value.withUnsafeBytes { _ = unsafe Self.send($0, to: request) }
        }
    }

    consuming func statistics(_ statistics: FileSystemStatistics) {
        let request = unsafe request
        discard self
        var wire = statvfs()
        wire.f_bsize = UInt(statistics.blockSizeBytes)
        wire.f_frsize = UInt(statistics.blockSizeBytes)
        wire.f_blocks = UInt(statistics.blocks)
        wire.f_bfree = UInt(statistics.freeBlocks)
        wire.f_bavail = UInt(statistics.availableBlocks)
        wire.f_files = UInt(statistics.files)
        wire.f_ffree = UInt(statistics.freeFiles)
        wire.f_namemax = UInt(statistics.maximumNameBytes)
        unsafe fuse_reply_statfs(request, &wire)
    }

    /// Success of an ioctl(2) that answers that many zeros.
    consuming func controlled(zeros count: Int) {
        let request = unsafe request
        discard self
        let zeros = [UInt8](repeating: 0, count: count)
        unsafe zeros.withUnsafeBytes { bytes in
            _ = unsafe fuse_reply_ioctl(request, 0, bytes.baseAddress, bytes.count)
        }
    }

    /// A range of a host file, moved by the kernel where libfuse can.
    consuming func fileRange(_ descriptor: Int32, offset: UInt64, size: Int) {
        let request = unsafe request
        discard self
        unsafe vitrine_reply_file_range(
            request, descriptor, off_t(truncatingIfNeeded: offset), size)
    }

    private static func send(_ bytes: UnsafeRawBufferPointer, to request: fuse_req_t) -> Bool {
        let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        return unsafe fuse_reply_buf(request, start, bytes.count) == 0
    }
}
