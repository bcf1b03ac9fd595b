internal import Layers
internal import LinuxIO

/// A pipe or file that is read until it ends or the build is cancelled: a cancellation wakes the
/// reader, however long the writer keeps it waiting.
final class CancellableInput: ByteSource {
    private final class Bell: Sendable {
        private let pipe: ChildProcess.Pipe
        init() throws(Errno) { pipe = try ChildProcess.Pipe() }
        var descriptor: Int32 { pipe.reading.rawValue }
        /// The one byte always has room.
        func ring() { try? DescriptorIO.writeAll(pipe.writing.rawValue, [1]) }
    }

    private let descriptor: Int32
    private let cancellation: Cancellation
    private let bell: Bell
    private let registration: Cancellation.Registration

    /// - Parameter descriptor: borrowed; it must stay open while this is used.
    init(_ descriptor: Int32, _ cancellation: Cancellation) throws(Errno) {
        self.descriptor = descriptor
        self.cancellation = cancellation
        let bell = try Bell()
        self.bell = bell
        registration = cancellation.onCancel { bell.ring() }
    }

    deinit { cancellation.remove(registration) }

    func read(into buffer: inout OutputSpan<UInt8>) throws {
        _ = try DescriptorIO.waitForInput([descriptor, bell.descriptor])
        try cancellation.check()
        var source = FileDescriptorSource(descriptor)
        try source.read(into: &buffer)
    }

    /// What is left, as a text that somebody wrote.
    /// - Throws: EFBIG past `limit` bytes, `cancelled`.
    func readAll(limit: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            _ = try DescriptorIO.waitForInput([descriptor, bell.descriptor])
            try cancellation.check()
            let count = try DescriptorIO.read(descriptor, into: &chunk)
            if count == 0 { return bytes }
            guard bytes.count + count <= limit else { throw Errno.tooLarge }
            bytes += chunk[0..<count]
        }
    }
}
