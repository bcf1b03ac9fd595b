/// Texts as Go's quotes and escapes write them.
enum GoText {
    /// `strconv.Quote`.
    /// - Parameter isPlain: whether what is not ASCII is escaped, too (`%+q`).
    static func quoted(_ text: String, isPlain: Bool) -> String {
        var result = "\""
        for scalar in text.unicodeScalars { result += escaped(scalar, quote: "\"", isPlain) }
        return result + "\""
    }

    /// `strconv.QuoteRune`.
    static func quoted(_ scalar: Unicode.Scalar, isPlain: Bool) -> String {
        "'\(escaped(scalar, quote: "'", isPlain))'"
    }

    private static let short: [Unicode.Scalar: String] = [
        "\u{7}": "\\a", "\u{8}": "\\b", "\u{C}": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
        "\u{B}": "\\v", "\\": "\\\\",
    ]

    private static func escaped(
        _ scalar: Unicode.Scalar, quote: Unicode.Scalar, _ isPlain: Bool
    ) -> String {
        if scalar == quote { return "\\\(quote)" }
        if let short = short[scalar] { return short }
        if scalar.value < 0x20 || scalar.value == 0x7F { return "\\x" + hex(scalar, 2) }
        if scalar.isASCII { return String(scalar) }
        if !isPlain, isPrintable(scalar) { return String(scalar) }
        return scalar.value > 0xFFFF ? "\\U" + hex(scalar, 8) : "\\u" + hex(scalar, 4)
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator, .spaceSeparator:
            false
        default: true
        }
    }

    private static func hex(
        _ scalar: Unicode.Scalar, _ digits: Int, uppercase: Bool = false
    ) -> String {
        let text = String(scalar.value, radix: 16, uppercase: uppercase)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// `template.HTMLEscapeString`.
    static func html(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\0": result += "\u{FFFD}"
            case "\"": result += "&#34;"
            case "'": result += "&#39;"
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// `template.JSEscapeString`.
    static func script(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", "'", "\"": result += "\\\(scalar)"
            case "<", ">", "&", "=": result += "\\u" + hex(scalar, 4, uppercase: true)
            case _ where scalar.value < 0x20: result += "\\u" + hex(scalar, 4, uppercase: true)
            case _ where scalar.isASCII || isPrintable(scalar):
                result.unicodeScalars.append(scalar)
            default: result += "\\u" + hex(scalar, 4, uppercase: true)
            }
        }
        return result
    }

    /// `url.QueryEscape`.
    static func query(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."), UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: " "): result += "+"
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += "%" + (byte < 16 ? "0" : "") + digits
            }
        }
        return result
    }
}
