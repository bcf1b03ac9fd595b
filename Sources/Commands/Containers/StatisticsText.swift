internal import Engine
internal import ImageSpec

/// Figures of containers, written as Docker writes them.
enum StatisticsText {
    private static let binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]

    /// `1.953GiB` (docker/go-units, `BytesSize`): four significant digits.
    static func binary(_ bytes: UInt64) -> String {
        var value = Double(bytes)
        var unit = 0
        while value >= 1024, unit < binaryUnits.count - 1 {
            value /= 1024
            unit += 1
        }
        let whole = String(Int64(value)).count
        let decimals = max(0, 4 - whole)
        return trimmed(value, decimals) + binaryUnits[unit]
    }

    /// `1.2kB / 3.4MB`
    static func pair(_ first: UInt64, _ second: UInt64) -> String {
        [first, second].map { HumanSize.decimal(Int64(clamping: $0)) }.joined(separator: " / ")
    }

    /// Two decimals and a sign.
    static func percent(_ part: Double, of whole: Double) -> String {
        let share = whole > 0 ? part / whole * 100 : 0
        return fixed(share, 2) + "%"
    }

    /// Of one processor; more than 100 % with several.
    static func processors(
        from before: ContainerStatistics?, to now: ContainerStatistics
    ) -> String {
        guard let before, now.cpuNanoseconds >= before.cpuNanoseconds else {
            return percent(0, of: 1)
        }
        let parts = (now.moment - before.moment).components
        let time = Double(parts.seconds) * 1e9 + Double(parts.attoseconds) / 1e9
        return percent(Double(now.cpuNanoseconds - before.cpuNanoseconds), of: time)
    }

    private static func fixed(_ value: Double, _ decimals: Int) -> String {
        let scale = (0..<decimals).reduce(Int64(1)) { scale, _ in scale * 10 }
        let scaled = Int64((min(value, 1e12) * Double(scale)).rounded())
        let fraction = String(scaled % scale)
        if decimals == 0 { return String(scaled) }
        return "\(scaled / scale)."
            + String(repeating: "0", count: decimals - fraction.count) + fraction
    }

    private static func trimmed(_ value: Double, _ decimals: Int) -> String {
        var text = fixed(value, decimals)
        guard text.contains(".") else { return text }
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text
    }
}
