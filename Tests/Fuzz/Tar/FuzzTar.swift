import CFuzzer
import Layers

/// Reads the input as a tar, whole and in pieces: the same events both ways, and every byte of the
/// input handed on once, in order.
@c(LLVMFuzzerTestOneInput)
func exercise(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    unsafe exercise(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

@main
enum FuzzTar {
    static func main() { _ = unsafe vitrine_fuzz(CommandLine.argc, CommandLine.unsafeArgv) }
}

private func exercise(_ input: [UInt8]) {
    let pieceBytes = Int(input.first ?? 0) * 3 + 1
    let tar = Array(input.dropFirst())
    let whole = read(tar, pieceBytes: max(1, tar.count))
    let pieces = read(tar, pieceBytes: pieceBytes)
    precondition(whole.entries == pieces.entries, "the entries depend on how the tar was cut")
    precondition(whole.ending == pieces.ending, "the end depends on how the tar was cut")
    if whole.ending != nil {
        precondition(whole.bytes == tar, "bytes of the tar were lost or made up")
    }
}

private func read(_ tar: [UInt8], pieceBytes: Int) -> Recording {
    // What a hostile archive costs in memory is bounded by these.
    var limits = TarLimits()
    limits.extendedHeaderBytes = 1 << 16
    limits.literalPayloadBytes = 1 << 16
    var recording = Recording()
    do {
        var reader = TarReader(limits: limits)
        var start = 0
        while start < tar.count {
            let end = min(tar.count, start + pieceBytes)
            try reader.feed(tar.span.extracting(start..<end), to: &recording)
            start = end
        }
        recording.ending = try reader.finish()
    } catch {
        precondition(!"\(error)".isEmpty, "an error says what is wrong")
    }
    return recording
}

private struct Recording: TarConsumer {
    var entries: [TarEntry] = []
    var bytes: [UInt8] = []
    var ending: TarReader.Ending?

    mutating func literal(_ bytes: Span<UInt8>) throws { append(bytes) }
    mutating func begin(_ entry: TarEntry) throws { entries.append(entry) }
    mutating func body(_ bytes: Span<UInt8>) throws { append(bytes) }
    mutating func end() throws {}

    private mutating func append(_ span: Span<UInt8>) {
        for index in span.indices { bytes.append(span[index]) }
    }
}
