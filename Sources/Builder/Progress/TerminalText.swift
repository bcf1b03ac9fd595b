internal import ImageSpec

/// What a command prints, as a terminal that others use too may be shown it: colours stay, whatever
/// else moves, hides or asks is left out (ECMA-48; xterm's control sequences).
enum TerminalText {
    private static let escape: Unicode.Scalar = "\u{1B}"

    /// A line, with its colours and the end of them.
    static func colored(_ line: some Sequence<UInt8>) -> String {
        var result = ""
        var isColored = false
        for piece in pieces(of: line) {
            switch piece {
            case .text(let scalar): result.unicodeScalars.append(scalar)
            case .color(let sequence):
                result += sequence
                isColored = true
            }
        }
        return isColored ? result + "\u{1B}[m" : result
    }

    /// A line without colours.
    static func plain(_ line: some Sequence<UInt8>) -> String {
        var result = String.UnicodeScalarView()
        for case .text(let scalar) in pieces(of: line) {
            result.append(scalar == "\t" ? " " : scalar)
        }
        return String(result)
    }

    private enum Piece {
        case text(Unicode.Scalar)
        /// A whole SGR sequence: `ESC [ 1 ; 31 m`.
        case color(String)
    }

    private static func pieces(of line: some Sequence<UInt8>) -> [Piece] {
        let scalars = Array(String(decoding: Array(line), as: UTF8.self).unicodeScalars)
        var pieces: [Piece] = []
        var rest = scalars[...]
        while let scalar = rest.popFirst() {
            if scalar == escape {
                if let color = takeSequence(&rest) { pieces.append(.color(color)) }
            } else if !scalar.isControl || scalar == "\t" || scalar == "\r" {
                pieces.append(.text(scalar))
            }
        }
        return pieces
    }

    /// Takes what follows an escape character.
    /// - Returns: the sequence if it is one of colour.
    private static func takeSequence(_ rest: inout ArraySlice<Unicode.Scalar>) -> String? {
        switch rest.first {
        case "["?:
            rest.removeFirst()
            let parameters = take(&rest) { (0x30...0x3F).contains($0.value) }
            let further = take(&rest) { (0x20...0x2F).contains($0.value) }
            guard let final = rest.first, (0x40...0x7E).contains(final.value) else { return nil }
            rest.removeFirst()
            let isColor =
                final == "m" && further.isEmpty
                && parameters.allSatisfy { ("0"..."9").contains($0) || $0 == ";" || $0 == ":" }
            return isColor ? "\u{1B}[\(parameters)m" : nil
        case "]"?, "P"?, "X"?, "^"?, "_"?:
            // A string, up to BEL or ESC \.
            while let scalar = rest.popFirst(), scalar != "\u{07}" {
                if scalar == escape {
                    if rest.first == "\\" { rest.removeFirst() }
                    break
                }
            }
            return nil
        default:
            _ = take(&rest) { (0x20...0x2F).contains($0.value) }
            if let final = rest.first, (0x30...0x7E).contains(final.value) { rest.removeFirst() }
            return nil
        }
    }

    private static func take(
        _ rest: inout ArraySlice<Unicode.Scalar>, while isWanted: (Unicode.Scalar) -> Bool
    ) -> String {
        let taken = rest.prefix(while: isWanted)
        rest = rest.dropFirst(taken.count)
        var text = String.UnicodeScalarView()
        text.append(contentsOf: taken)
        return String(text)
    }
}
