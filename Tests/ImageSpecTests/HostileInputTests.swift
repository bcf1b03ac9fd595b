import Testing

@testable import ImageSpec

/// SplitMix64: the same numbers in every run.
private struct FixedGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// Errors are fine; a trap fails the whole run.
@Suite struct HostileInputTests {
    private let document = Array(
        (#"{"architecture":"amd64","config":{"Env":["A=1"],"Labels":{"a":"\u00e9\n"},"Healthcheck":"#
            + #"{"Interval":30000000000,"Retries":3}},"created":"2024-05-31T12:00:00.5Z","history":"#
            + #"[{"created":"0001-01-01T00:00:00Z","empty_layer":true}],"os":"linux","rootfs":{"type":"#
            + #""layers","diff_ids":["sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"]}}"#)
            .utf8)

    private func mutations(_ seed: [UInt8], count: Int, _ body: ([UInt8]) -> Void) {
        var generator = FixedGenerator(state: 1)
        let tokens = Array("{}[]\",:\\u0-9eE.tfn+".utf8)
        for _ in 0..<count {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes[place] = tokens.randomElement(using: &generator) ?? 0
                case 2: bytes.removeSubrange(place..<min(place + 5, bytes.count))
                default: bytes.insert(contentsOf: bytes[place...].prefix(20), at: place)
                }
            }
            body(bytes)
        }
    }

    @Test func `damaged configs are refused or read alike twice`() {
        mutations(document, count: 5_000) { bytes in
            guard let config = try? ImageConfig(bytes: bytes) else { return }
            let again = try? ImageConfig(bytes: config.encoded)
            // Members that nobody knows are sorted when they are written.
            #expect(again?.encoded == config.encoded)
            _ = (config.platform, config.warnings, config.layerHistory, config.imageID)
        }
    }

    @Test func `numbers at the edge are refused or kept`() throws {
        for number in ["9223372036854775807", "-9223372036854775808", "9223372036854775808", "-0"] {
            let text =
                #"{"rootfs":{},"config":{"Healthcheck":{"Interval":\#(number),"Retries":\#(number)}}}"#
            guard let config = try? ImageConfig(bytes: Array(text.utf8)) else { continue }
            #expect(try ImageConfig(bytes: config.encoded) == config)
        }
    }

    @Test func `damaged references are refused or read alike twice`() {
        let seed =
            Array("registry.example.com:5000/org/na__me-x.y:tag_1@sha256:".utf8)
            + Array(repeating: UInt8(ascii: "a"), count: 64)
        mutations(seed, count: 20_000) { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            guard let reference = try? Reference(parsing: text) else { return }
            #expect((try? Reference(parsing: reference.canonical)) == reference)
            #expect((try? Reference(parsing: reference.familiarName)) == reference)
            #expect(!reference.canonical.contains(".."), "\(text)")
        }
    }

    @Test func `damaged times, platforms and sizes do not trap`() {
        mutations(Array("2024-05-31T12:00:00.123456789+05:30".utf8), count: 5_000) { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            if let time = Timestamp(text) { #expect(Timestamp(time.description) == time) }
        }
        mutations(Array("linux/arm64/v8".utf8), count: 2_000) { bytes in
            _ = (try? Platform.parse(String(decoding: bytes, as: UTF8.self)))?.runnable
        }
    }
}
