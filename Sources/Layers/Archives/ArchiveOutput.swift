internal import LinuxIO

/// A file being written that gets its name when it is complete. Like any archiver, it leaves to the
/// system when the bytes reach the disk.
struct OutputFile: ~Copyable {
    let descriptor: OwnedDescriptor
    private let temporary: String
    private let path: String

    /// Beside `path`, so that a rename can put it in place.
    init(replacing path: String, permissions: UInt32 = 0o644) throws(LayerError) {
        self.path = path
        temporary = "\(path).\(UInt32.random(in: 0 ... .max)).tmp"
        do throws(Errno) {
            descriptor = try OwnedDescriptor(
                opening: temporary, [.writeOnly, .create, .exclusive], permissions: permissions)
        } catch {
            throw LayerError(.inputOutput, "it cannot be written", path: path, cause: error)
        }
    }

    /// Puts the file in its place.
    consuming func finish() throws(LayerError) {
        do throws(Errno) {
            try HostDirectory.rename(temporary, to: path)
        } catch {
            let (path, temporary) = (path, temporary)
            try? HostDirectory.unlink(temporary)  // the first error is the one to report
            throw LayerError(.inputOutput, "it cannot be written", path: path, cause: error)
        }
    }

    consuming func discard() {
        try? HostDirectory.unlink(temporary)  // a leftover with a telling name is all there is
    }
}

extension ArchiveTarget {
    /// Opens the target, calls `body` with the descriptor to write to, and completes the target,
    /// or leaves nothing behind when `body` throws.
    func write(_ body: (Int32) throws -> Void) throws {
        switch self {
        case .descriptor(let descriptor): try body(descriptor)
        case .path(let path):
            // A pipe or a device is written to; only a file can be replaced.
            if let status = try? FileStatus(ofPath: path), status.kind != .regular {  // not there
                return try Self.writeInPlace(path, body)
            }
            let file = try OutputFile(replacing: path)
            do {
                try body(file.descriptor.rawValue)
            } catch {
                file.discard()
                throw error
            }
            try file.finish()
        }
    }

    private static func writeInPlace(_ path: String, _ body: (Int32) throws -> Void) throws {
        let file: OwnedDescriptor
        do throws(Errno) {
            file = try OwnedDescriptor(opening: path, .writeOnly)
        } catch {
            throw LayerError(.inputOutput, "it cannot be written", path: path, cause: error)
        }
        try body(file.rawValue)
    }
}

/// Gathers small pieces for a file, pipe or socket; large ones pass through. One thread at a time.
///
/// What was not flushed is lost with it.
final class BufferedSink: ByteSink {
    private var base: FileDescriptorSink
    private var buffer: [UInt8] = []
    private(set) var writtenBytes: UInt64 = 0
    /// Told now and then how much was written.
    var progress: ((UInt64) -> Void)?

    /// Many headers and small files a call; still in the CPU's cache.
    private static let capacity = 256 << 10

    init(_ descriptor: Int32) {
        base = FileDescriptorSink(descriptor)
        buffer.reserveCapacity(Self.capacity)
    }

    func write(_ bytes: Span<UInt8>) throws {
        writtenBytes += UInt64(bytes.count)
        if bytes.count >= Self.capacity / 2 {
            // Never before what is gathered.
            try flush()
            try base.write(bytes)
            progress?(writtenBytes)
        } else {
            if buffer.count + bytes.count > Self.capacity { try flush() }
            buffer.append(copying: bytes)
        }
    }

    func flush() throws {
        guard !buffer.isEmpty else { return }
        var bytes: [UInt8] = []
        swap(&bytes, &buffer)
        try base.write(bytes.span)
        bytes.removeAll(keepingCapacity: true)
        buffer = bytes
        progress?(writtenBytes)
    }
}

/// Compresses what goes through it. A class, for sinks are copyable and a compressor is not.
final class CompressingSink: ByteSink {
    /// Nil once finished.
    private var writer: CompressingWriter?

    init(_ base: any ByteSink, settings: CompressionSettings) throws {
        writer = try CompressingWriter(base, settings: settings)
    }

    func write(_ bytes: Span<UInt8>) throws { try writer?.write(bytes) }

    /// Completes the stream.
    func finish() throws {
        if let writer = writer.take() { _ = try writer.finish() }
    }
}
