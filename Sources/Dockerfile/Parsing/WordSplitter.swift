/// Splits an instruction's arguments into words.
enum WordSplitter {
    /// Words between blanks, whatever is in them.
    static func blankSeparated(_ text: ArraySlice<UInt8>) -> [Token] {
        text.split(whereSeparator: \.isASCIISpace).map {
            Token(text: $0.decoded, offsets: $0.startIndex..<$0.endIndex)
        }
    }

    /// Words between white space, where quotes and escapes join words. Quotes and escapes stay
    /// in the words: expansion takes them out.
    static func quoted(_ text: ArraySlice<UInt8>, escape: EscapeCharacter) -> [Token] {
        var words: [Token] = []
        var word = OpenWord()
        var quote: UInt8?
        var index = text.startIndex
        func close() {
            if !word.bytes.isEmpty {
                words.append(
                    Token(text: word.bytes[...].decoded, offsets: word.start..<word.end))
            }
            word = OpenWord()
        }
        while index < text.endIndex {
            let decoded = text.decodedScalar(at: index)
            let byte = text[index]
            if quote == nil && decoded.scalar.isGoSpace {
                close()
                index += decoded.width
                continue
            }
            if byte == escape.rawValue && quote != UInt8(ascii: "'") {
                // An escape at the very end is dropped; it escapes nothing.
                if index + 1 < text.endIndex {
                    let next = text.decodedScalar(at: index + 1)
                    word.append(text[index..<(index + 1 + next.width)])
                    index += next.width
                }
                index += 1
                continue
            }
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
            }
            word.append(text[index..<(index + decoded.width)])
            index += decoded.width
        }
        close()
        return words
    }

    /// A word that is being read.
    private struct OpenWord {
        var bytes: [UInt8] = []
        var start = 0
        var end = 0

        mutating func append(_ slice: ArraySlice<UInt8>) {
            if bytes.isEmpty { start = slice.startIndex }
            end = slice.endIndex
            bytes.append(contentsOf: slice)
        }
    }
}
