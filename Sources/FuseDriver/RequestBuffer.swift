internal import CFuse
internal import Glibc

/// The memory one serving thread receives requests into and builds large answers in.
///
/// Mapped, so that what no request ever touches takes no memory.
@safe
final class RequestBuffer {
    /// Request codes of linux/fuse.h that are told apart before libfuse decodes them.
    enum Opcode {
        static let forget: UInt32 = 2
        static let initialize: UInt32 = 26
        static let create: UInt32 = 35
        static let interrupt: UInt32 = 36
        static let forgetMany: UInt32 = 42
        static let createUnnamed: UInt32 = 51
        /// One past the last code that costs are kept for.
        static let limit: UInt32 = 64
    }

    /// A request is its header, arguments within a page, and at most a full write.
    private static let receiveBytes = Negotiation.maximumWriteBytes + 4096
    /// The largest answer a request can ask for.
    static let scratchBytes = Negotiation.maximumWriteBytes

    let start: UnsafeMutableRawPointer
    /// Whether the request was a ``Opcode/createUnnamed`` before ``disguise()``.
    private(set) var isUnnamedCreation = false
    private let mappedBytes: Int

    /// - Returns: nil without memory.
    init?() {
        mappedBytes = Self.receiveBytes + 4096 + Self.scratchBytes
        guard
            let mapped = unsafe mmap(
                nil, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            unsafe mapped != MAP_FAILED
        else { return nil }
        unsafe start = mapped
    }

    deinit { unsafe munmap(start, mappedBytes) }

    /// Where answers are built; page aligned.
    var scratch: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(
            start: start + Self.receiveBytes + 4096, count: Self.scratchBytes)
    }

    /// read(2) of one request.
    /// - Returns: its length, or -1 and errno.
    func receive(from device: Int32) -> Int { unsafe read(device, start, Self.receiveBytes) }

    /// Makes a request that libfuse has no callback for one that it decodes: `TMPFILE` has the form and
    /// the answer of `CREATE`, with a name that means nothing.
    func disguise() {
        isUnnamedCreation = header.opcode == Opcode.createUnnamed
        guard isUnnamedCreation else { return }
        unsafe start.storeBytes(
            of: Opcode.create, toByteOffset: MemoryLayout<UInt32>.size, as: UInt32.self)
    }

    var header: vitrine_in_header { unsafe start.load(as: vitrine_in_header.self) }

    /// The structure after the header.
    func argument<Argument: BitwiseCopyable>(_: Argument.Type) -> Argument {
        unsafe start.load(
            fromByteOffset: MemoryLayout<vitrine_in_header>.size, as: Argument.self)
    }

    /// What follows the header and `skipped` bytes of arguments.
    func payload(after skipped: Int) -> UnsafeRawBufferPointer {
        let offset = MemoryLayout<vitrine_in_header>.size + skipped
        return unsafe UnsafeRawBufferPointer(
            start: start + offset, count: max(0, Int(header.length) - offset))
    }
}
