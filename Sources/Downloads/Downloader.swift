internal import AsyncHTTPClient
package import ImageSpec
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// What is asked for.
package struct DownloadRequest: Hashable, Sendable {
    package var address: WebAddress
    /// What an earlier answer said of the file that is still there; the server is asked for another
    /// one only.
    package var validators: Validators
    package var maximumBytes: UInt64

    package struct Validators: Hashable, Sendable {
        /// As the server wrote it, with its quotes.
        package var etag: String?
        package var lastModified: String?
        package var isEmpty: Bool { etag == nil && lastModified == nil }

        package init(etag: String? = nil, lastModified: String? = nil) {
            self.etag = etag
            self.lastModified = lastModified
        }
    }

    package init(
        _ address: WebAddress, validators: Validators = Validators(), maximumBytes: UInt64 = .max
    ) {
        self.address = address
        self.validators = validators
        self.maximumBytes = maximumBytes
    }
}

/// How a download ended.
package enum DownloadOutcome: Hashable, Sendable {
    /// The file is what the validators say.
    case notModified
    /// - Parameters:
    ///   - modifiedSeconds: since 1970, as the server says of the file.
    ///   - isGzipped: what came is the file compressed by the server, for the way.
    case received(
        validators: DownloadRequest.Validators, modifiedSeconds: Int64?, isGzipped: Bool)
}

/// Takes a file's bytes, on the thread that downloads.
package protocol DownloadReceiver: AnyObject {
    /// A body begins. When an attempt failed half-way, a further one begins anew.
    func begin(sizeBytes: UInt64?) throws
    func receive(_ bytes: UnsafeRawBufferPointer) throws
}

