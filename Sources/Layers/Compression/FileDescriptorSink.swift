import Glibc

/// Writes to a file, pipe or socket where it stands.
///
/// The descriptor is borrowed: it must stay open while the sink is used, and is not closed.
package struct FileDescriptorSink: ByteSink {
    private let descriptor: Int32

    package init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    package mutating func write(_ bytes: Span<UInt8>) throws {
        try unsafe bytes.withUnsafeBufferPointer { buffer in
            var written = 0
            while written < buffer.count {
                let count = unsafe Glibc.write(
                    descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
                if count >= 0 {
                    written += count
                    continue
                }
                guard errno == EINTR else {
                    throw CompressionError(
                        .inputOutput, "writing failed: \(unsafe String(cString: strerror(errno)))",
                        errorNumber: errno)
                }
            }
        }
    }
}
