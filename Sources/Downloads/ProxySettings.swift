package import ImageSpec

/// The proxies that the environment names, by curl's rules: `http_proxy`, `https_proxy`,
/// `all_proxy`, `no_proxy`, also in upper case. `HTTP_PROXY` counts too, as in Go's programs.
package struct ProxySettings: Hashable, Sendable {
    private let http: String?
    private let https: String?
    private let exceptions: [String]

    package init(environment: [String: String]) {
        func value(_ name: String) -> String? {
            let text = environment[name] ?? environment[name.uppercased()]
            return text.flatMap { $0.isEmpty ? nil : $0 }
        }
        let all = value("all_proxy")
        http = value("http_proxy") ?? all
        https = value("https_proxy") ?? all
        exceptions = (value("no_proxy") ?? "").split(separator: ",").map {
            $0.filter { !$0.isWhitespace }.lowercased()
        }.filter { !$0.isEmpty }
    }

    /// The proxy for an address; nil goes there directly.
    /// - Throws: `invalidProxy`.
    package func proxy(for address: WebAddress) throws(DownloadError) -> WebAddress? {
        guard let text = address.isSecure ? https : http, !isException(address) else { return nil }
        let whole = text.contains("://") ? text : "http://" + text
        // TLS to the proxy itself is spoken by few, and by none of ours.
        guard let proxy = WebAddress(whole), !proxy.isSecure else {
            throw DownloadError(
                .invalidProxy, "the environment names a proxy that is none: \(text)",
                hint: "http_proxy and https_proxy are http:// addresses")
        }
        return proxy
    }

    private func isException(_ address: WebAddress) -> Bool {
        // As in Go: what runs here is never asked for elsewhere.
        if ["localhost", "[::1]"].contains(address.host) || address.host.hasPrefix("127.") {
            return true
        }
        return exceptions.contains { exception in
            if exception == "*" { return true }
            var name = exception
            if name.hasPrefix("*") { name.removeFirst() }
            if name == address.host || name == "\(address.host):\(address.port)" { return true }
            let suffix = name.hasPrefix(".") ? name : "." + name
            return address.host.hasSuffix(suffix) || "." + address.host == suffix
        }
    }
}
