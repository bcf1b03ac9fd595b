/// The lexical rules of image references (distribution's reference/regexp.go).
enum ReferenceGrammar {
    /// Of a repository's path with its domain.
    static let maximumNameLength = 255
    static let maximumTagLength = 128

    static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerAlphanumeric(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    static func isHex(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    /// `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`
    static func isTag(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, bytes.count <= maximumTagLength else { return false }
        let underscore = UInt8(ascii: "_")
        guard isAlphanumeric(first) || first == underscore else { return false }
        return bytes.allSatisfy {
            isAlphanumeric($0) || $0 == underscore || $0 == UInt8(ascii: ".")
                || $0 == UInt8(ascii: "-")
        }
    }

    /// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
    static func isPathComponent(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last, isLowerAlphanumeric(first),
            isLowerAlphanumeric(last)
        else { return false }
        for run in bytes.split(whereSeparator: isLowerAlphanumeric) {
            switch Array(run) {
            case [UInt8(ascii: ".")], [UInt8(ascii: "_")], Array("__".utf8): continue
            default:
                guard run.allSatisfy({ $0 == UInt8(ascii: "-") }) else { return false }
            }
        }
        return true
    }

    /// Dot-separated labels of letters, digits and inner hyphens, or an IPv6 address in brackets,
    /// then perhaps a port.
    static func isDomain(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        var host = bytes[...]
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return false }
            let rest = bytes[(end + 1)...]
            guard rest.isEmpty || (rest.first == UInt8(ascii: ":") && isPort(rest.dropFirst()))
            else { return false }
            let address = bytes[1..<end]
            return !address.isEmpty
                && address.allSatisfy { byte in
                    isDigit(byte) || byte == UInt8(ascii: ":")
                        || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
                }
        }
        if let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
            guard isPort(bytes[(colon + 1)...]) else { return false }
            host = bytes[..<colon]
        }
        let labels = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            guard let first = label.first, let last = label.last else { return false }
            return isAlphanumeric(first) && isAlphanumeric(last)
                && label.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isPort(_ bytes: ArraySlice<UInt8>) -> Bool {
        !bytes.isEmpty && bytes.allSatisfy(isDigit)
    }

    static func invalidTag(_ tag: some StringProtocol, in text: String) -> ImageSpecError {
        ImageSpecError(
            .invalidReference, "\"\(tag.prefix(140))\" is no tag",
            hint: "a tag has up to 128 letters, digits, underscores, dots and hyphens, "
                + "and starts with none of the latter two",
            subject: text)
    }
}
