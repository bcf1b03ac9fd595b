/// A sink that libarchive writes to, and what it threw, for libarchive cannot carry that.
final class SinkHolder {
    private(set) var writtenBytes: Int64 = 0
    /// The first thing the sink threw. Nothing reaches the sink afterwards.
    private(set) var failure: (any Error)?
    private var sink: any ByteSink
    private var isDetached = false

    init(_ sink: any ByteSink) {
        self.sink = sink
    }

    func write(_ bytes: Span<UInt8>) {
        guard failure == nil, !isDetached else { return }
        do {
            try sink.write(bytes)
            writtenBytes += Int64(bytes.count)
        } catch {
            failure = error
        }
    }

    /// Throws what the sink threw, if it did.
    func check() throws {
        if let failure { throw failure }
    }

    /// Lets nothing more reach the sink.
    func detach() {
        isDetached = true
    }
}
