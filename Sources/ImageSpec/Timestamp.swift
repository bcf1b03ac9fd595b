/// A moment as image documents write it: RFC 3339 with up to nine fractional digits.
///
/// The offset from UTC is kept, so that what was read is written back alike. Years are 0 to 9999,
/// as in the RFC; Go's zero time (`0001-01-01T00:00:00Z`) is one of them.
package struct Timestamp: Hashable, Sendable {
    /// Seconds since 1970-01-01T00:00:00Z.
    package let unixSeconds: Int64
    /// 0 to 999,999,999, counted forward from `unixSeconds`.
    package let nanoseconds: Int32
    /// East of UTC, in minutes, less than a day.
    package let offsetMinutes: Int32

    /// The moment in UTC.
    /// - Returns: nil when the year has no four digits or the nanoseconds are out of range.
    package init?(unixSeconds: Int64, nanoseconds: Int32 = 0) {
        guard (-62_167_219_200...253_402_300_799).contains(unixSeconds),
            (0..<1_000_000_000).contains(nanoseconds)
        else { return nil }
        self.unixSeconds = unixSeconds
        self.nanoseconds = nanoseconds
        self.offsetMinutes = 0
    }

    private init(local seconds: Int64, nanoseconds: Int32, offsetMinutes: Int32) {
        self.unixSeconds = seconds - Int64(offsetMinutes) * 60
        self.nanoseconds = nanoseconds
        self.offsetMinutes = offsetMinutes
    }

    /// Go's zero time, which stands for "unknown".
    package static let zero = Timestamp(local: -62_135_596_800, nanoseconds: 0, offsetMinutes: 0)

    package static let epoch = Timestamp(local: 0, nanoseconds: 0, offsetMinutes: 0)

    package var isZero: Bool { unixSeconds == Self.zero.unixSeconds && nanoseconds == 0 }
}

extension Timestamp: Comparable {
    package static func < (a: Self, b: Self) -> Bool {
        (a.unixSeconds, a.nanoseconds, a.offsetMinutes)
            < (b.unixSeconds, b.nanoseconds, b.offsetMinutes)
    }
}

// MARK: - Text

extension Timestamp: CustomStringConvertible {
    /// As Go's `time.RFC3339Nano` writes it: the fraction without trailing zeros, `Z` for UTC.
    package var description: String {
        guard nanoseconds > 0 else { return text(fraction: "", offsetMinutes: offsetMinutes) }
        var fraction = fullFraction
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return text(fraction: fraction, offsetMinutes: offsetMinutes)
    }

    /// In UTC with nine fractional digits: texts that sort as their moments do.
    package var fullText: String { fullText(offsetMinutes: 0) }

    /// With nine fractional digits, as clocks show it that are so far east of UTC.
    package func fullText(offsetMinutes: Int32) -> String {
        text(fraction: fullFraction, offsetMinutes: offsetMinutes)
    }

    /// To the second, as clocks show it that are so far east of UTC: Go's `time.RFC3339`.
    package func secondText(offsetMinutes: Int32) -> String {
        text(fraction: "", offsetMinutes: offsetMinutes)
    }

    private var fullFraction: String { ".\(Int(nanoseconds), width: 9)" }

    private func text(fraction: String, offsetMinutes: Int32) -> String {
        let local = unixSeconds + Int64(offsetMinutes) * 60
        let date = CivilDate(daysSinceEpoch: local.flooredQuotient(86_400))
        let second = Int(local.flooredRemainder(86_400))
        var text = "\(date.year, width: 4)-\(date.month, width: 2)-\(date.day, width: 2)"
        text += "T\(second / 3600, width: 2):\(second / 60 % 60, width: 2):\(second % 60, width: 2)"
        text += fraction
        guard offsetMinutes != 0 else { return text + "Z" }
        let offset = Int(abs(offsetMinutes))
        text += offsetMinutes < 0 ? "-" : "+"
        return text + "\(offset / 60, width: 2):\(offset % 60, width: 2)"
    }

    /// The moment written as RFC 3339 demands.
    /// - Returns: nil for anything else; a leap second (`:60`) is refused, as Go does.
    package init?(_ text: some StringProtocol) {
        var scanner = DigitScanner(Array(text.utf8))
        guard let year = scanner.number(digits: 4), scanner.take("-"),
            let month = scanner.number(digits: 2), scanner.take("-"),
            let day = scanner.number(digits: 2), scanner.take("T") || scanner.take("t"),
            let hour = scanner.number(digits: 2), hour < 24, scanner.take(":"),
            let minute = scanner.number(digits: 2), minute < 60, scanner.take(":"),
            let second = scanner.number(digits: 2), second < 60,
            let date = CivilDate(year: year, month: month, day: day)
        else { return nil }
        var nanoseconds: Int32 = 0
        if scanner.take(".") {
            guard let fraction = scanner.fraction() else { return nil }
            nanoseconds = fraction
        }
        var offset: Int32 = 0
        if !(scanner.take("Z") || scanner.take("z")) {
            let isWest = scanner.take("-")
            guard isWest || scanner.take("+"), let hours = scanner.number(digits: 2), hours < 24,
                scanner.take(":"), let minutes = scanner.number(digits: 2), minutes < 60
            else { return nil }
            offset = Int32(hours * 60 + minutes) * (isWest ? -1 : 1)
        }
        guard scanner.isAtEnd else { return nil }
        let seconds = date.daysSinceEpoch * 86_400 + Int64(hour * 3600 + minute * 60 + second)
        self.init(local: seconds, nanoseconds: nanoseconds, offsetMinutes: offset)
    }

    /// The moment written at `place` of a document.
    /// - Throws: `invalidTimestamp`.
    package init(parsing text: String, at place: String) throws(ImageSpecError) {
        guard let timestamp = Timestamp(text) else {
            throw ImageSpecError(
                .invalidTimestamp, "\"\(place)\" is \"\(text.prefix(100))\", which is no time",
                hint: "times are written like 2024-05-31T12:00:00.5Z", subject: text)
        }
        self = timestamp
    }
}

/// Reads numbers of fixed width.
private struct DigitScanner {
    private let text: [UInt8]
    private var position = 0

    init(_ text: [UInt8]) { self.text = text }

    var isAtEnd: Bool { position == text.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < text.count, UInt32(text[position]) == character.value else { return false }
        position += 1
        return true
    }

    private mutating func digit() -> Int? {
        guard position < text.count, text[position] >= 0x30, text[position] <= 0x39 else {
            return nil
        }
        defer { position += 1 }
        return Int(text[position] - 0x30)
    }

    mutating func number(digits: Int) -> Int? {
        var value = 0
        for _ in 0..<digits {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// The digits after the point as nanoseconds; those after the ninth are dropped.
    mutating func fraction() -> Int32? {
        guard var value = digit().map(Int32.init) else { return nil }
        var digits = 1
        while let digit = digit() {
            guard digits < 9 else { continue }
            value = value * 10 + Int32(digit)
            digits += 1
        }
        while digits < 9 {
            value *= 10
            digits += 1
        }
        return value
    }
}

extension Int64 {
    fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
        self / divisor - (self % divisor < 0 ? 1 : 0)
    }

    fileprivate func flooredRemainder(_ divisor: Int64) -> Int64 {
        self - flooredQuotient(divisor) * divisor
    }
}

extension DefaultStringInterpolation {
    fileprivate mutating func appendInterpolation(_ value: Int, width: Int) {
        let digits = String(value)
        appendLiteral(String(repeating: "0", count: max(0, width - digits.count)))
        appendLiteral(digits)
    }
}
