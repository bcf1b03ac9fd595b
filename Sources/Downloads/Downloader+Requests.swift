internal import AsyncHTTPClient
internal import ImageSpec
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// What is sent, and how.
extension Downloader {
    /// IPv6 addresses are connected to without their brackets.
    static func name(_ address: WebAddress) -> String {
        address.host.filter { $0 != "[" && $0 != "]" }
    }

    static func proxiedHead(
        _ request: DownloadRequest, _ proxy: WebAddress
    ) -> HTTPRequestHead {
        var headers = headers(request)
        headers.add(name: "Host", value: String(request.address.origin.dropFirst(7)))
        headers.add(name: "Connection", value: "close")
        if let authorization = authorization(proxy) {
            headers.add(name: "Proxy-Authorization", value: authorization.headerValue)
        }
        return HTTPRequestHead(
            version: .http1_1, method: .GET, uri: "\(request.address)", headers: headers)
    }

    private static func headers(_ request: DownloadRequest) -> HTTPHeaders {
        // Without a word servers may choose any coding, and some send gzip whatever is asked for.
        var headers = HTTPHeaders([
            ("User-Agent", "vitrine"), ("Accept", "*/*"), ("Accept-Encoding", "gzip"),
        ])
        if let etag = request.validators.etag {
            headers.add(name: "If-None-Match", value: etag)
        } else if let date = request.validators.lastModified {
            headers.add(name: "If-Modified-Since", value: date)
        }
        if let authorization = authorization(request.address) {
            headers.add(name: "Authorization", value: authorization.headerValue)
        }
        return headers
    }

    private static func authorization(_ address: WebAddress) -> HTTPClient.Authorization? {
        guard let userInfo = address.userInfo else { return nil }
        let parts = userInfo.split(
            separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        return .basic(
            username: decoded(parts[0]), password: parts.count > 1 ? decoded(parts[1]) : "")
    }

    static func httpRequest(
        _ request: DownloadRequest
    ) throws -> HTTPClient.Request {
        do {
            return try HTTPClient.Request(
                url: "\(request.address)", method: .GET, headers: headers(request))
        } catch {
            throw DownloadError(.unreachable, "\"\(request.address)\" is no address of a server")
        }
    }

    private static func decoded(_ text: Substring) -> String {
        // The path of an address made of it: the one decoder that there is.
        WebAddress("http://x/" + text).map {
            String(decoding: $0.decodedPath.dropFirst(), as: UTF8.self)
        } ?? String(text)
    }

    func configuration(_ proxy: WebAddress?) -> HTTPClient.Configuration {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let certificates { tls.trustRoots = .file(certificates) }
        let connect = TimeAmount(limits.connect)
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: connect, read: TimeAmount(limits.answer)),
            decompression: .disabled)
        configuration.httpVersion = .http1Only
        // A connection that fails is an attempt of ours.
        configuration.connectionPool.retryConnectionEstablishment = false
        if let proxy {
            configuration.proxy = .server(
                host: Self.name(proxy), port: proxy.port,
                authorization: Self.authorization(proxy))
        }
        return configuration
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
