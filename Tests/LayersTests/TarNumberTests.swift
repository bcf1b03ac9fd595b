import Testing

@testable import Layers

@Suite struct TarNumberTests {
    @Test(
        "numeric fields are octal text between spaces and NULs, or base 256",
        arguments: [
            (Array("0000644\0".utf8), 0o644),
            (Array("   644 \0".utf8), 0o644),
            (Array("        ".utf8), 0),
            ([UInt8](repeating: 0, count: 8), 0),
            (Array("12345670".utf8), 0o12345670),
            (Array("777777777777".utf8), 0o777777777777),
            ([0x80, 0, 0, 0, 0, 0, 0, 5], 5),
            ([0x80, 0, 0, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF], 549_755_813_887),
            ([UInt8](repeating: 0xFF, count: 8), -1),
            ([UInt8](repeating: 0xFF, count: 11) + [0xFE], -2),
            ([0x80, 0, 0, 0] + [0x7F] + [UInt8](repeating: 0xFF, count: 7), Int64.max),
            ([0xFF, 0xFF, 0xFF, 0xFF] + [0x80] + [UInt8](repeating: 0, count: 7), Int64.min),
        ] as [([UInt8], Int64)])
    func fields(bytes: [UInt8], value: Int64) throws {
        #expect(try TarNumber.field(bytes) == value)
    }

    @Test(
        "fields that are no numbers are refused",
        arguments: [
            Array("0000648\0".utf8), Array("64-4".utf8), Array("12 34".utf8), Array("0x1f".utf8),
            [0x80, 0, 0, 0] + [0x80] + [UInt8](repeating: 0, count: 7),
            [0x80, 0, 0, 1] + [UInt8](repeating: 0, count: 8),
            [0xBF] + [UInt8](repeating: 0xFF, count: 11),
            [0xC0] + [UInt8](repeating: 0, count: 11),
            Array("7777777777777777777777777".utf8),
        ] as [[UInt8]])
    func badFields(bytes: [UInt8]) {
        #expect(throws: TarError.self) { try TarNumber.field(bytes) }
    }

    @Test(
        "pax times round down to whole seconds",
        arguments: [
            ("0", 0, 0), ("1350244992.023960108", 1_350_244_992, 23_960_108),
            ("1.5", 1, 500_000_000), ("1.", 1, 0), ("1.000000000999", 1, 0),
            ("-1", -1, 0), ("-1.5", -2, 500_000_000), ("-0.5", -1, 500_000_000),
            ("-0.000000001", -1, 999_999_999), ("-0.0000000001", 0, 0), ("-1.000", -1, 0),
            ("9223372036854775807.9", Int64.max, 900_000_000),
            ("-9223372036854775808", Int64.min, 0),
        ] as [(String, Int64, UInt32)])
    func times(text: String, seconds: Int64, nanoseconds: UInt32) throws {
        let time = try TarNumber.time(text)
        #expect(time == TarTime(seconds: seconds, nanoseconds: nanoseconds))
    }

    @Test(
        "texts that are no times are refused",
        arguments: [
            "", ".", "-", ".5", "-.5", "1.5.", "1,5", "1e5", "+1", " 1", "1 ", "1.-5", "--1",
            "9223372036854775808", "-9223372036854775808.5",
        ])
    func badTimes(text: String) {
        #expect(throws: TarError.self) { try TarNumber.time(text) }
    }

    @Test(
        "times are written as Go writes them, and read back",
        arguments: [
            (0, 0, "0"), (1, 500_000_000, "1.5"), (1, 1, "1.000000001"), (-1, 0, "-1"),
            (-2, 500_000_000, "-1.5"), (-1, 500_000_000, "-0.5"), (-1, 999_999_999, "-0.000000001"),
            (Int64.min, 1, "-9223372036854775807.999999999"),
        ] as [(Int64, UInt32, String)])
    func timeText(seconds: Int64, nanoseconds: UInt32, text: String) throws {
        let time = TarTime(seconds: seconds, nanoseconds: nanoseconds)
        #expect(TarNumber.text(of: time) == text)
        #expect(try TarNumber.time(text) == time)
    }

    @Test(
        "padding fills a block for every size",
        arguments: [(0, 0), (1, 511), (511, 1), (512, 0), (513, 511), (Int64.max, 1)]
            as [(Int64, Int)])
    func padding(size: Int64, padding: Int) {
        #expect(TarLayout.paddingBytes(after: size) == padding)
    }
}
