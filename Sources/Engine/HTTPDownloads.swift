internal import Builder
internal import Downloads
internal import ImageSpec

/// The builder's downloads, by HTTP.
struct HTTPDownloads: FileDownloader {
    private let downloader: Downloader

    init(environment: [String: String]) { downloader = Downloader(environment: environment) }

    func download(
        _ request: RemoteFileRequest, to receiver: any RemoteFileReceiver,
        cancellation: Cancellation
    ) throws -> RemoteFileOutcome {
        let control = DownloadControl()
        let registration = cancellation.onCancel { control.cancel() }
        defer { cancellation.remove(registration) }
        let wanted = DownloadRequest(
            request.address,
            validators: .init(
                etag: request.validators.etag, lastModified: request.validators.lastModified),
            maximumBytes: request.maximumBytes)
        do {
            switch try downloader.download(wanted, to: Forwarder(receiver), control: control) {
            case .notModified: return .notModified
            case .received(let validators, let modifiedSeconds, let isGzipped):
                return .received(
                    RemoteValidators(
                        etag: validators.etag, lastModified: validators.lastModified),
                    modifiedSeconds: modifiedSeconds, isGzipped: isGzipped)
            }
        } catch let error as DownloadError {
            let isForbidden = error.status == 401 || error.status == 403
            throw BuildError(
                error.code == .cancelled ? .cancelled : .downloadFailed,
                "could not download \(request.address): \(error.message)",
                hint: error.hint.map {
                    isForbidden ? $0 + ", or the file into the build context" : $0
                },
                cause: error)
        }
    }
}

private final class Forwarder: DownloadReceiver {
    private let receiver: any RemoteFileReceiver
    init(_ receiver: any RemoteFileReceiver) { self.receiver = receiver }
    func begin(sizeBytes: UInt64?) throws { try receiver.begin(sizeBytes: sizeBytes) }
    func receive(_ bytes: UnsafeRawBufferPointer) throws {
        try unsafe receiver.receive(bytes)
    }
}
