internal import AsyncHTTPClient
internal import Glibc
internal import ImageSpec
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// The network's errors in our words.
extension Downloader {
    private static func ended(_ address: WebAddress) -> DownloadError {
        DownloadError(
            .broken, "the connection to \(address.host) ended before the answer did")
    }

    static func translated(_ reason: any Error, _ address: WebAddress) -> DownloadError {
        if let error = reason as? DownloadError { return error }
        let text = "\(reason)"
        switch reason {
        case let error as HTTPClientError:
            switch error {
            case .cancelled: return cancelled
            case .connectTimeout, .readTimeout, .deadlineExceeded, .tlsHandshakeTimeout,
                .httpProxyHandshakeTimeout, .writeTimeout, .getConnectionFromPoolTimeout:
                return DownloadError(.timeout, "\(address.host) did not answer in time")
            case .invalidProxyResponse, .proxyAuthenticationRequired:
                return DownloadError(
                    .unreachable, "the proxy does not let through to \(address.host)",
                    hint: "no_proxy names hosts that are asked directly")
            default:
                return Self.ended(address)
            }
        case HTTPParserError.invalidEOFState: return Self.ended(address)
        case let error as NIOConnectionError:
            if let name = error.dnsAError ?? error.dnsAAAAError, error.connectionErrors.isEmpty {
                return DownloadError(
                    .unreachable, "the name \(address.host) cannot be looked up: \(name)")
            }
            let causes = error.connectionErrors.map { "\($0.error)" }
            return DownloadError(
                .unreachable,
                "no connection to \(address.host), port \(address.port)"
                    + (causes.first.map { ": \($0)" } ?? ""))
        case let error as IOError:
            let text = unsafe strerror(error.errnoCode).map { unsafe String(cString: $0) }
            let reason = text ?? "error \(error.errnoCode)"
            let neverBegan = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT]
            guard neverBegan.contains(error.errnoCode) else {
                return DownloadError(
                    .broken, "\(ended(address).message): \(reason)")
            }
            return DownloadError(
                .unreachable,
                "no connection to \(address.host), port \(address.port): \(reason)")
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            let isCertificate = text.contains("CERTIFICATE") || text.contains("certificate")
            return DownloadError(
                .untrusted, "no secure connection to \(address.host): \(text)",
                hint: isCertificate
                    ? "its certificate is signed by none that this host trusts; SSL_CERT_FILE names "
                        + "others" : nil)
        default:
            return DownloadError(.broken, "\(address.host) gave no proper answer: \(text)")
        }
    }
}
