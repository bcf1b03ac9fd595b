/// Reads durations as Go writes them: `1h30m`, `1.5s`, `-2ms`, `0`.
package enum GoDuration {
    private static let units: [(name: [UInt8], nanoseconds: UInt64)] = [
        // Longest first, so that `ms` is not read as `m`.
        (Array("ns".utf8), 1), (Array("us".utf8), 1_000), (Array("\u{B5}s".utf8), 1_000),
        (Array("\u{3BC}s".utf8), 1_000), (Array("ms".utf8), 1_000_000),
        (Array("s".utf8), 1_000_000_000), (Array("m".utf8), 60_000_000_000),
        (Array("h".utf8), 3_600_000_000_000),
    ]

    /// - Throws: `invalidDuration`, without a place.
    package static func parse(_ text: String) throws(DockerfileError) -> Duration {
        var rest = Array(text.utf8)[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        if rest.elementsEqual("0".utf8) { return .zero }
        guard !rest.isEmpty else { throw invalid(text) }
        var total: UInt64 = 0
        while !rest.isEmpty {
            let piece = try takePiece(&rest, of: text)
            let (sum, overflow) = total.addingReportingOverflow(piece)
            guard !overflow, sum <= 1 << 63 else { throw invalid(text) }
            total = sum
        }
        guard isNegative || total < 1 << 63 else { throw invalid(text) }
        let nanoseconds = isNegative ? Int64(truncatingIfNeeded: 0 &- total) : Int64(total)
        return .nanoseconds(nanoseconds)
    }

    /// Takes a number and its unit.
    private static func takePiece(
        _ rest: inout ArraySlice<UInt8>, of text: String
    ) throws(DockerfileError) -> UInt64 {
        let whole = rest.prefix(while: \.isASCIIDigit)
        rest = rest[whole.endIndex...]
        var fraction = rest.prefix(0)
        var hasPoint = false
        if rest.first == UInt8(ascii: ".") {
            hasPoint = true
            fraction = rest.dropFirst().prefix(while: \.isASCIIDigit)
            rest = rest[fraction.endIndex...]
        }
        guard !whole.isEmpty || (hasPoint && !fraction.isEmpty) else { throw invalid(text) }
        let unitName = rest.prefix { $0 != UInt8(ascii: ".") && !$0.isASCIIDigit }
        rest = rest[unitName.endIndex...]
        guard !unitName.isEmpty else {
            throw invalid(text, "missing unit in duration \(text.quoted)")
        }
        guard let unit = units.first(where: { $0.name.elementsEqual(unitName) }) else {
            throw invalid(
                text, "unknown unit \(unitName.decoded.quoted) in duration \(text.quoted)")
        }
        guard let count = whole.isEmpty ? 0 : UInt64(whole.decoded) else { throw invalid(text) }
        let (product, overflow) = count.multipliedReportingOverflow(by: unit.nanoseconds)
        guard !overflow, product <= 1 << 63 else { throw invalid(text) }
        // At most 2^63 plus less than one hour: no overflow.
        return product + fractionNanoseconds(fraction, of: unit.nanoseconds)
    }

    private static func fractionNanoseconds(
        _ digits: ArraySlice<UInt8>, of unit: UInt64
    ) -> UInt64 {
        // Digits that would not fit weigh less than a nanosecond.
        var value: UInt64 = 0
        var scale = 1.0
        for digit in digits {
            guard value <= UInt64(Int64.max) / 10 else { break }
            let next = value * 10 + UInt64(digit - 0x30)
            guard next <= 1 << 63 else { break }
            value = next
            scale *= 10
        }
        return UInt64(Double(value) * (Double(unit) / scale))
    }

    private static func invalid(_ text: String, _ reason: String? = nil) -> DockerfileError {
        DockerfileError(
            .invalidDuration, "time: \(reason ?? "invalid duration \(text.quoted)")",
            offending: text, expected: "a duration such as 30s, 1m30s or 500ms")
    }
}
