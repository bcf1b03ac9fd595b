internal import Glibc
internal import ImageSpec
internal import Store

/// A moment as people write it: absolute, or so long ago; with `-`, so long from now.
package enum PointInTime {
    /// - Returns: nanoseconds since 1970.
    /// - Throws: ``EngineError`` `invalid`.
    package static func parse(_ text: String) throws -> Int64 {
        // date(1) has a comma before the fraction.
        let written = String(text.map { $0 == "," ? "." : $0 })
        if let moment = Timestamp(written) { return moment.nanosecondsSinceEpoch }
        // As Docker: a time without a zone is local, its seconds and minutes may be left out, and a
        // date alone is its midnight.
        for rest in ["Z", ":00Z", ":00:00Z", "T00:00:00Z"] {
            if let moment = Timestamp(written + rest) { return local(moment.nanosecondsSinceEpoch) }
        }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        if !text.hasPrefix("-"), let seconds = Int64(parts[0]),
            parts.count == 1 || Int64(parts[1]) != nil
        {
            let fraction = parts.count == 2 ? String(parts[1].prefix(9)) : ""
            let nanoseconds = Int64(fraction.padding(to: 9)) ?? 0
            let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
            if !overflow { return product &+ nanoseconds }
        }
        // As Go: a time that has a sign may be one to come.
        let sign = text.first.flatMap { $0 == "-" || $0 == "+" ? $0 : nil }
        if let span = try? TimeSpan.parse(sign == nil ? text : String(text.dropFirst())) {
            let (seconds, attoseconds) = span.components
            let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
            return Store.now() + (sign == "-" ? nanoseconds : -nanoseconds)
        }
        throw EngineError(
            .invalid,
            "\"\(text)\" is no time; write 2026-11-27T09:15:00Z, seconds since 1970, or 10m")
    }

    /// The moment when clocks here show what those of UTC show at another one (tzset(3)).
    private static func local(_ nanoseconds: Int64) -> Int64 {
        let second: Int64 = 1_000_000_000
        var time = time_t(nanoseconds / second)
        var fields = unsafe tm()
        _ = unsafe gmtime_r(&time, &fields)
        unsafe fields.tm_isdst = -1
        return Int64(unsafe mktime(&fields)) * second + nanoseconds % second
    }
}

extension String {
    fileprivate func padding(to count: Int) -> String {
        self + String(repeating: "0", count: Swift.max(0, count - utf8.count))
    }
}
