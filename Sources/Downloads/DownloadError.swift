/// Why a file could not be downloaded.
package struct DownloadError: Error, Sendable {
    /// What callers branch on.
    package enum Code: String, Hashable, Sendable {
        /// No server there: the name is unknown, or nobody takes the connection.
        case unreachable
        /// The server cannot show that it is the one it should be.
        case untrusted
        /// The server answered that it will not: 404, 403, 500.
        case refused
        /// Redirected in a circle, too often, or to what is no address.
        case redirected
        /// Too slow, or silent.
        case timeout
        /// The answer ended before it was complete, or is no HTTP.
        case broken
        case tooLarge = "too-large"
        case cancelled
        /// The proxy that the environment names is none.
        case invalidProxy = "invalid-proxy"
    }

    package let code: Code
    /// What is wrong, without the address and without a full stop.
    package let message: String
    package let hint: String?
    /// Of the server's answer.
    package let status: Int?

    package init(_ code: Code, _ message: String, hint: String? = nil, status: Int? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.status = status
    }

    /// Whether the same request may well succeed in a moment.
    var isTransient: Bool {
        switch code {
        case .unreachable, .timeout, .broken: true
        case .refused: [408, 425, 429, 500, 502, 503, 504].contains(status)
        default: false
        }
    }
}

extension DownloadError: CustomStringConvertible {
    package var description: String { hint.map { "\(message); \($0)" } ?? message }
}
