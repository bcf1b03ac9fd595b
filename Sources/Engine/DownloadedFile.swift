internal import Downloads
internal import ImageSpec
internal import Layers
internal import LinuxIO
internal import Store

/// A file of a web server, among a lease's temporary data.
struct DownloadedFile: ~Copyable {
    private let file: OwnedDescriptor

    /// Open for reading, at its beginning.
    var descriptor: Int32 { file.rawValue }

    /// Downloads it.
    /// - Throws: ``EngineError`` `failed` that says why the server's file could not be had.
    init(
        _ address: WebAddress, store: Store, lease: Lease, environment: [String: String],
        progress: ((ArchiveProgress) -> Void)?
    ) throws {
        do {
            let maximumBytes = try store.roomForDownloads()
            let receiver = FileReceiver(lease, progress)
            let outcome = try Downloader(environment: environment).download(
                DownloadRequest(address, maximumBytes: maximumBytes), to: receiver,
                control: DownloadControl())
            var path = receiver.finish()
            if case .received(_, _, isGzipped: true) = outcome, receiver.doneBytes > 0 {
                path = try Self.decompressed(path, lease, maximumBytes)
            }
            file = try OwnedDescriptor(opening: path, .readOnly)
        } catch let error as DownloadError {
            throw Self.failure(address, error.message, hint: error.hint)
        } catch let error as CompressionError {
            throw Self.failure(address, "the server sent what it says is gzip: \(error)")
        } catch let error as Errno {
            throw Self.failure(
                address, "it could not be written to \(lease.workDirectory): \(error)")
        }
    }

    /// The server compressed the file for the way; it may be a compressed one.
    private static func decompressed(
        _ path: String, _ lease: Lease, _ maximumBytes: UInt64
    ) throws -> String {
        let compressed = try OwnedDescriptor(opening: path, .readOnly)
        var reader = try DecompressingReader(
            fileDescriptor: compressed.rawValue, maximumSizeBytes: Int64(clamping: maximumBytes))
        let plain = lease.newWorkPath("download")
        let file = try OwnedDescriptor(opening: plain, [.writeOnly, .create, .exclusive])
        while try reader.withNextChunk({ chunk in
            try unsafe chunk.withUnsafeBytes {
                try unsafe DescriptorIO.writeAll(file.rawValue, $0)
            }
        }) {}
        try HostDirectory.unlink(path)
        return plain
    }

    private static func failure(
        _ address: WebAddress, _ reason: String, hint: String? = nil
    ) -> EngineError {
        EngineError(.failed, "could not download \(address): \(reason)", hint: hint)
    }
}

/// Puts a download into a file.
private final class FileReceiver: DownloadReceiver {
    private let path: String
    private let progress: ((ArchiveProgress) -> Void)?
    private var file: OwnedDescriptor?
    private var totalBytes: UInt64?
    private(set) var doneBytes: UInt64 = 0

    init(_ lease: Lease, _ progress: ((ArchiveProgress) -> Void)?) {
        path = lease.newWorkPath("download")
        self.progress = progress
    }

    func begin(sizeBytes: UInt64?) throws {
        file = try OwnedDescriptor(opening: path, [.writeOnly, .create, .truncate])
        totalBytes = sizeBytes
        doneBytes = 0
    }

    func receive(_ bytes: UnsafeRawBufferPointer) throws {
        guard let descriptor = file?.rawValue else { return }
        try unsafe DescriptorIO.writeAll(descriptor, bytes)
        doneBytes += UInt64(bytes.count)
        progress?(
            ArchiveProgress(step: .downloading, doneBytes: doneBytes, totalBytes: totalBytes))
    }

    /// The path of what came.
    func finish() -> String {
        file = nil
        return path
    }
}
