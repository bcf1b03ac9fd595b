// Text that came from elsewhere, as a terminal may be shown it. Control characters would move the
// cursor, change colours and titles, or hide what stands before them.

extension String {
    /// The text on one line: control characters but the tab are written as escapes, `\x1b`, `\n`.
    package var visible: String { escapingControls { $0 == "\t" } }

    /// The text with its lines; other control characters are written as escapes.
    package var visibleLines: String { escapingControls { $0 == "\t" || $0 == "\n" } }

    /// Bytes that should be UTF-8, on one line: as ``visible``, and those that are not as `\xff`.
    package init(visible bytes: [UInt8]) {
        if bytes.allSatisfy({ (0x20...0x7E).contains($0) }) {
            self = String(decoding: bytes, as: UTF8.self)
            return
        }
        var text = UnicodeScalarView()
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var place = 0
        parsing: while true {
            switch parser.parseScalar(from: &iterator) {
            case .valid(let scalar):
                text.append(Unicode.UTF8.decode(scalar))
                place += scalar.count
            case .error(let length):
                for byte in bytes[place..<(place + length)] {
                    text.append(contentsOf: Self.escape(UInt32(byte)).unicodeScalars)
                }
                place += length
            case .emptyInput: break parsing
            }
        }
        self = String(text).visible
    }

    private static func escape(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return "\\x" + (digits.utf8.count == 1 ? "0" : "") + digits
    }

    private func escapingControls(_ isKept: (Unicode.Scalar) -> Bool) -> String {
        guard unicodeScalars.contains(where: { $0.isControl && !isKept($0) }) else { return self }
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            guard scalar.isControl, !isKept(scalar) else {
                result.append(scalar)
                continue
            }
            switch scalar {
            case "\n": result.append(contentsOf: "\\n".unicodeScalars)
            case "\r": result.append(contentsOf: "\\r".unicodeScalars)
            default: result.append(contentsOf: Self.escape(scalar.value).unicodeScalars)
            }
        }
        return String(result)
    }
}

extension Unicode.Scalar {
    /// C0, DEL and C1 (ECMA-48).
    package var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }
}
