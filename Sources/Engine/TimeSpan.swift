/// Times as people and Go write them: `90s`, `1h30m`, `1.5h`, `100ms`, `7d`.
package enum TimeSpan {
    private static let nanoseconds: [Substring: Int64] = [
        "ns": 1, "us": 1000, "µs": 1000, "ms": 1_000_000, "s": 1_000_000_000,
        "m": 60_000_000_000, "h": 3_600_000_000_000, "d": 86_400_000_000_000,
    ]

    /// - Throws: ``EngineError`` `invalid`.
    package static func parse(_ text: String) throws -> Duration {
        var rest = text[...]
        var sum: Int64 = 0
        while !rest.isEmpty {
            let number = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
            let unit = rest[number.endIndex...].prefix { $0.isLetter }
            rest = rest[unit.endIndex...]
            guard let count = Double(number), let unit = nanoseconds[unit],
                count * Double(unit) <= Double(maximum)
            else { throw invalid(text) }
            // A whole number of units is exact.
            sum += Int64(count) * unit + Int64((count - count.rounded(.down)) * Double(unit))
            guard sum <= maximum else { throw invalid(text) }
        }
        guard !text.isEmpty else { throw invalid(text) }
        return .nanoseconds(sum)
    }

    /// A century; nanoseconds of it fit the store's times.
    private static let maximum: Int64 = 100 * 366 * 86_400 * 1_000_000_000

    private static func invalid(_ text: String) -> EngineError {
        EngineError(.invalid, "\"\(text)\" is no time; write 90s, 15m, 1h30m or 7d")
    }
}
