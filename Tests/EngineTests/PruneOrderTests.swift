import Testing

@testable import Engine

@Suite("What is pruned")
struct PruneOrderTests {
    private static let rooms: [(CacheRoom, UInt64)] = [
        (CacheRoom(reservedBytes: 30), 30), (CacheRoom(maximumBytes: 40), 40),
        (CacheRoom(reservedBytes: 50, maximumBytes: 40), 50),
        // Of 100 bytes; 20 are free.
        (CacheRoom(minimumFreeBytes: 35), 85), (CacheRoom(minimumFreeBytes: 500), 0),
        (CacheRoom(maximumBytes: 60, minimumFreeBytes: 35), 60),
        (CacheRoom(maximumBytes: 90, minimumFreeBytes: 35), 85),
        (CacheRoom(reservedBytes: 95, minimumFreeBytes: 35), 95),
        (CacheRoom(minimumFreeBytes: 20), UInt64.max),
    ]

    @Test(arguments: rooms)
    func `what of a cache stays is reckoned as BuildKit does`(room: CacheRoom, expected: UInt64) {
        #expect(room.keptBytes(used: 100, free: 20) == expected)
    }

    @Test(arguments: [
        (LabelCondition("a"), true), (LabelCondition("a=1"), true), (LabelCondition("a=2"), false),
        (LabelCondition("b"), false), (LabelCondition("a", isWanted: false), false),
        (LabelCondition("a=2", isWanted: false), true), (LabelCondition("a="), false),
    ])
    func `a label has the name and, if one is given, the value`(
        condition: LabelCondition, holds: Bool
    ) {
        #expect([condition].hold(for: ["a": "1"]) == holds)
    }

    @Test(arguments: [
        ([:], true), (["a": "1"], true), (["a": "1", "b": "2"], false),
        (["a": "1", "b": "3"], true), (["a": "1", "b": "2", "c": ""], false),
    ])
    func `of labels that are not wanted one has to be missing`(
        labels: [String: String], hold: Bool
    ) {
        let conditions = ["a", "b=2"].map { LabelCondition($0, isWanted: false) }
        #expect(conditions.hold(for: labels) == hold)
        #expect(!(conditions + [LabelCondition("d")]).hold(for: labels))
    }
}
