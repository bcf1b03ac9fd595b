/// Finds the word that was probably meant.
package enum Suggestion {
    /// How many edits away a word may be. Three or more name another word more often than not.
    private static let maximumDistance = 2

    /// The option nearest to `word`, if one is near enough and not equal to it.
    static func nearest(to word: String, among options: [String], ignoringCase: Bool) -> String? {
        let wanted = Array((ignoringCase ? word.asciiLowercased : word).utf8)
        // A word of any length costs time in proportion to it, and a long one is near to none.
        guard wanted.count <= 64 else { return nil }
        var best: (distance: Int, option: String)?
        for option in options {
            let candidate = Array((ignoringCase ? option.asciiLowercased : option).utf8)
            let distance = distance(wanted, candidate)
            guard distance <= maximumDistance, distance < wanted.count else { continue }
            if best.map({ distance < $0.distance }) ?? true { best = (distance, option) }
        }
        return best?.option
    }

    /// The hint that names the nearest option.
    package static func hint(
        for word: String, among options: [String], ignoringCase: Bool = false, prefix: String = ""
    ) -> String? {
        nearest(to: word, among: options, ignoringCase: ignoringCase)
            .map { "did you mean \(prefix)\($0)?" }
    }

    /// Letters changed, added, left out, and pairs in the wrong order (optimal string alignment).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var older: [Int] = []
        var former = Array(0...right.count)
        for (row, byte) in left.enumerated() {
            var current = [row + 1]
            for column in right.indices {
                var least = min(
                    former[column] + (byte == right[column] ? 0 : 1), former[column + 1] + 1,
                    current[column] + 1)
                if row > 0, column > 0, byte == right[column - 1], left[row - 1] == right[column] {
                    least = min(least, older[column - 1] + 1)
                }
                current.append(least)
            }
            (older, former) = (former, current)
        }
        return former[right.count]
    }
}
