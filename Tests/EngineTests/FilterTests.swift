import ImageSpec
import Testing

@testable import Engine
@testable import Store

@Suite("Filters of lists")
struct FilterTests {
    @Test(
        "a key has no case, and blanks around it and its value are nothing",
        arguments: [
            ("label=a=b", "label", "a=b"), ("Label = a = b ", "label", "a = b"),
            ("label!=a", "label!", "a"), ("name=", "name", ""), ("=", "", ""),
        ])
    func text(_ text: String, _ key: String, _ value: String) throws {
        let filter = try FilterText(text)
        #expect(filter.key == key)
        #expect(filter.value == value)
    }

    @Test("without an equals sign it is no filter", arguments: ["", "name", "label!"])
    func noFilter(_ text: String) {
        #expect(throws: EngineError.self) { _ = try FilterText(text) }
    }

    @Test(
        "containers: what there is no filter for is refused",
        arguments: [
            "nosuch=x", "=x", "status=here", "exited=x", "name=[", "publish=x", "expose=9-8",
            "health=", "until=1h",
        ])
    func containers(_ text: String) {
        #expect(throws: EngineError.self) { _ = try ContainerFilter([try FilterText(text)]) }
    }

    @Test(
        "ports are one or a range, of TCP unless the other is named",
        arguments: [
            ("80", "80/tcp", true), ("80/tcp", "80/tcp", true), ("80", "80/udp", false),
            ("80/udp", "80/udp", true), ("79-81", "80/tcp", true), ("81-90/tcp", "80/tcp", false),
        ])
    func ports(_ text: String, _ port: String, _ isMeant: Bool) throws {
        #expect(try #require(PortCondition(text)).includes(port) == isMeant)
    }

    @Test(
        "events: labels have each to be there, an image is meant without its tag, too",
        arguments: [
            (["label=a", "label=b=1"], true), (["label=a", "label=c"], false),
            (["label!=c"], true), (["label!=a"], false), (["image=base"], true),
            (["image=base:1"], true), (["image=base:2"], false), (["container=one"], true),
            (["container=two", "container=one"], true), (["type=image"], false),
            (["scope=local"], true), (["network=none"], false), (["event=start"], true),
        ])
    func events(_ texts: [String], _ isTold: Bool) throws {
        let filter = try EventFilter(try texts.map { try FilterText($0) })
        let event = EventRecord(
            number: 1, time: 0, kind: .container, action: "start", actor: "abc",
            attributes: ["name": "one", "image": "base:1", "a": "", "b": "1"])
        #expect(filter.matches(event) == isTold)
    }

    @Test("a driver is no other way to name volumes")
    func volumes() throws {
        let filter = try VolumeFilter([try FilterText("driver=local"), try FilterText("name=^on")])
        let (one, two) = (try volume("one"), try volume("two"))
        #expect(filter.passes(one))
        #expect(!filter.passes(two))
        #expect(!(try VolumeFilter([try FilterText("driver=nfs")]).passes(one)))
    }

    private func volume(_ name: String) throws -> Engine.VolumeSummary {
        Engine.VolumeSummary(
            record: VolumeRecord(name: name, isAnonymous: false, labels: [:], createdAt: 0),
            users: [])
    }
}

@Suite("Times of filters")
struct PointInTimeTests {
    @Test(
        "a span is in units of Go's, and may have a fraction",
        arguments: [
            ("90s", 90_000_000_000), ("1h30m", 5_400_000_000_000), ("1.5h", 5_400_000_000_000),
            ("100ms", 100_000_000), ("2us", 2000), ("7d", 604_800_000_000_000),
        ])
    func span(_ text: String, _ nanoseconds: Int64) throws {
        #expect(try TimeSpan.parse(text) == .nanoseconds(nanoseconds))
    }

    @Test("what is no span", arguments: ["", "5", "h", "1x", "1.2.3s", "999999d", "-1h", "1 h"])
    func noSpan(_ text: String) {
        #expect(throws: EngineError.self) { _ = try TimeSpan.parse(text) }
    }

    @Test("seconds and minutes of a time may be left out")
    func parts() throws {
        let whole = try PointInTime.parse("2026-11-27T00:00:00")
        for text in ["2026-11-27T00:00", "2026-11-27T00", "2026-11-27"] {
            #expect(try PointInTime.parse(text) == whole)
        }
        #expect(try PointInTime.parse("1970-01-01T00:00:01.5Z") == 1_500_000_000)
        #expect(try PointInTime.parse("1970-01-01T01:00:01,5+01:00") == 1_500_000_000)
        #expect(try PointInTime.parse("1.25") == 1_250_000_000)
    }
}
