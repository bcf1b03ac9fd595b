internal import LinuxIO

/// Writes to a file, pipe or socket where it stands.
///
/// The descriptor is borrowed: it must stay open while the sink is used, and is not closed.
package struct FileDescriptorSink: ByteSink {
    private let descriptor: Int32

    package init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    package mutating func write(_ bytes: Span<UInt8>) throws {
        do {
            try unsafe bytes.withUnsafeBytes { try unsafe DescriptorIO.writeAll(descriptor, $0) }
        } catch let error as Errno {
            throw CompressionError(
                .inputOutput, "writing failed: \(error)", errorNumber: error.rawValue)
        }
    }
}
