import Glibc

/// Reads a file, pipe or socket from where it stands.
///
/// The descriptor is borrowed: it must stay open while the source is used, and is not closed.
package struct FileDescriptorSource: ByteSource {
    private let descriptor: Int32

    package init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    package mutating func read(into buffer: inout OutputSpan<UInt8>) throws {
        try unsafe buffer.withUnsafeMutableBufferPointer { bytes, initializedCount in
            let start = initializedCount
            repeat {
                let count = unsafe Glibc.read(
                    descriptor, bytes.baseAddress?.advanced(by: start), bytes.count - start)
                if count >= 0 {
                    initializedCount = start + count
                    return
                }
                guard errno == EINTR else {
                    throw CompressionError(
                        .inputOutput, "reading failed: \(unsafe String(cString: strerror(errno)))",
                        errorNumber: errno)
                }
            } while true
        }
    }
}
