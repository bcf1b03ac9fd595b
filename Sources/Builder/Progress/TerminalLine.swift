internal import ImageSpec

/// A line of a terminal: a text cut to the width, with a note at the right edge.
package struct TerminalLine {
    let text: String
    /// The columns that it takes.
    let width: Int

    /// - Parameters:
    ///   - note: left out where the terminal is too narrow for it and some of the text.
    ///   - columns: the terminal's.
    init(_ text: String, note: String = "", columns: Int) {
        let line = text.split(separator: "\n").joined(separator: " ").visible
        // The last column stays free: a full line would wrap.
        let whole = max(1, columns - 1)
        let noteWidth = Self.width(of: note)
        let hasNote = noteWidth > 0 && noteWidth + 1 + Self.leastText <= whole
        let room = hasNote ? whole - noteWidth - 1 : whole
        var (cut, width) = Self.cut(line, to: room)
        if hasNote {
            cut += String(repeating: " ", count: room - width + 1) + note
            width = whole
        }
        self.text = cut
        self.width = width
    }

    /// A note is not worth more than so much of the text.
    private static let leastText = 12

    /// The rows that the line takes on a terminal of so many columns, which may have become fewer
    /// since it was written.
    func rows(_ columns: Int) -> Int {
        if width <= columns { return 1 }
        var (rows, taken) = (1, 0)
        for character in text {
            let next = Self.width(of: character)
            // A wide letter is not broken.
            if taken > 0, taken + next > columns { (rows, taken) = (rows + 1, 0) }
            taken += next
        }
        return rows
    }

    /// A text cut to so many columns, and how many it takes.
    package static func cut(_ text: String, to room: Int) -> (text: String, width: Int) {
        let whole = width(of: text)
        if whole <= room { return (text, whole) }
        var result = ""
        var taken = 0
        for character in text {
            let next = width(of: character)
            if taken + next > room - 1 { break }
            result.append(character)
            taken += next
        }
        return (result + "…", taken + 1)
    }

    static func width(of text: String) -> Int { text.reduce(0) { $0 + width(of: $1) } }

    /// As terminals do it (Unicode, UAX #11): wide letters and pictures take two columns.
    private static func width(of character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        if scalar.isASCII { return 1 }
        if character.unicodeScalars.contains(where: { $0.value == 0xFE0F }) { return 2 }
        if scalar.properties.isEmojiPresentation { return 2 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97C, 0xAC00...0xD7A3,
            0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
            0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}
