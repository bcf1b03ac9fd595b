import Testing

@testable import Dockerfile

@Suite("Durations")
struct GoDurationTests {
    @Test(
        "a duration reads as Go reads it",
        arguments: [
            ("0", 0), ("+0", 0), ("-0", 0), ("0s", 0), ("5s", 5_000_000_000),
            ("+5s", 5_000_000_000),
            ("-5s", -5_000_000_000), ("30m", 1_800_000_000_000), ("1h", 3_600_000_000_000),
            ("1h2m3s4ms5us6ns", 3_723_004_005_006), ("1.5s", 1_500_000_000), (".5s", 500_000_000),
            ("5.s", 5_000_000_000), ("1.004s", 1_004_000_000), ("10.5s4m", 250_500_000_000),
            ("12\u{B5}s", 12_000), ("12\u{3BC}s", 12_000), ("12us", 12_000), ("3ns3ns", 6),
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("0.100000000000000000000h", 360_000_000_000),
            ("9223372036854775807ns", 9_223_372_036_854_775_807),
            ("9223372036.854775807s", 9_223_372_036_854_775_807),
            ("-9223372036854775808ns", -9_223_372_036_854_775_808),
            ("-9223372036.854775808s", -9_223_372_036_854_775_808),
        ] as [(String, Int64)])
    func reading(text: String, nanoseconds: Int64) throws {
        #expect(try GoDuration.parse(text) == .nanoseconds(nanoseconds))
    }

    @Test(
        "what Go refuses is refused in its words",
        arguments: [
            ("", "invalid duration \"\""), ("3", "missing unit in duration \"3\""),
            ("-", "invalid duration \"-\""), ("s", "invalid duration \"s\""),
            (".", "invalid duration \".\""), ("-.", "invalid duration \"-.\""),
            (".s", "invalid duration \".s\""), ("+.s", "invalid duration \"+.s\""),
            ("1d", "unknown unit \"d\" in duration \"1d\""), (" 1s", "invalid duration \" 1s\""),
            ("1s ", "unknown unit \"s \" in duration \"1s \""),
            ("9223372036854775808ns", "invalid duration \"9223372036854775808ns\""),
            ("-9223372036854775809ns", "invalid duration \"-9223372036854775809ns\""),
            ("9223372036854775810ns", "invalid duration \"9223372036854775810ns\""),
            ("3000000h", "invalid duration \"3000000h\""),
            ("99999999999999999999s", "invalid duration \"99999999999999999999s\""),
        ])
    func refusal(text: String, message: String) {
        let error = #expect(throws: DockerfileError.self) { try GoDuration.parse(text) }
        #expect(error?.code == .invalidDuration)
        #expect(error?.message == "time: \(message)")
    }
}
