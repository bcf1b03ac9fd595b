internal import ArgumentParser

/// Times as people write them.
enum TimeSpan {
    private static let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]

    /// `1h30m`, `7d`.
    static func parse(_ text: String) throws -> Duration {
        var rest = text[...]
        var seconds: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            rest = rest[digits.endIndex...]
            guard let count = Int64(digits), let unit = rest.popFirst().flatMap({ units[$0] })
            else { throw invalid(text) }
            let (part, isTooLong) = count.multipliedReportingOverflow(by: unit)
            let (sum, overflow) = seconds.addingReportingOverflow(part)
            guard !isTooLong, !overflow, sum <= maximumSeconds else { throw invalid(text) }
            seconds = sum
        }
        guard !text.isEmpty else { throw invalid(text) }
        return .seconds(seconds)
    }

    /// A century; nanoseconds of it fit the store's times.
    private static let maximumSeconds: Int64 = 100 * 366 * 86_400

    private static func invalid(_ text: String) -> ValidationError {
        ValidationError("\"\(text)\" is no time; write 90s, 15m, 1h30m or 7d")
    }
}
