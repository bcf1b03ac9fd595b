/// Sizes as Docker's options write them: `512`, `64m`, `1.5 GiB`; units are powers of 1024
/// (docker/go-units, `RAMInBytes`).
package enum ByteSize {
    private static let units = "kmgtp"

    /// - Returns: nil for what is no size, or one past `Int64`.
    package static func parse(_ text: String) -> Int64? {
        let lower = text.asciiLowercased
        let number = lower.prefix { ("0"..."9").contains($0) || $0 == "." }
        var rest = lower.dropFirst(number.count)
        guard number.first != ".", number.last != ".", let value = Double(number) else {
            return nil
        }
        if rest.first == " " { rest.removeFirst() }
        var factor: Double = 1
        if let unit = rest.first, let power = units.firstIndex(of: unit) {
            rest.removeFirst()
            for _ in 0...units.distance(from: units.startIndex, to: power) { factor *= 1024 }
            if rest.first == "i" { rest.removeFirst() }
        }
        if rest.first == "b" { rest.removeFirst() }
        guard rest.isEmpty, value * factor < 9.2e18 else { return nil }
        return Int64(value * factor)
    }
}
