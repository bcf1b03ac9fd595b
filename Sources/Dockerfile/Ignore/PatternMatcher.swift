/// Says which paths a list of ignore patterns leaves out.
///
/// The last pattern that matches a path wins, and a pattern that matches a directory matches all
/// that is below it. A walk hands the state of each directory on to what it holds:
///
///     let verdict = matcher.match(path, in: parentState)
///     if verdict.isIgnored { isDirectory && matcher.canSkip(path, verdict.state) … }
///
/// The results are those of a BuildKit walk (`MatchesUsingParentResults`). One consequence: a
/// pattern that could not have changed a directory's result is not remembered for its children.
package struct PatternMatcher: Hashable, Sendable {
    package let patterns: [IgnorePattern]

    /// Which patterns matched a directory or one of its parents.
    package struct State: Hashable, Sendable {
        /// One for each pattern.
        fileprivate var matched: [Bool]
        fileprivate var decidingPattern: Int?

        /// Whether the directory is left out.
        package fileprivate(set) var isIgnored: Bool
    }

    /// What holds for one path.
    package struct Verdict: Hashable, Sendable {
        /// What the path's children are to be matched in, if it is a directory.
        package var state: State

        /// Whether the path is left out.
        package var isIgnored: Bool { state.isIgnored }

        /// The index in `patterns` of the one that decided, an exception included; nil when none
        /// matched.
        package var decidingPattern: Int? { state.decidingPattern }
    }

    package init(_ file: IgnoreFile) {
        patterns = file.patterns
    }

    /// A matcher for patterns that come from no file. Empty ones are left out.
    ///
    /// - Throws: `illegalExclusion`, `invalidPattern`; without a place.
    package init(_ patterns: [String]) throws(DockerfileError) {
        var parsed: [IgnorePattern] = []
        for pattern in patterns {
            let bytes = Array(pattern.utf8)[...]
            guard !bytes.trimmingSpace().isEmpty else { continue }
            parsed.append(try IgnorePattern(parsing: bytes))
        }
        self.patterns = parsed
    }

    /// The state of the context's root directory.
    package var root: State {
        State(matched: Array(repeating: false, count: patterns.count), isIgnored: false)
    }

    /// Matches a path whose parent directory was matched before.
    ///
    /// - Parameters:
    ///   - path: relative to the context's root, names joined by `/`.
    ///   - parent: the state of the directory that holds it.
    package func match(_ path: ArraySlice<UInt8>, in parent: State) -> Verdict {
        precondition(
            parent.matched.count == patterns.count, "the state is of another matcher")
        var state = root
        for (index, pattern) in patterns.enumerated() {
            if !parent.matched[index] {
                // A pattern that could not change the result is not asked.
                guard pattern.isException == state.isIgnored, pattern.matches(path) else {
                    continue
                }
            }
            state.matched[index] = true
            state.isIgnored = !pattern.isException
            state.decidingPattern = index
        }
        return Verdict(state: state)
    }

    /// Matches a path whose parent directory was matched before.
    package func match(_ path: [UInt8], in parent: State) -> Verdict {
        match(path[...], in: parent)
    }

    /// Matches a path by matching its parents one after the other.
    package func match(_ path: [UInt8]) -> Verdict {
        var state = root
        for (index, byte) in path.enumerated() where byte == UInt8(ascii: "/") {
            state = match(path[..<index], in: state).state
        }
        return match(path[...], in: state)
    }

    /// Whether a walk may leave out all that is below a directory: it is ignored, and no
    /// exception could take back anything in it.
    package func canSkip(_ directory: ArraySlice<UInt8>, _ state: State) -> Bool {
        guard state.isIgnored, let last = state.decidingPattern else { return false }
        return !patterns.indices[(last + 1)...].contains { index in
            patterns[index].isException && patterns[index].couldMatch(below: directory)
        }
    }

    /// Whether a path is left out, and no exception could take back anything below it.
    ///
    /// - Parameter path: relative to the context's root, which is `.`.
    package func leavesOutAll(at path: [UInt8]) -> Bool {
        guard path == [UInt8(ascii: ".")] else { return canSkip(path, match(path).state) }
        // No pattern means the root itself: ".*" does not.
        let last = patterns.lastIndex { !$0.isException && $0.isEverything }
        return last.map { !patterns[($0 + 1)...].contains(where: \.isException) } ?? false
    }

    /// Whether a walk may leave out all that is below a directory.
    package func canSkip(_ directory: [UInt8], _ state: State) -> Bool {
        canSkip(directory[...], state)
    }
}
