internal import LinuxIO

/// Reads a file, pipe or socket from where it stands.
///
/// The descriptor is borrowed: it must stay open while the source is used, and is not closed.
package struct FileDescriptorSource: ByteSource {
    private let descriptor: Int32

    package init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    package mutating func read(into buffer: inout OutputSpan<UInt8>) throws {
        do {
            try unsafe buffer.withUnsafeMutableBufferPointer { bytes, filled in
                let rest = unsafe UnsafeMutableRawBufferPointer(
                    UnsafeMutableBufferPointer(rebasing: bytes[filled...]))
                filled += try unsafe DescriptorIO.read(descriptor, into: rest)
            }
        } catch let error as Errno {
            throw CompressionError(
                .inputOutput, "reading failed: \(error)", errorNumber: error.rawValue)
        }
    }
}
