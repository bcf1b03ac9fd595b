/// Runs a pattern over a path, as a set of states: state `n` means that elements up to `n` have
/// matched. One pass over the path, whatever the pattern.
struct GlobStates {
    private let elements: [GlobPattern.Element]
    private var active: StateSet

    private init(_ elements: [GlobPattern.Element]) {
        self.elements = elements
        active = StateSet(capacity: elements.count + 1)
        active.insert(0)
        skipEmpty()
    }

    static func isMatch(of path: ArraySlice<UInt8>, _ elements: [GlobPattern.Element]) -> Bool {
        var states = GlobStates(elements)
        guard states.run(over: path) else { return false }
        return states.active.contains(elements.count)
    }

    /// Whether a longer path could match.
    static func canContinue(
        after path: ArraySlice<UInt8>, _ elements: [GlobPattern.Element]
    ) -> Bool {
        var states = GlobStates(elements)
        guard states.run(over: path) else { return false }
        // Every element but the end takes at least one more character.
        return elements.indices.contains { states.active.contains($0) }
    }

    /// Whether any state is left after the path.
    private mutating func run(over path: ArraySlice<UInt8>) -> Bool {
        var index = path.startIndex
        while index < path.endIndex {
            let (character, width) = path.globCharacter(at: index)
            index += width
            step(character)
            if active.isEmpty { return false }
        }
        return true
    }

    private mutating func step(_ character: UInt32) {
        let isSlash = character == UInt32(UInt8(ascii: "/"))
        var next = StateSet(capacity: elements.count + 1)
        for (state, element) in elements.enumerated() where active.contains(state) {
            switch element {
            case .literal(let literal):
                if literal == character { next.insert(state + 1) }
            case .anyCharacter:
                if !isSlash { next.insert(state + 1) }
            case .oneOf(let ranges):
                if ranges.contains(character) { next.insert(state + 1) }
            case .anyRun:
                if !isSlash { next.insert(state) }
            case .everything:
                next.insert(state)
            case .directories:
                next.insert(state + 1)
                if isSlash { next.insert(state + 2) }
            case .insideDirectories:
                next.insert(state)
                if isSlash { next.insert(state + 1) }
            }
        }
        active = next
        skipEmpty()
    }

    /// Adds the states that are reached without a character.
    private mutating func skipEmpty() {
        for (state, element) in elements.enumerated() where active.contains(state) {
            switch element {
            case .anyRun, .everything: active.insert(state + 1)
            case .directories: active.insert(state + 2)
            default: break
            }
        }
    }
}

/// A set of small numbers: one word where that is enough, which it nearly always is.
private struct StateSet {
    private var word: UInt64 = 0
    private var more: [UInt64]

    init(capacity: Int) {
        more = capacity <= 64 ? [] : Array(repeating: 0, count: (capacity - 1) / 64)
    }

    var isEmpty: Bool { word == 0 && more.allSatisfy { $0 == 0 } }

    mutating func insert(_ number: Int) {
        if number < 64 {
            word |= 1 << UInt64(number)
        } else {
            more[number / 64 - 1] |= 1 << UInt64(number % 64)
        }
    }

    func contains(_ number: Int) -> Bool {
        number < 64
            ? word & 1 << UInt64(number) != 0
            : more[number / 64 - 1] & 1 << UInt64(number % 64) != 0
    }
}
