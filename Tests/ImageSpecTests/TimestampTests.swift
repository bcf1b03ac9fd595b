import Testing

@testable import ImageSpec

@Suite struct TimestampTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("2024-02-29T23:59:59.123456789Z", 1_709_251_199, 123_456_789),
            ("2000-01-01T00:00:00.5Z", 946_684_800, 500_000_000),
            ("0001-01-01T00:00:00Z", -62_135_596_800, 0),
            ("1969-12-31T23:59:59.9Z", -1, 900_000_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799, 0),
            ("2024-05-31T12:00:00+02:00", 1_717_149_600, 0),
            ("2024-05-31T12:00:00-05:30", 1_717_176_600, 0),
            ("0000-01-01T00:00:00Z", -62_167_219_200, 0),
        ] as [(String, Int64, Int32)])
    func `a time is read and written back`(
        _ text: String, _ seconds: Int64, _ nanoseconds: Int32
    ) throws {
        let timestamp = try #require(Timestamp(text))
        #expect(timestamp.unixSeconds == seconds)
        #expect(timestamp.nanoseconds == nanoseconds)
        #expect(timestamp.description == text)
    }

    @Test(arguments: [
        ("2024-05-31T12:00:00.500Z", "2024-05-31T12:00:00.5Z"),
        ("2024-05-31t12:00:00z", "2024-05-31T12:00:00Z"),
        ("2024-05-31T12:00:00+00:00", "2024-05-31T12:00:00Z"),
        ("2024-05-31T12:00:00.1234567899Z", "2024-05-31T12:00:00.123456789Z"),
    ])
    func `other spellings are written as Go does it`(_ text: String, _ expected: String) {
        #expect(Timestamp(text)?.description == expected)
    }

    @Test(arguments: [
        "", "now", "2024-05-31", "2024-05-31 12:00:00Z", "2024-05-31T12:00:00",
        "2024-13-01T00:00:00Z",
        "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2024-00-01T00:00:00Z",
        "2024-01-00T00:00:00Z",
        "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00Zx", "24-01-01T00:00:00Z",
    ])
    func `what is no time is refused`(_ text: String) { #expect(Timestamp(text) == nil) }

    @Test func `every day of four centuries survives the calendar`() {
        for day in Int64(-719_528)...(-719_528 + 146_097 * 2) {
            let date = CivilDate(daysSinceEpoch: day)
            #expect(
                CivilDate(year: date.year, month: date.month, day: date.day)?.daysSinceEpoch == day)
        }
    }

    @Test func `moments are ordered whatever their offset`() throws {
        let early = try #require(Timestamp("2024-05-31T12:00:00+02:00"))
        let late = try #require(Timestamp("2024-05-31T11:00:00Z"))
        #expect(early < late)
        #expect(Timestamp(unixSeconds: 253_402_300_800) == nil)
        #expect(Timestamp(unixSeconds: 0, nanoseconds: 1_000_000_000) == nil)
        #expect(Timestamp.zero.isZero)
    }
}

@Suite struct HumanTextTests {
    @Test(
        arguments: [
            (0, "0B"), (1, "1B"), (999, "999B"), (1000, "1kB"), (1024, "1.02kB"),
            (77_800_000, "77.8MB"),
            (77_849_000, "77.8MB"), (123_456_789, "123MB"), (999_900_000, "1GB"),
            (999_499_999, "999MB"),
            (1_500_000_000, "1.5GB"), (9_995_000, "9.99MB"), (-2_000, "-2kB"),
            (Int64.max, "9.22EB"),
        ] as [(Int64, String)])
    func `a size has three digits`(_ bytes: Int64, _ expected: String) {
        #expect(HumanSize.decimal(bytes) == expected)
    }

    @Test(
        arguments: [
            (0, "Less than a second"), (1, "1 second"), (59, "59 seconds"), (60, "About a minute"),
            (120, "2 minutes"), (3_599, "59 minutes"), (3_600, "About an hour"),
            (5_399, "About an hour"),
            (5_400, "2 hours"), (2 * 86_400 - 1_801, "47 hours"), (2 * 86_400, "2 days"),
            (14 * 86_400, "2 weeks"),
            (60 * 86_400, "2 months"), (2 * 365 * 86_400, "2 years"), (-5, "Less than a second"),
        ] as [(Int64, String)])
    func `a duration is told in words`(_ seconds: Int64, _ expected: String) {
        #expect(HumanDuration.text(.seconds(seconds)) == expected)
    }

    @Test func `a moment lies back`() throws {
        let now = try #require(Timestamp(unixSeconds: 10 * 86_400))
        #expect(HumanDuration.ago(.epoch, now: now) == "10 days ago")
        #expect(HumanDuration.ago(.zero, now: now) == "N/A")
    }
}
