import Testing

@testable import Engine
@testable import Sandbox
@testable import Store

@Suite("Limits of containers")
struct LimitTests {
    private static var all: ContainerSettings.Limits {
        var limits = ContainerSettings.Limits()
        let figures = [ContainerSettings.DeviceFigure(path: "/dev/a", figure: 7)]
        limits.memorySwappiness = 1
        limits.disablesMemoryKiller = true
        limits.blockWeight = 10
        limits.deviceWeights = figures
        limits.deviceReadBytes = figures
        limits.deviceWriteBytes = figures
        limits.deviceReadOperations = figures
        limits.deviceWriteOperations = figures
        return limits
    }

    @Test func `what control groups do not know is left out, with a warning`() throws {
        var limits = Self.all
        let warnings = try limits.discard(without: ControlGroupFeatures { _ in nil })
        #expect(limits.isEmpty)
        #expect(warnings.count == 8)
        #expect(
            warnings.contains(
                "Your kernel does not support BPS Block I/O read limit or the cgroup is not "
                    + "mounted. Block I/O BPS read limit discarded."))
    }

    @Test func `version 1 and 2 know different ones`() throws {
        var first = Self.all
        #expect(
            try first.discard(
                without: ControlGroupFeatures { $0.contains(".controllers") ? nil : "" })
                == [
                    "OOM killer is disabled for the container, but no memory limit is set, "
                        + "this can result in the system running out of resources."
                ])
        #expect(first == Self.all)
        var second = Self.all
        let unified = ControlGroupFeatures { $0 == "cgroup.controllers" ? "cpu io\n" : nil }
        #expect(try second.discard(without: unified).count == 2)
        #expect(second.memorySwappiness == nil && second.blockWeight == 10)
    }

    @Test func `real-time scheduling is refused where there is none`() throws {
        var limits = ContainerSettings.Limits()
        limits.realtimePeriodMicroseconds = 1
        #expect(throws: EngineError.self) {
            _ = try limits.discard(without: ControlGroupFeatures { _ in nil })
        }
        #expect(try limits.discard(without: ControlGroupFeatures { _ in "" }.withRealtime).isEmpty)
    }

    @Test func `swap stays when memory changes`() {
        var had = ContainerSettings.Limits()
        had.memoryBytes = 100
        var asked = ContainerSettings.Limits()
        asked.memoryBytes = 150
        #expect(had.changed(by: asked).wholeMemoryBytes == 200)
        asked.memoryBytes = 201
        #expect(asked.conflict(over: had) != nil)
        had.memoryAndSwapBytes = -1
        #expect(asked.conflict(over: had) == nil)
        #expect(asked.conflict(over: ContainerSettings.Limits()) == nil)
    }

    @Test(
        arguments: [
            ("c 1:3 rwm", "c", 1, 3), ("b *:* r", "b", nil, nil), ("a 7:* m", nil, 7, nil),
            ("c *:4 wr", "c", nil, 4),
        ] as [(String, String?, Int64?, Int64?)])
    func `a rule of devices is read`(
        _ text: String, _ type: String?, _ major: Int64?, _ minor: Int64?
    ) throws {
        let rule = try #require(DeviceCondition(parsing: text))
        #expect(rule.type == type && rule.major == major && rule.minor == minor)
        #expect(rule.access == text.split(separator: " ").last.map(String.init))
    }

    @Test(
        arguments: [
            "", "x", "c 1:3", "x 1:3 r", "c 1 r", "c 1:3 x", "c 1:3 rwmr", "c  1:3 r", "c :3 r",
            "c 1:99999999999 r", "c -1:3 r",
        ])
    func `what is no rule of devices is none`(_ text: String) {
        #expect(DeviceCondition(parsing: text) == nil)
    }
}

extension ControlGroupFeatures {
    fileprivate var withRealtime: Self {
        var features = self
        features.hasRealtime = true
        return features
    }
}
