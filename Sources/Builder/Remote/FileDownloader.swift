package import ImageSpec

/// What a server's answer said of a file, by which a later one tells whether it changed.
package struct RemoteValidators: Hashable, Sendable {
    /// As the server wrote it, with its quotes.
    package var etag: String?
    package var lastModified: String?

    package init(etag: String? = nil, lastModified: String? = nil) {
        self.etag = etag
        self.lastModified = lastModified
    }
}

/// A file to be downloaded.
package struct RemoteFileRequest: Hashable, Sendable {
    package var address: WebAddress
    /// Those of the file that is there already.
    package var validators: RemoteValidators
    package var maximumBytes: UInt64
}

/// How a download ended.
package enum RemoteFileOutcome: Hashable, Sendable {
    case notModified
    /// The file's time is what the server says of it, in seconds since 1970. It came compressed for the
    /// way if it `isGzipped`.
    case received(RemoteValidators, modifiedSeconds: Int64?, isGzipped: Bool)
}

/// Takes the bytes of a download.
package protocol RemoteFileReceiver: AnyObject {
    /// A body begins, perhaps anew.
    func begin(sizeBytes: UInt64?) throws
    func receive(_ bytes: UnsafeRawBufferPointer) throws
}

/// Downloads files. The engine gives the real one: the builder knows nothing of HTTP.
package protocol FileDownloader: Sendable {
    /// Downloads on the calling thread.
    /// - Throws: ``BuildError`` `downloadFailed`, `cancelled`; what the receiver throws.
    func download(
        _ request: RemoteFileRequest, to receiver: any RemoteFileReceiver,
        cancellation: Cancellation
    ) throws -> RemoteFileOutcome
}

/// For builds that reach no other host.
package struct NoDownloads: FileDownloader {
    package init() {}

    package func download(
        _ request: RemoteFileRequest, to receiver: any RemoteFileReceiver,
        cancellation: Cancellation
    ) throws -> RemoteFileOutcome {
        throw BuildError(
            .downloadFailed, "could not download \(request.address): this build has no network")
    }
}
