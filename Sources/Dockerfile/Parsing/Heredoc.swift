/// A here-document: lines after an instruction that belong to it.
package struct Heredoc: Hashable, Sendable {
    /// The word after `<<`, without quotes: what ends the body, and the file's name in COPY.
    package var name: String

    /// The number before `<<`; 0 without one.
    package var fileDescriptor: UInt

    /// Whether variables are expanded in the body: no part of the word was quoted.
    package var expands: Bool

    /// `<<-`: leading tabs are dropped.
    package var dropsTabs: Bool

    /// The lines up to the one that ends them, as they stand in the file.
    package var content: [UInt8]

    package init(
        name: String, fileDescriptor: UInt = 0, expands: Bool = true, dropsTabs: Bool = false,
        content: [UInt8] = []
    ) {
        self.name = name
        self.fileDescriptor = fileDescriptor
        self.expands = expands
        self.dropsTabs = dropsTabs
        self.content = content
    }

    /// The body that the instruction sees: without leading tabs where they are dropped.
    package var body: [UInt8] {
        guard dropsTabs else { return content }
        var result: [UInt8] = []
        var atLineStart = true
        for byte in content {
            if atLineStart && byte == 0x09 { continue }
            atLineStart = byte == 0x0A
            result.append(byte)
        }
        return result
    }
}

extension Heredoc {
    /// Reads a word such as `<<EOF`, `<<-"EOF"`, `3<<EOF` or `<< EOF`.
    ///
    /// - Returns: nil when the word is no heredoc.
    /// - Throws: the expander's errors, when the word after `<<` cannot be read.
    init?(parsing word: [UInt8]) throws(DockerfileError) {
        let digits = word.prefix(while: \.isASCIIDigit)
        var rest = word[digits.endIndex...]
        guard rest.hasPrefix([0x3C, 0x3C]) else { return nil }
        rest = rest.dropFirst(2)
        let dropsTabs = rest.first == UInt8(ascii: "-")
        if dropsTabs { rest = rest.dropFirst() }
        rest = rest.drop(while: \.isASCIISpace)
        guard !rest.isEmpty, !rest.contains(UInt8(ascii: "<")) else { return nil }

        // Read once with and once without quotes: where they differ, a part was quoted.
        let plain = WordExpander(options: .keepUnset)
        let raw = WordExpander(options: [.keepUnset, .rawQuotes])
        let words = try plain.expand(Array(rest)) { _ in nil }.words
        let rawWords = try raw.expand(Array(rest)) { _ in nil }.words
        guard words.count == 1 else { return nil }
        guard rawWords.count == 1 else {
            throw DockerfileError(
                .invalidHeredoc, "invalid heredoc word \(rest.decoded.quoted)",
                offending: word[...].decoded)
        }
        self.init(
            name: words[0][...].decoded, fileDescriptor: UInt(digits.decoded) ?? 0,
            expands: Self.quotes(in: words[0]) == Self.quotes(in: rawWords[0]),
            dropsTabs: dropsTabs)
    }

    /// A heredoc that a line opens, without its body.
    struct Opening {
        var heredoc: Heredoc

        /// Whether blanks stand after `<<`. BuildKit's frontends before 1.16 took that as text for
        /// the shell, `$((1 << 2))` say, so it is a heredoc only where a line ends it.
        var hasBlanks: Bool
    }

    /// Whether a word is nothing but `<<` with what may stand around it: the next one is the name.
    static func isOperator(_ word: [UInt8]) -> Bool {
        let rest = word.drop(while: \.isASCIIDigit)
        return rest.elementsEqual("<<".utf8) || rest.elementsEqual("<<-".utf8)
    }

    /// The heredocs that an instruction's line opens, in order.
    ///
    /// - Throws: as `init?(parsing:)`, for those without blanks.
    static func opened(by line: ArraySlice<UInt8>) throws(DockerfileError) -> [Opening] {
        guard line.indices.dropLast().contains(where: { line[$0] == 0x3C && line[$0 + 1] == 0x3C })
        else { return [] }
        let lexer = WordExpander(options: [.keepUnset, .rawQuotes, .rawEscapes])
        var words: [[UInt8]] = []
        do { words = try lexer.expand(Array(line)) { _ in nil }.words } catch {
            // A line that does not read as shell words (an open quote, say) opens no heredoc:
            // it is for the shell to judge.
            return []
        }
        var openings: [Opening] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            if isOperator(word) {
                guard let name = rest.first else { break }
                // An error means that the text is no heredoc.
                guard let heredoc = (try? Heredoc(parsing: word + [0x20] + name)) ?? nil
                else { continue }
                openings.append(Opening(heredoc: heredoc, hasBlanks: true))
                rest.removeFirst()
            } else if let heredoc = try Heredoc(parsing: word) {
                openings.append(Opening(heredoc: heredoc, hasBlanks: false))
            }
        }
        return openings
    }

    private static func quotes(in word: [UInt8]) -> Int {
        word.count { $0 == UInt8(ascii: "'") || $0 == UInt8(ascii: "\"") }
    }
}