/// Downloads files by HTTP, one at a time for each call, on the caller's thread.
///
/// Redirects are followed, failures that pass are tried again, proxies are the environment's and
/// the trusted certificates the system's, or those of `SSL_CERT_FILE`. Thread-safe.
package final class Downloader: Sendable {
    /// NIO's own, for the life of the process. One that is shut down after a download may be asked for
    /// more: when a name is not found, what its other lookup says is still on the way.
    private static let group = MultiThreadedEventLoopGroup.singleton

    let limits: DownloadLimits
    private let proxies: ProxySettings
    let certificates: String?

    package init(
        environment: [String: String], limits: DownloadLimits = DownloadLimits()
    ) {
        self.limits = limits
        proxies = ProxySettings(environment: environment)
        certificates = environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Downloads a file.
    /// - Throws: ``DownloadError``, and what the receiver throws.
    package func download(
        _ request: DownloadRequest, to receiver: any DownloadReceiver, control: DownloadControl
    ) throws -> DownloadOutcome {
        var attempt = 1
        while true {
            do {
                return try follow(request, receiver, control)
            } catch let failure as Failure {
                if control.isCancelled { throw Self.cancelled }
                guard attempt < limits.attempts, failure.error.isTransient else {
                    throw failure.error
                }
                var pause = limits.pause * (1 << (attempt - 1))
                if let wish = failure.retryAfter {
                    guard wish <= limits.longestPause else { throw failure.error }
                    pause = max(pause, wish)
                }
                control.sleep(pause)
                if control.isCancelled { throw Self.cancelled }
                attempt += 1
            }
        }
    }

    static let cancelled = DownloadError(.cancelled, "the download was cancelled")

    /// A failure of the network or the server, not of the receiver.
    private struct Failure: Error {
        var error: DownloadError
        var retryAfter: Duration?
    }

    // MARK: - Redirects

    private func follow(
        _ request: DownloadRequest, _ receiver: any DownloadReceiver, _ control: DownloadControl
    ) throws -> DownloadOutcome {
        var request = request
        var visited: Set<WebAddress> = []
        while true {
            guard visited.insert(request.address).inserted else {
                throw Failure(error: Self.redirected("in a circle", request.address))
            }
            guard visited.count <= limits.redirects + 1 else {
                throw Failure(
                    error: Self.redirected("more than \(limits.redirects) times", request.address))
            }
            switch try exchange(request, receiver, control) {
            case .outcome(let outcome): return outcome
            case .redirect(let location):
                guard let next = request.address.following(location) else {
                    throw Failure(
                        error: DownloadError(
                            .redirected,
                            "the server redirects to what is no http or https address: \(location)")
                    )
                }
                request.address = next
            }
        }
    }

    private static func redirected(_ how: String, _ address: WebAddress) -> DownloadError {
        DownloadError(.redirected, "the server redirects \(how), the last time to \(address)")
    }

    private enum Answer {
        case outcome(DownloadOutcome)
        case redirect(String)
    }

    private func exchange(
        _ request: DownloadRequest, _ receiver: any DownloadReceiver, _ control: DownloadControl
    ) throws -> Answer {
        let exchange = Exchange()
        guard control.attach(exchange) else { throw Self.cancelled }
        defer { control.detach() }
        do {
            let proxy = try proxies.proxy(for: request.address)
            if let proxy, !request.address.isSecure {
                let sender = ProxiedRequest(
                    group: Self.group, connectTimeout: TimeAmount(limits.connect))
                let connection = sender.start(
                    Self.proxiedHead(request, proxy), host: Self.name(proxy), port: proxy.port,
                    exchange)
                defer { exchange.close { connection.whenSuccess { $0.close(promise: nil) } } }
                return try read(exchange, request, receiver)
            }
            let client = HTTPClient(
                eventLoopGroupProvider: .shared(Self.group), configuration: configuration(proxy))
            defer { try? client.syncShutdown() }  // there is nobody to tell
            let task = client.execute(
                request: try Self.httpRequest(request), delegate: exchange)
            defer { exchange.close { task.cancel() } }
            return try read(exchange, request, receiver)
        } catch let error as DownloadError {
            throw Failure(error: error)
        } catch let error as Exchange.Ended {
            throw Failure(error: Self.translated(error.reason, request.address))
        }
    }

    // MARK: - Answers

    private func read(
        _ exchange: Exchange, _ request: DownloadRequest, _ receiver: any DownloadReceiver
    ) throws -> Answer {
        let head = try head(of: exchange)
        let status = Int(head.status.code)
        switch status {
        case 301, 302, 303, 307, 308:
            guard let location = head.headers.first(name: "Location") else {
                throw DownloadError(
                    .redirected, "the server redirects (\(status)) without saying where to")
            }
            return .redirect(location)
        case 304 where !request.validators.isEmpty: return .outcome(.notModified)
        case 200: break
        default: throw Self.refusal(head)
        }
        let sizeBytes = head.headers.first(name: "Content-Length").flatMap { UInt64($0) }
        if let sizeBytes, sizeBytes > request.maximumBytes {
            throw Self.tooLarge("the file has \(sizeBytes) bytes", request)
        }
        try receiver.begin(sizeBytes: sizeBytes)
        try readBody(exchange, request, sizeBytes, receiver)
        let headers = head.headers
        let modified = headers.first(name: "Last-Modified")
        let modifiedSeconds = modified.flatMap { HTTPDate.seconds($0) }
        let now = headers.first(name: "Date").flatMap { HTTPDate.seconds($0) }
        return .outcome(
            .received(
                validators: .init(
                    etag: headers.first(name: "ETag"),
                    lastModified: Self.tells(modifiedSeconds, at: now) ? modified : nil),
                modifiedSeconds: modifiedSeconds,
                isGzipped: headers.first(name: "Content-Encoding")?.lowercased() == "gzip"))
    }

    /// Whether a file's time tells it from one that is written later (RFC 9110 §8.8.2.2): not within
    /// the second in which it was sent. A second more is for servers that take the two apart.
    private static func tells(_ modified: Int64?, at now: Int64?) -> Bool {
        guard let modified, let now else { return false }
        return modified < now - 1
    }

    private func head(of exchange: Exchange) throws -> HTTPResponseHead {
        let deadline = ContinuousClock.now + limits.connect + limits.answer
        guard case .head(let head)? = try exchange.next(until: deadline) else {
            throw DownloadError(
                .timeout, "the server did not answer within \(limits.connect + limits.answer)")
        }
        return head
    }

    private func readBody(
        _ exchange: Exchange, _ request: DownloadRequest, _ sizeBytes: UInt64?,
        _ receiver: any DownloadReceiver
    ) throws {
        var count: UInt64 = 0
        var (windowEnd, windowBytes) = (ContinuousClock.now + limits.window, UInt64(0))
        while true {
            let event = try exchange.next(until: windowEnd)
            if case .end? = event { break }
            if case .body(let buffer, let promise)? = event {
                defer { promise.succeed() }
                count += UInt64(buffer.readableBytes)
                windowBytes += UInt64(buffer.readableBytes)
                guard count <= request.maximumBytes else {
                    throw Self.tooLarge("the server sends more than that", request)
                }
                try unsafe buffer.withUnsafeReadableBytes { try unsafe receiver.receive($0) }
            }
            let now = ContinuousClock.now
            guard now >= windowEnd else { continue }
            guard windowBytes >= limits.minimumBytes else {
                throw DownloadError(
                    .timeout, "the server sent \(windowBytes) bytes in \(limits.window)",
                    hint: "the download was given up after \(count) bytes")
            }
            (windowEnd, windowBytes) = (now + limits.window, 0)
        }
        if let sizeBytes, sizeBytes != count {
            throw DownloadError(
                .broken, "the server announced \(sizeBytes) bytes and sent \(count)")
        }
    }

    private static func tooLarge(_ what: String, _ request: DownloadRequest) -> DownloadError {
        DownloadError(
            .tooLarge, "\(what); there is room for \(request.maximumBytes)",
            hint: "\"vitrine cache prune\" and \"vitrine gc\" make room")
    }

    private static func refusal(_ head: HTTPResponseHead) -> any Error {
        let error = DownloadError(
            .refused, "the server answered \(head.status.code) \(head.status.reasonPhrase)",
            hint: head.status == .unauthorized || head.status == .forbidden
                ? "who may have the file goes into the address, https://user:password@…" : nil,
            status: Int(head.status.code))
        let seconds = head.headers.first(name: "Retry-After").flatMap { Int($0) }
        return Failure(error: error, retryAfter: seconds.map { .seconds($0) })
    }
}
