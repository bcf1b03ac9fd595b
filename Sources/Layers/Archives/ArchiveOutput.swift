internal import LinuxIO

/// A file being written that gets its name when it is complete. Like any archiver, it leaves to the
/// system when the bytes reach the disk.
///
/// Until then it has none, so that nothing is left of a process that is killed; where the file system
/// knows no such files, a temporary one.
struct OutputFile: ~Copyable {
    let descriptor: OwnedDescriptor
    private let isNamed: Bool
    private let temporary: String
    private let path: String

    /// Beside `path`, so that a rename can put it in place.
    init(replacing path: String, permissions: UInt32 = 0o644) throws(LayerError) {
        self.path = path
        temporary = "\(path).\(UInt32.random(in: 0 ... .max)).tmp"
        do throws(Errno) {
            if let unnamed = try Self.unnamed(beside: path, permissions) {
                descriptor = unnamed
                isNamed = false
            } else {
                descriptor = try OwnedDescriptor(
                    opening: temporary, [.writeOnly, .create, .exclusive],
                    permissions: permissions)
                isNamed = true
            }
        } catch {
            throw LayerError(.inputOutput, "it cannot be written", path: path, cause: error)
        }
    }

    /// Nil where there is no such thing, or no way to name it later.
    private static func unnamed(
        beside path: String, _ permissions: UInt32
    ) throws(Errno) -> OwnedDescriptor? {
        guard HostDirectory.exists("/proc/self/fd") else { return nil }
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        do throws(Errno) {
            return try OwnedDescriptor(
                opening: parent.isEmpty ? "/" : parent, [.writeOnly, .unnamed],
                permissions: permissions)
        } catch  where [.unsupported, .isDirectory, .invalidArgument].contains(error) {
            return nil
        }
    }

    /// Puts the file in its place.
    consuming func finish() throws(LayerError) {
        do throws(Errno) {
            if !isNamed {
                do throws(Errno) {
                    return try HostDirectory.link(descriptor.rawValue, as: path)
                } catch .exists {
                    // A link takes no other file's place; a rename does.
                    try HostDirectory.link(descriptor.rawValue, as: temporary)
                }
            }
            try HostDirectory.rename(temporary, to: path)
        } catch {
            let (path, temporary) = (path, temporary)
            try? HostDirectory.unlink(temporary)  // the first error is the one to report
            throw LayerError(.inputOutput, "it cannot be written", path: path, cause: error)
        }
    }

    consuming func discard() {
        // A leftover with a telling name is all there is.
        if isNamed { try? HostDirectory.unlink(temporary) }
    }
}

extension ArchiveTarget {
    /// Opens the target, calls `body` with the descriptor to write to, and completes the target,
    /// or leaves nothing behind when `body` throws.
    func write(_ body: (Int32) throws -> Void) throws {
        switch self {
        case .descriptor(let descriptor): try body(descriptor)
        case .path(let path):
            let place: TargetPlace
            do throws(Errno) {
                place = try TargetPlace(path)
            } catch {
                throw LayerError(.inputOutput, "it cannot be written", path: path, cause: error)
            }
            guard place.isReplaced else { return try Self.writeInPlace(path, body) }
            let file = try OutputFile(
                replacing: place.path, permissions: place.permissions ?? 0o644)
            do {
                let descriptor = file.descriptor.rawValue
                try Self.naming(path) { try body(descriptor) }
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
            file = try OwnedDescriptor(opening: path, [.writeOnly, .truncate])
        } catch {
            throw LayerError(.inputOutput, "it cannot be written", path: path, cause: error)
        }
        let descriptor = file.rawValue
        try naming(path) { try body(descriptor) }
        withExtendedLifetime(file) {}
    }

    /// What the system refuses to whom writes the file is told with its path.
    static func naming<T>(_ path: String, _ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as CompressionError {
            guard error.code == .inputOutput, let number = error.errorNumber else { throw error }
            throw LayerError(
                .inputOutput, "it cannot be written", path: path, cause: Errno(rawValue: number))
        }
    }
}

/// What a path of the host leads to that is to be written.
private struct TargetPlace {
    /// The path behind symbolic links, which stay as they are.
    let path: String
    /// Whether a new file takes the old one's place, or gets a name that is free. A device or a pipe
    /// is written to, and so is what `/dev` and `/proc` hold: `/dev/stdout` is a link, of which many
    /// programs know, that leads to whatever file the standard output is.
    let isReplaced: Bool
    /// Of a file that is there, which the new one keeps.
    let permissions: UInt32?

    /// As many symbolic links on one path as Linux follows.
    private static let symbolicLinkLimit = 40

    init(_ path: String) throws(Errno) {
        var next = path
        for _ in 0...Self.symbolicLinkLimit {
            let (parent, name) = try Self.split(next)
            let place = (parent == "/" ? "" : parent) + "/" + name
            let status = try Self.status(of: place)
            let kind = status?.kind
            let isOfSystem = parent == "/dev" || parent == "/proc" || parent.hasPrefix("/proc/")
            guard kind == .symbolicLink, !isOfSystem else {
                self.path = place
                isReplaced = !isOfSystem && (kind == nil || kind == .regular)
                permissions = status.map { $0.mode & 0o777 }
                return
            }
            let target = try HostDirectory.readLink(place)
            next = target.hasPrefix("/") ? target : parent + "/" + target
        }
        throw .symbolicLinkLoop
    }

    /// Nil when there is nothing.
    private static func status(of path: String) throws(Errno) -> FileStatus? {
        do throws(Errno) {
            return try FileStatus(ofPath: path, followsLinks: false)
        } catch .notFound {
            return nil
        }
    }

    /// The directory of a path, without symbolic links, and the name in it.
    private static func split(_ path: String) throws(Errno) -> (parent: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else {
            return (try HostDirectory.realPath("."), path)
        }
        let name = String(path[path.index(after: slash)...])
        let parent = slash == path.startIndex ? "/" : String(path[..<slash])
        return (try HostDirectory.realPath(parent), name)
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

/// Asks before each piece whether it is still wanted.
struct WatchedSink<Base: ByteSink>: ByteSink {
    var base: Base
    let check: () throws -> Void

    mutating func write(_ bytes: Span<UInt8>) throws {
        try check()
        try base.write(bytes)
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
