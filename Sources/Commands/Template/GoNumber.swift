internal import Foundation
internal import ImageSpec

/// Numbers with a point as Go writes them (strconv, `FormatFloat`).
enum GoNumber {
    /// As few digits as tell the number apart; below 0.0001 and from 1000000 on with an exponent.
    static func shortest(_ number: Double) -> String {
        guard number.isFinite else { return special(number) }
        // Swift's own is the shortest, too, in another form.
        let text = "\(number.magnitude)".lowercased()
        let parts = text.split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let whole = String(mantissa[0])
        var digits = whole + (mantissa.count == 2 ? String(mantissa[1]) : "")
        var point = whole.count + (parts.count == 2 ? Int(parts[1]) ?? 0 : 0)
        let zeros = digits.prefix { $0 == "0" }.count
        digits.removeFirst(zeros)
        point -= zeros
        while digits.last == "0" { digits.removeLast() }
        let sign = number.sign == .minus ? "-" : ""
        guard !digits.isEmpty else { return sign + "0" }
        let exponent = point - 1
        if exponent < -4 || exponent >= maximumPlainDigits {
            let tail = digits.count > 1 ? ".\(digits.dropFirst())" : ""
            return "\(sign)\(digits.prefix(1))\(tail)e\(exponentText(exponent))"
        }
        if point <= 0 { return "\(sign)0.\(String(repeating: "0", count: -point))\(digits)" }
        if point >= digits.count {
            return "\(sign)\(digits)\(String(repeating: "0", count: point - digits.count))"
        }
        return "\(sign)\(digits.prefix(point)).\(digits.dropFirst(point))"
    }

    /// With more digits before the point there is an exponent.
    private static let maximumPlainDigits = 6

    /// A number of a template: `12`, `-0x1F`, `0b11`, `017`, `1_000`, `1.5e3`, `0x1p4`.
    /// - Returns: nil for what is none, or does not fit.
    static func literal(_ text: String) -> JSONValue? {
        let isNegative = text.hasPrefix("-")
        let unsigned = String(isNegative || text.hasPrefix("+") ? text.dropFirst() : text[...])
        if let magnitude = whole(unsigned) {
            return Int64((isNegative ? "-" : "") + String(magnitude)).map { JSONValue($0) }
        }
        // Whole numbers that do not fit are none.
        guard unsigned.contains(where: { ".eEpP".contains($0) }),
            let first = unsigned.utf8.first, first == 46 || (48...57).contains(first),
            let number = Double((isNegative ? "-" : "") + unsigned.filter { $0 != "_" }),
            number.isFinite
        else { return nil }
        // With a point, it stays a number that may have one.
        return .number("\(number)")
    }

    private static func whole(_ text: String) -> UInt64? {
        let digits = text.filter { $0 != "_" }.lowercased()
        for (prefix, radix) in [("0x", 16), ("0b", 2), ("0o", 8)] where digits.hasPrefix(prefix) {
            return UInt64(digits.dropFirst(2), radix: radix)
        }
        guard digits.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return UInt64(digits, radix: digits.count > 1 && digits.hasPrefix("0") ? 8 : 10)
    }

    static func fixed(_ number: Double, _ precision: Int) -> String {
        number.isFinite ? String(format: "%.\(precision)f", number) : special(number)
    }

    static func scientific(_ number: Double, _ precision: Int) -> String {
        number.isFinite ? String(format: "%.\(precision)e", number) : special(number)
    }

    static func general(_ number: Double, _ precision: Int) -> String {
        number.isFinite ? String(format: "%.\(precision)g", number) : special(number)
    }

    /// `0x1.8p+00`
    static func hexadecimal(_ number: Double) -> String {
        guard number.isFinite else { return special(number) }
        let parts = String(format: "%a", number).split(separator: "p")
        guard parts.count == 2, let exponent = Int(parts[1]) else { return special(number) }
        return "\(parts[0])p\(exponentText(exponent))"
    }

    /// The mantissa as a whole number, and the power of two it is multiplied by.
    static func binary(_ number: Double) -> String {
        guard number.isFinite else { return special(number) }
        let bits = Double.significandBitCount
        let isNormal = number.isNormal
        let mantissa = number.significandBitPattern | (isNormal ? 1 << UInt64(bits) : 0)
        let exponent = Int(isNormal ? number.exponentBitPattern : 1) - 1075
        return (number.sign == .minus ? "-" : "")
            + "\(mantissa)p\(exponent < 0 ? "" : "+")\(exponent)"
    }

    private static func exponentText(_ exponent: Int) -> String {
        (exponent < 0 ? "-" : "+") + (exponent.magnitude < 10 ? "0" : "") + "\(exponent.magnitude)"
    }

    private static func special(_ number: Double) -> String {
        number.isNaN ? "NaN" : number < 0 ? "-Inf" : "+Inf"
    }
}
