/// An `http` or `https` address (RFC 3986), as far as downloads need to take it apart.
///
/// What follows `#` is not part of it. Characters that no address may hold are percent-encoded, so
/// that every text that a person writes can be sent.
package struct WebAddress: Hashable, Sendable {
    package let isSecure: Bool
    /// `user:password`, percent-encoded as it was written.
    package let userInfo: String?
    /// A name, an IPv4 address, or an IPv6 address in brackets; in lower case.
    package let host: String
    package let port: Int
    /// Path and query; begins with a slash.
    package let target: String

    /// Longer ones are no addresses: servers refuse them.
    package static let maximumBytes = 16 << 10

    /// - Returns: nil for what is no such address.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.maximumBytes, let colon = text.firstRange(of: "://") else {
            return nil
        }
        switch text[..<colon.lowerBound].lowercased() {
        case "http": isSecure = false
        case "https": isSecure = true
        default: return nil
        }
        let rest = text[colon.upperBound...].prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let path = rest[authority.endIndex...]
        target = Self.encoded(path.hasPrefix("/") ? String(path) : "/" + path)
        var place = authority
        if let at = authority.lastIndex(of: "@") {
            userInfo = Self.encoded(String(authority[..<at]))
            place = authority[authority.index(after: at)...]
        } else {
            userInfo = nil
        }
        guard let (host, port) = Self.split(place) else { return nil }
        self.host = host
        self.port = port ?? (isSecure ? 443 : 80)
    }

    private static func split(_ place: Substring) -> (host: String, port: Int?)? {
        var host = place
        var port: Int?
        let isBracketed = place.hasPrefix("[")
        if let colon = place.lastIndex(of: ":"),
            !isBracketed || place[..<colon].hasSuffix("]")
        {
            host = place[..<colon]
            let digits = place[place.index(after: colon)...]
            if !digits.isEmpty {
                guard let number = UInt16(digits), number > 0 else { return nil }
                port = Int(number)
            }
        }
        let name = host.lowercased()
        let inner = isBracketed ? name.dropFirst().dropLast() : name[...]
        let isValid = inner.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte >= 0x80
                || "-._~%".utf8.contains(byte) || isBracketed && byte == UInt8(ascii: ":")
        }
        guard !inner.isEmpty, isValid, !isBracketed || name.hasSuffix("]") else { return nil }
        return (name, port)
    }

    private static func encoded(_ text: String) -> String {
        let allowed = Array("-._~:/?[]@!$&'()*+,;=%".utf8)
        var result = ""
        for byte in text.utf8 {
            let isPlain =
                (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x30...0x39).contains(byte) || allowed.contains(byte)
            if isPlain {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }

    /// Where a server's answer sends to (`Location`, RFC 9110 §10.2.2). User and password go along to
    /// the same server only.
    package func following(_ location: String) -> WebAddress? {
        let text: String
        if location.firstRange(of: "://") != nil, WebAddress(location) != nil {
            text = location
        } else if location.hasPrefix("//") {
            text = (isSecure ? "https:" : "http:") + location
        } else if location.hasPrefix("/") {
            text = origin + location
        } else if location.hasPrefix("?") {
            text = origin + target.prefix { $0 != "?" } + location
        } else if location.isEmpty || Self.hasScheme(location) {
            return nil
        } else {
            let path = target.prefix { $0 != "?" }
            let directory = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
            text = origin + directory + location
        }
        guard let next = WebAddress(text) else { return nil }
        guard next.userInfo == nil, let userInfo, next.origin == origin else { return next }
        return WebAddress(next.text(userInfo: userInfo))
    }

    private static func hasScheme(_ text: String) -> Bool {
        guard let colon = text.firstIndex(of: ":") else { return false }
        return text[..<colon].utf8.allSatisfy {
            (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0)
                || "+-.".utf8.contains($0)
        }
    }

    /// Scheme, host and port: `https://example.com`.
    package var origin: String {
        let standard = isSecure ? 443 : 80
        return (isSecure ? "https://" : "http://") + host + (port == standard ? "" : ":\(port)")
    }

    private func text(userInfo: String?) -> String {
        guard let userInfo else { return origin + target }
        let scheme = isSecure ? "https://" : "http://"
        return scheme + userInfo + "@" + origin.dropFirst(scheme.count) + target
    }

    /// The address with all that it was given, for what is done again with it.
    package var withCredentials: String { text(userInfo: userInfo) }

    /// The path with its percent-encodings decoded.
    package var decodedPath: [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(target.utf8.prefix { $0 != UInt8(ascii: "?") })[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }

    /// The last name of the path; nil where there is none that a file may have.
    package var fileName: [UInt8]? {
        let parts = decodedPath.split(separator: UInt8(ascii: "/"))
        guard let last = parts.last, last != [0x2E], last != [0x2E, 0x2E], !last.contains(0),
            last.count <= 255
        else { return nil }
        return Array(last)
    }
}

extension WebAddress: CustomStringConvertible {
    /// Without user and password: for messages, logs and histories.
    package var description: String { text(userInfo: nil) }
}
