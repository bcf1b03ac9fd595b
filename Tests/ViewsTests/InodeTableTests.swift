import Testing
import VirtualFS

@testable import Views

@Suite
struct InodeTableTests {
    /// Spread as the numbers of views are.
    private func number(_ index: UInt64) -> InodeNumber {
        InodeNumber((index &+ 1) &* 0x9E37_79B9_7F4A_7C15)
    }

    @Test func `what was put in is found until it is taken out`() {
        var table = InodeTable<UInt64>()
        for index in 0..<5_000 as Range<UInt64> { table[number(index)] = index }
        #expect(table.count == 5_000)
        for index in 0..<5_000 as Range<UInt64> where index % 3 != 0 { table[number(index)] = nil }
        #expect(table.count == 1_667)
        #expect((0..<5_000).allSatisfy { table[number($0)] == ($0 % 3 == 0 ? $0 : nil) })
    }

    @Test func `a dictionary gives back the room of what was removed`() {
        var dictionary = Dictionary(uniqueKeysWithValues: (0..<10_000).map { ($0, $0) })
        for key in 100..<10_000 {
            dictionary[key] = nil
            dictionary.shrinkIfSparse()
        }
        #expect(dictionary.count == 100)
        #expect(dictionary.capacity < 1_000)
        #expect((0..<100).allSatisfy { dictionary[$0] == $0 })
    }
}
