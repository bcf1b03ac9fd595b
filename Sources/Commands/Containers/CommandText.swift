internal import Builder

/// What a container runs, as Docker lists it: arguments with blanks stand between quotes, and the whole
/// is written as a text of Go's, cut to 20 columns of a terminal.
enum CommandText {
    private static let columns = 20

    static func text(_ command: [String], isWhole: Bool) -> String {
        let words = command.enumerated().map { index, word in
            index > 0 && word.contains(" ") ? "'\(word)'" : word
        }
        let text = words.joined(separator: " ")
        return GoText.quoted(
            isWhole ? text : TerminalLine.cut(text, to: columns).text, isPlain: false)
    }
}
