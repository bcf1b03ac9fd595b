internal import Dockerfile

// Text as Go's fmt package writes it, which is how BuildKit writes an image's history.

extension [String] {
    /// `%q` of a slice of strings: `["a" "b"]`.
    var goQuoted: String { "[" + map(\.quoted).joined(separator: " ") + "]" }

    /// `%v` of a slice of strings: `[a b]`.
    var goList: String { "[" + joined(separator: " ") + "]" }
}

extension Duration {
    /// Go's `Duration.String`: `1m30s`, `1.5s`, `2ms`, `0s`.
    package var goText: String {
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
