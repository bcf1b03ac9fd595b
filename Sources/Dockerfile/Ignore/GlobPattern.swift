/// A pattern over paths as bytes.
///
/// Two dialects: `fileName` is Go's `filepath.Match`, for the sources of COPY and ADD; in
/// `ignoreFile`, that of `.dockerignore`, `**` spans directories too.
package struct GlobPattern: Hashable, Sendable {
    package enum Dialect: Hashable, Sendable {
        case fileName
        case ignoreFile
    }

    /// What a pattern is made of. Characters are Unicode scalars by number; a byte that is not
    /// UTF-8 is `invalidByteBase` plus its value, so that it equals only itself.
    enum Element: Hashable, Sendable {
        case literal(UInt32)
        /// `?`: one character other than a slash.
        case anyCharacter
        /// `*`: any run without a slash.
        case anyRun
        /// `[a-z]`; a negated one matches a slash too, as in Go.
        case oneOf(CharacterRanges)
        /// A final `**`: anything.
        case everything
        /// `**` before more: nothing, or anything that ends with a slash. It is always followed
        /// by `insideDirectories`, the state of having begun.
        case directories
        case insideDirectories
    }

    struct CharacterRanges: Hashable, Sendable {
        var ranges: [ClosedRange<UInt32>]
        var isNegated: Bool

        func contains(_ character: UInt32) -> Bool {
            ranges.contains { $0.contains(character) } != isNegated
        }
    }

    static let invalidByteBase: UInt32 = 0x110000

    /// The bytes that every match begins with.
    let literalPrefix: [UInt8]

    /// What follows `literalPrefix`.
    let elements: [Element]

    /// What every match ends with, when the pattern is `**/` and this: the commonest of all.
    private let directorySuffix: [UInt8]?

    /// What the last name of every match ends with, when the pattern is `**/*` and this: `**/*.o`.
    private let nameSuffix: [UInt8]?

    /// - Throws: `invalidPattern`, without a place.
    package init(
        parsing pattern: [UInt8], dialect: Dialect = .fileName
    ) throws(DockerfileError) {
        var parser = GlobParser(pattern, dialect: dialect)
        let all = try parser.parse()
        let literals = all.prefix { if case .literal = $0 { true } else { false } }
        literalPrefix = Self.bytes(of: literals)
        elements = Array(all[literals.endIndex...])
        let tail = elements.dropFirst(2)
        let isSuffix =
            literalPrefix.isEmpty && elements.first == .directories
            && tail.allSatisfy { if case .literal = $0 { true } else { false } }
        directorySuffix = isSuffix ? Self.bytes(of: tail) : nil
        let ending = tail.dropFirst()
        let isNameSuffix =
            literalPrefix.isEmpty && elements.first == .directories && tail.first == .anyRun
            && ending.allSatisfy {
                // A byte that is no character could be the end of one.
                if case .literal(let character) = $0 {
                    character != 0x2F && character < Self.invalidByteBase
                } else {
                    false
                }
            }
        nameSuffix = isNameSuffix ? Self.bytes(of: ending) : nil
    }

    /// Whether the pattern has no wildcards.
    package var isLiteral: Bool { elements.isEmpty }

    /// Whether the whole of `path` matches.
    package func matches(_ path: [UInt8]) -> Bool {
        matches(path[...])
    }

    /// Whether the whole of `path` matches.
    package func matches(_ path: ArraySlice<UInt8>) -> Bool {
        guard path.hasPrefix(literalPrefix) else { return false }
        if elements.isEmpty { return path.count == literalPrefix.count }
        if elements == [.everything] { return true }
        if let directorySuffix {
            guard path.hasSuffix(directorySuffix) else { return false }
            let rest = path.dropLast(directorySuffix.count)
            return rest.isEmpty || rest.last == UInt8(ascii: "/")
        }
        // What stands before it is a run without a slash, and directories.
        if let nameSuffix { return path.hasSuffix(nameSuffix) }
        return GlobStates.isMatch(of: path.dropFirst(literalPrefix.count), elements)
    }

    /// Whether some path below `directory` could match.
    package func couldMatch(below directory: ArraySlice<UInt8>) -> Bool {
        let path = directory + CollectionOfOne(UInt8(ascii: "/"))
        guard path.hasPrefix(literalPrefix) else { return literalPrefix.hasPrefix(path) }
        return GlobStates.canContinue(after: path.dropFirst(literalPrefix.count), elements)
    }

    private static func bytes(of literals: some Sequence<Element>) -> [UInt8] {
        var bytes: [UInt8] = []
        for case .literal(let character) in literals {
            if let scalar = Unicode.Scalar(character) {
                bytes.append(contentsOf: String(Character(scalar)).utf8)
            } else {
                bytes.append(UInt8(truncatingIfNeeded: character - invalidByteBase))
            }
        }
        return bytes
    }
}

extension RandomAccessCollection<UInt8> where Index == Int {
    /// The character at `index` as patterns number it, and its width.
    func globCharacter(at index: Int) -> (character: UInt32, width: Int) {
        let decoded = decodedScalar(at: index)
        if decoded.width == 1 && self[index] >= 0x80 {
            return (GlobPattern.invalidByteBase + UInt32(self[index]), 1)
        }
        return (decoded.scalar.value, decoded.width)
    }
}
