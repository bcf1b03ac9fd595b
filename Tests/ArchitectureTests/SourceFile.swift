import Testing

/// A Swift file and its code apart from comments and the text of strings.
struct SourceFile: Sendable {
    let path: String
    let lines: [Substring]
    /// As ``lines``, with everything blank that is a comment or a string's text.
    let code: [Substring]

    init(path: String) throws {
        let text = try #require(try Repository.text(path), "\(path) is UTF-8")
        self.init(path: path, text: text)
    }

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var scanner = CodeScanner(text)
        let code = scanner.code()
        self.code = code.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The name of the file without directories and `.swift`.
    var name: Substring { path.split(separator: "/").last?.dropLast(6) ?? "" }

    struct Import: Hashable, Sendable {
        var module: String
        var modifiers: [String]
        var line: Int
    }

    var imports: [Import] {
        code.enumerated().compactMap { index, line in
            let words = line.split(separator: " ").map(String.init)
            guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
                words[..<place].allSatisfy({ $0.hasPrefix("@") || Self.accessWords.contains($0) })
            else { return nil }
            let kinds: Set<String> = ["struct", "class", "enum", "func", "protocol", "let", "var"]
            let rest = words[(place + 1)...].drop { kinds.contains($0) }
            let module = rest.first?.split(separator: ".").first.map(String.init) ?? ""
            return Import(module: module, modifiers: Array(words[..<place]), line: index + 1)
        }
    }

    private static let accessWords: Set<String> = [
        "public", "package", "internal", "fileprivate", "private",
    ]

    /// Whether a line, or the run of comment lines right above its declaration, has a comment.
    ///
    /// - Parameter reach: how far above the comment may end, for attributes between.
    func hasComment(at index: Int, reach: Int = 2) -> Bool {
        if lines[index].contains("//") { return true }
        for above in stride(from: index - 1, through: max(0, index - 1 - reach), by: -1) {
            let line = lines[above].drop { $0 == " " }
            if line.hasPrefix("//") { return true }
            // Attributes and the first half of a statement may stand between.
            guard line.hasPrefix("@") || !line.isEmpty else { return false }
        }
        return false
    }
}

/// Blanks what is no code: comments, and the text of strings of every form. Code inside an
/// interpolation stays.
struct CodeScanner {
    private let text: [UInt8]
    private var position = 0
    private var output: [UInt8] = []

    private static let lineComment = Array("//".utf8)
    private static let comment = Array("/*".utf8)
    private static let commentEnd = Array("*/".utf8)
    private static let tripleQuote = Array("\"\"\"".utf8)

    init(_ text: String) { self.text = Array(text.utf8) }

    mutating func code() -> String {
        scanCode(untilParenthesis: false)
        return String(decoding: output, as: UTF8.self)
    }

    private func starts(with prefix: [UInt8]) -> Bool {
        guard position + prefix.count <= text.count else { return false }
        for (offset, byte) in prefix.enumerated() where text[position + offset] != byte {
            return false
        }
        return true
    }

    private mutating func keep(_ count: Int = 1) {
        output += text[position..<min(text.count, position + count)]
        position += count
    }

    private mutating func blank(_ count: Int = 1) {
        for byte in text[position..<min(text.count, position + count)] {
            output.append(byte == UInt8(ascii: "\n") ? byte : UInt8(ascii: " "))
        }
        position += count
    }

    private mutating func scanCode(untilParenthesis: Bool) {
        var depth = 0
        while position < text.count {
            if starts(with: Self.lineComment) {
                while position < text.count, text[position] != UInt8(ascii: "\n") { blank() }
            } else if starts(with: Self.comment) {
                while position < text.count, !starts(with: Self.commentEnd) { blank() }
                blank(2)
            } else if let hashes = stringStart() {
                scanString(hashes: hashes)
            } else {
                if text[position] == UInt8(ascii: "(") { depth += 1 }
                if text[position] == UInt8(ascii: ")") {
                    if untilParenthesis && depth == 0 { return }
                    depth -= 1
                }
                keep()
            }
        }
    }

    /// The number of `#` in front of a string that begins here.
    private func stringStart() -> Int? {
        var hashes = 0
        while position + hashes < text.count, text[position + hashes] == UInt8(ascii: "#") {
            hashes += 1
        }
        let next = position + hashes
        return next < text.count && text[next] == UInt8(ascii: "\"") ? hashes : nil
    }

    private mutating func scanString(hashes: Int) {
        keep(hashes)
        let quotes = starts(with: Self.tripleQuote) ? 3 : 1
        keep(quotes)
        let hashMarks = [UInt8](repeating: UInt8(ascii: "#"), count: hashes)
        let end = [UInt8](repeating: UInt8(ascii: "\""), count: quotes) + hashMarks
        let escape = [UInt8(ascii: "\\")] + hashMarks
        while position < text.count {
            if starts(with: end) { return keep(end.count) }
            guard starts(with: escape) else {
                blank()
                continue
            }
            blank(escape.count)
            if position < text.count, text[position] == UInt8(ascii: "(") {
                keep()
                scanCode(untilParenthesis: true)
                keep()
            } else {
                blank()
            }
        }
    }
}
