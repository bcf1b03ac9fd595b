/// Expands variables and takes out quotes and escapes, as a shell would in one word.
///
/// Forms: `$name`, `${name}`, `${name:-word}`, `-`, `:+`, `+`, `:?`, `?`, and the patterns `#`,
/// `##`, `%`, `%%`, `/`, `//`; `'single'` and `"double"` quotes; the file's escape character.
/// The rules are those of BuildKit's shell lexer.
package struct WordExpander: Hashable, Sendable {
    package struct Options: OptionSet, Hashable, Sendable {
        package let rawValue: Int

        package init(rawValue: Int) {
            self.rawValue = rawValue
        }

        /// Quotes stay in the result.
        package static let rawQuotes = Options(rawValue: 1 << 0)
        /// Escape characters stay in the result.
        package static let rawEscapes = Options(rawValue: 1 << 1)
        /// Quotes are ordinary characters: how the body of a heredoc is expanded.
        package static let literalQuotes = Options(rawValue: 1 << 2)
        /// References to variables that are not set stay as they are.
        package static let keepUnset = Options(rawValue: 1 << 3)
    }

    package var escape: EscapeCharacter
    package var options: Options

    package init(escape: EscapeCharacter = .backslash, options: Options = []) {
        self.escape = escape
        self.options = options
    }

    /// A word after expansion.
    package struct Expansion: Hashable, Sendable {
        /// The whole as one word.
        package var bytes: [UInt8]

        /// The whole split at white space that was not quoted, after expansion. Empty words are
        /// left out.
        package var words: [[UInt8]]

        /// The variables that were read.
        package var variables: VariableUse

        /// `bytes` as text.
        package var text: String { bytes[...].decoded }
    }

    /// Expands a word.
    ///
    /// - Parameter value: the value of a variable, or nil when it is not set.
    /// - Throws: `badSubstitution`, `unterminatedWord`, `unsupportedModifier`, `invalidPattern`,
    ///   `requiredVariable`, `nestingTooDeep`; all without a place.
    package func expand(
        _ word: [UInt8], with value: (String) -> String?
    ) throws(DockerfileError) -> Expansion {
        var lexer = WordLexer(word, escape: escape, options: options)
        do {
            let result = try lexer.lex(
                until: nil, keepingEscapes: options.contains(.rawEscapes), value)
            return Expansion(bytes: result.bytes, words: result.words, variables: lexer.variables)
        } catch {
            var error = error
            error.message = "failed to process \(word[...].decoded.quoted): \(error.message)"
            error.offendingText = error.offendingText ?? word[...].decoded
            throw error
        }
    }

    /// Expands a text to one word: BuildKit's `ProcessWord`.
    package func expand(
        _ word: String, with value: (String) -> String?
    ) throws(DockerfileError) -> Expansion {
        try expand(Array(word.utf8), with: value)
    }
}

/// The variables that an expansion read.
package struct VariableUse: Hashable, Sendable {
    /// Those that were set.
    package private(set) var matched: Set<String> = []

    /// Those that were not set.
    package private(set) var unmatched: Set<String> = []

    /// Those of `unmatched` that were read without an alternative (`${name:-…}` and the like).
    package private(set) var undefined: Set<String> = []

    package init(
        matched: Set<String> = [], unmatched: Set<String> = [], undefined: Set<String> = []
    ) {
        self.matched = matched
        self.unmatched = unmatched
        self.undefined = undefined
    }

    mutating func record(_ name: String, isSet: Bool, hasAlternative: Bool) {
        if isSet {
            matched.insert(name)
        } else {
            unmatched.insert(name)
            if !hasAlternative { undefined.insert(name) }
        }
    }

    package mutating func formUnion(_ other: VariableUse) {
        matched.formUnion(other.matched)
        unmatched.formUnion(other.unmatched)
        undefined.formUnion(other.undefined)
    }
}
