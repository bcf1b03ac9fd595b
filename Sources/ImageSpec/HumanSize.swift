/// Sizes as Docker's tables print and its options take them.
package enum HumanSize {
    private static let decimalUnits = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
    private static let binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

    /// Three significant digits and a power of 1000, as in `docker images`: `77.8MB`.
    ///
    /// What rounds to 1000 moves to the next unit (`1GB`), where Docker prints `1e+03MB`.
    package static func decimal(_ bytes: Int64) -> String {
        format(bytes, base: 1000, units: decimalUnits, significantDigits: 3)
    }

    /// Four significant digits and a power of 1024, as in `docker stats`: `74.21MiB`.
    package static func binary(_ bytes: Int64) -> String {
        format(bytes, base: 1024, units: binaryUnits, significantDigits: 4)
    }

    private static func format(
        _ bytes: Int64, base: Double, units: [String], significantDigits: Int
    ) -> String {
        var value = Double(bytes.magnitude)
        var unit = 0
        while value >= base, unit < units.count - 1 {
            value /= base
            unit += 1
        }
        var text = significant(value, significantDigits)
        if let rounded = Double(text), rounded >= base, unit < units.count - 1 {
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

    /// The bytes of a size as Docker's options take it: `512m`, `1.5GiB`, `64kb`, `10`; units are
    /// powers of 1024 whatever their spelling.
    /// - Throws: `invalidSize`.
    package static func parse(_ text: String) throws(ImageSpecError) -> Int64 {
        let failure = ImageSpecError(
            .invalidSize, "\"\(text.prefix(100))\" is no size",
            hint: "a size is a number and a unit of b, k, m, g, t or p, like 512m", subject: text)
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        var unit = text.dropFirst(number.count).lowercased()[...]
        if unit.hasPrefix(" ") { unit = unit.dropFirst() }
        var exponent = 0
        if let position = unit.first.flatMap({ Array("bkmgtp").firstIndex(of: $0) }) {
            exponent = position
            unit = unit.dropFirst()
            if exponent > 0, unit.hasPrefix("i") { unit = unit.dropFirst() }
            if exponent > 0, unit.hasPrefix("b") { unit = unit.dropFirst() }
        }
        guard unit.isEmpty, !number.isEmpty, number.first != ".", number.last != ".",
            let value = Double(number)
        else { throw failure }
        let bytes = value * Double(Int64(1) << (10 * exponent))
        guard bytes < 9.2e18 else { throw failure }
        return Int64(bytes)
    }
}
