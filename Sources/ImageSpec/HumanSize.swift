/// Sizes as Docker's tables print them.
package enum HumanSize {
    private static let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]

    /// Three significant digits and a power of 1000, as in `docker images`: `77.8MB`.
    ///
    /// What rounds to 1000 moves to the next unit (`1GB`), where Docker prints `1e+03MB`.
    package static func decimal(_ bytes: Int64) -> String {
        var value = Double(bytes.magnitude)
        var unit = 0
        while value >= 1000, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        var text = significant(value, 3)
        if let rounded = Double(text), rounded >= 1000, unit < units.count - 1 {
            text = "1"
            unit += 1
        }
        return (bytes < 0 ? "-" : "") + text + units[unit]
    }

    /// C's `%.Ng` for 0 and for values from 1 to 9999, without exponents.
    private static func significant(_ value: Double, _ digits: Int) -> String {
        var wholeDigits = 1
        while wholeDigits < digits, value >= powerOfTen(wholeDigits) { wholeDigits += 1 }
        let decimals = digits - wholeDigits
        let scale = powerOfTen(decimals)
        let scaled = Int64((value * scale).rounded(.toNearestOrEven))
        let whole = String(scaled / Int64(scale))
        var fraction = String(scaled % Int64(scale))
        guard decimals > 0 else { return whole }
        fraction = String(repeating: "0", count: decimals - fraction.count) + fraction
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return fraction.isEmpty ? whole : whole + "." + fraction
    }

    private static func powerOfTen(_ exponent: Int) -> Double {
        (0..<exponent).reduce(1) { value, _ in value * 10 }
    }
}
