internal import Glibc
package import Sandbox

/// `--add-host name:address`: a line of the steps' /etc/hosts.
package struct ExtraHost: Hashable, Sendable {
    package enum Address: Hashable, Sendable {
        case literal(String)
        /// The machine that builds (`host-gateway`).
        case host
    }

    package var name: String
    package var address: Address

    /// Reads `name:address` and `name=address`; IPv6 addresses may stand in brackets.
    /// - Throws: `invalidArgument`.
    package init(parsing text: String) throws(BuildError) {
        func invalid(_ reason: String) -> BuildError {
            BuildError(
                .invalidArgument, "bad format for add-host: \"\(text)\": \(reason)",
                expected: "NAME:ADDRESS, such as db:10.0.0.2, db=fd00::2 or db:host-gateway")
        }
        guard let separator = text.firstIndex(where: { $0 == "=" || $0 == ":" }),
            separator != text.startIndex
        else { throw invalid("it is no name with an address") }
        name = String(text[..<separator])
        guard name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
            throw invalid("the name holds what no host's name may")
        }
        var literal = String(text[text.index(after: separator)...])
        if literal == "host-gateway" {
            address = .host
            return
        }
        if literal.hasPrefix("["), literal.hasSuffix("]") {
            literal = String(literal.dropFirst().dropLast())
        }
        guard Self.isAddress(literal) else {
            throw invalid("invalid IP address in add-host: \"\(literal)\"")
        }
        address = .literal(literal)
    }

    /// Whether the text is an IPv4 or an IPv6 address.
    package static func isAddress(_ text: String) -> Bool {
        var room = in6_addr()
        return unsafe inet_pton(AF_INET, text, &room) == 1
            || inet_pton(AF_INET6, text, &room) == 1
    }

    /// The address as a step on that network sees it.
    /// - Returns: nil where the host is out of reach.
    package func address(on network: Network) -> String? {
        switch address {
        case .literal(let text): text
        // Steps share the host's network, its loopback included.
        case .host: network == .host ? "127.0.0.1" : nil
        }
    }
}
