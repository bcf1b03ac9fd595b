internal import Engine
internal import ImageSpec

/// What goes to the user.
///
/// Names, histories and messages may be a stranger's words: they are made visible on their way.
enum Terminal {
    static var outputIsTerminal: Bool { StandardStream.output.isTerminal }
    static var errorIsTerminal: Bool { StandardStream.error.isTerminal }
    static var inputIsTerminal: Bool { StandardStream.inputIsTerminal }

    /// Prints lines to standard output. A terminal is shown control characters as escapes.
    static func write(_ text: String) {
        StandardStream.output.write(outputIsTerminal ? text.visibleLines : text)
    }

    /// Prints lines to standard output that have nothing to be escaped.
    static func write(visible lines: [UInt8]) { StandardStream.output.write(lines) }

    /// Prints a document to standard output.
    /// - Parameter indent: nil prints it on one line.
    static func write(_ json: JSONValue, indent: Int?) {
        StandardStream.output.write(text(json, indent: indent))
    }

    /// A document as it is printed, to its line's end.
    static func text(_ json: JSONValue, indent: Int?) -> String {
        // JSON escapes what is below the blank by itself.
        let text = String(decoding: json.encodedForPeople(indent: indent), as: UTF8.self)
        var visible = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if (0x7F...0x9F).contains(scalar.value) {
                visible.append(contentsOf: "\\u00\(String(scalar.value, radix: 16))".unicodeScalars)
            } else {
                visible.append(scalar)
            }
        }
        return String(visible) + "\n"
    }

    /// Prints to standard error as it is.
    static func writeError(_ text: String) { StandardStream.error.write(text) }

    /// What went wrong with one of several things; the others are gone on with.
    static func failure(_ error: any Error) { writeError("Error: \("\(error)".visibleLines)\n") }

    /// A warning or a note beside the result.
    static func note(_ text: String) { writeError("vitrine: \(text.visibleLines)\n") }
}

/// Columns of text, as Docker's tables: each as wide as its widest cell, three spaces between.
struct Table {
    private var rows: [[String]]

    init(_ header: [String]) { rows = [header] }

    mutating func append(_ row: [String]) { rows.append(row.map(\.visible)) }

    var text: String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            row.enumerated().map { column, cell in
                column == row.count - 1
                    ? cell
                    : cell + String(repeating: " ", count: widths[column] + 3 - cell.count)
            }.joined() + "\n"
        }.joined()
    }
}
