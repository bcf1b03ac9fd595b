// Text as Go's fmt package writes it, which is how BuildKit writes an image's history.

extension String {
    /// `%q` of a string.
    var goQuoted: String {
        var result = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{07}": result += "\\a"
            case "\u{08}": result += "\\b"
            case "\u{0C}": result += "\\f"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0B}": result += "\\v"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                result += "\\x" + Self.hex(scalar.value, width: 2)
            case _ where Self.isPrintable(scalar): result.unicodeScalars.append(scalar)
            case _ where scalar.value > 0xFFFF:
                result += "\\U" + Self.hex(scalar.value, width: 8)
            default: result += "\\u" + Self.hex(scalar.value, width: 4)
            }
        }
        return result + "\""
    }

    /// Go's `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols and the space.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 0x7F { return true }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .spaceSeparator,
            .lineSeparator, .paragraphSeparator:
            return false
        default: return true
        }
    }

    private static func hex(_ value: UInt32, width: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: Swift.max(0, width - digits.utf8.count)) + digits
    }
}

extension [String] {
    /// `%q` of a slice of strings: `["a" "b"]`.
    var goQuoted: String { "[" + map(\.goQuoted).joined(separator: " ") + "]" }

    /// `%v` of a slice of strings: `[a b]`.
    var goList: String { "[" + joined(separator: " ") + "]" }
}

extension Duration {
    /// Go's `Duration.String`: `1m30s`, `1.5s`, `2ms`, `0s`.
    var goText: String {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let total = overflow ? Int64.max : product &+ attoseconds / 1_000_000_000
        let sign = total < 0 ? "-" : ""
        let value = total.magnitude
        func fraction(_ value: UInt64, _ unit: UInt64) -> String {
            let whole = value / unit
            guard value % unit != 0 else { return String(whole) }
            var digits = String(value % unit)
            let width = String(unit).utf8.count - 1
            digits = String(repeating: "0", count: width - digits.utf8.count) + digits
            while digits.hasSuffix("0") { digits.removeLast() }
            return "\(whole).\(digits)"
        }
        switch value {
        case 0: return "0s"
        case ..<1_000: return "\(sign)\(value)ns"
        case ..<1_000_000: return "\(sign)\(fraction(value, 1_000))\u{B5}s"
        case ..<1_000_000_000: return "\(sign)\(fraction(value, 1_000_000))ms"
        default: break
        }
        let wholeMinutes = value / 60_000_000_000
        let rest = fraction(value % 60_000_000_000, 1_000_000_000) + "s"
        if wholeMinutes == 0 { return sign + rest }
        if wholeMinutes < 60 { return "\(sign)\(wholeMinutes)m\(rest)" }
        return "\(sign)\(wholeMinutes / 60)h\(wholeMinutes % 60)m\(rest)"
    }
}
