/// The pattern in `${name#pattern}`: `*` is any run, `?` any character, `\` escapes both and
/// itself. There are no brackets. Neither wildcard matches a line feed, as in BuildKit.
struct ShellPattern: Hashable {
    private enum Element: Hashable {
        case literal(Unicode.Scalar)
        case anyCharacter
        case anyRun
    }

    private var elements: [Element] = []

    /// - Throws: `invalidPattern`.
    init(parsing pattern: ArraySlice<UInt8>) throws(DockerfileError) {
        let scalars = Array(pattern.decoded.unicodeScalars)
        var index = 0
        while index < scalars.count {
            let scalar = scalars[index]
            index += 1
            switch scalar {
            case "*": elements.append(.anyRun)
            case "?": elements.append(.anyCharacter)
            case "\\":
                let next = index < scalars.count ? scalars[index] : nil
                switch next {
                case "}", "/":
                    // Escaped for `${}`'s own sake: the escape is not the pattern's.
                    continue
                case "*", "?", "\\":
                    index += 1
                    elements.append(.literal(next ?? scalar))
                default:
                    let character = next.map { String(Character($0)) } ?? ""
                    throw DockerfileError(
                        .invalidPattern,
                        "invalid pattern (\(pattern.decoded)) in substitution: "
                            + "invalid escape '\\\(character)'",
                        expected: "\\*, \\?, \\\\, \\} or \\/")
                }
            default: elements.append(.literal(scalar))
            }
        }
    }

    private init(elements: [Element]) {
        self.elements = elements
    }

    func removingPrefix(from text: String, longest: Bool) -> String {
        let scalars = Array(text.unicodeScalars)
        guard let end = matchEnd(in: scalars, from: 0, longest: longest) else { return text }
        return Self.text(scalars[end...])
    }

    func removingSuffix(from text: String, longest: Bool) -> String {
        // The shortest suffix is the shortest prefix of the reverse.
        let scalars = Array(text.unicodeScalars.reversed())
        let reversed = ShellPattern(elements: elements.reversed())
        guard let end = reversed.matchEnd(in: scalars, from: 0, longest: longest) else {
            return text
        }
        return Self.text(scalars[end...].reversed())
    }

    /// Replaces the first match, or all of them; each is the longest at its place.
    func replacing(in text: String, with replacement: String, all: Bool) -> [UInt8] {
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        var copied = 0
        var index = 0
        while index <= scalars.count {
            guard let end = matchEnd(in: scalars, from: index, longest: true) else {
                index += 1
                continue
            }
            result.append(contentsOf: scalars[copied..<index])
            // An empty match right after a match is not a match of its own.
            if end > copied || index == 0 { result.append(contentsOf: replacement.unicodeScalars) }
            copied = end
            guard all else { break }
            index = max(end, index + 1)
        }
        result.append(contentsOf: scalars[copied...])
        return Array(String(result).utf8)
    }

    /// Where the shortest or the longest match that begins at `start` ends.
    ///
    /// Steps through the text once with the set of elements that could come next, so that a
    /// pattern full of stars costs no more than pattern times text.
    private func matchEnd(in text: [Unicode.Scalar], from start: Int, longest: Bool) -> Int? {
        var active = [Bool](repeating: false, count: elements.count + 1)
        active[0] = true
        skipRuns(&active)
        var best: Int? = active[elements.count] ? start : nil
        if best != nil && !longest { return best }
        var index = start
        while index < text.count {
            var next = [Bool](repeating: false, count: elements.count + 1)
            var isAlive = false
            for (position, element) in elements.enumerated() where active[position] {
                switch element {
                case .literal(let scalar):
                    guard scalar == text[index] else { continue }
                    next[position + 1] = true
                case .anyCharacter:
                    guard text[index] != "\n" else { continue }
                    next[position + 1] = true
                case .anyRun:
                    guard text[index] != "\n" else { continue }
                    next[position] = true
                }
                isAlive = true
            }
            guard isAlive else { break }
            index += 1
            skipRuns(&next)
            active = next
            if active[elements.count] {
                best = index
                if !longest { return best }
            }
        }
        return best
    }

    /// A run may be empty: where one could begin, what follows it could begin too.
    private func skipRuns(_ active: inout [Bool]) {
        for (position, element) in elements.enumerated()
        where active[position] && element == .anyRun {
            active[position + 1] = true
        }
    }

    private static func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
