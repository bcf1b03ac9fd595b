/// Finds the word that was probably meant.
enum Suggestion {
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
    static func hint(
        for word: String, among options: [String], ignoringCase: Bool = false, prefix: String = ""
    ) -> String? {
        nearest(to: word, among: options, ignoringCase: ignoringCase)
            .map { "did you mean \(prefix)\($0)?" }
    }

    /// Levenshtein's distance.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (index, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let substituted = diagonal + (byte == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(substituted, diagonal + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }
}
