internal import ImageSpec

/// `printf`'s format, as far as templates need it: `%s %v %q %d %x %X %o %c %f %t %%` with the flags
/// `-`, `0` and `+`, a width and a precision.
///
/// As Go: what does not fit a verb is shown with the verb, and is no error.
struct TemplateFormat {
    private struct Verb {
        var isLeft = false
        var isZeroPadded = false
        var hasSign = false
        var width = 0
        var precision: Int?
    }

    /// Wider than any terminal; what is wider is not meant.
    private static let maximumWidth = 4096

    static func text(_ format: String, _ arguments: ArraySlice<JSONValue>) -> String {
        var output = ""
        var rest = Substring(format)
        var arguments = arguments
        while let character = rest.popFirst() {
            guard character == "%" else {
                output.append(character)
                continue
            }
            let verb = verb(&rest)
            guard let letter = rest.popFirst() else { return output + "%!(NOVERB)" }
            if letter == "%" {
                output.append("%")
            } else if let value = arguments.popFirst() {
                output += pad(text(value, letter, verb), verb)
            } else {
                output += "%!\(letter)(MISSING)"
            }
        }
        guard !arguments.isEmpty else { return output }
        return output + "%!(EXTRA \(arguments.map(\.templateText).joined(separator: ", ")))"
    }

    private static func verb(_ rest: inout Substring) -> Verb {
        var verb = Verb()
        while let flag = rest.first, "-0+# ".contains(flag) {
            switch flag {
            case "-": verb.isLeft = true
            case "0": verb.isZeroPadded = true
            case "+": verb.hasSign = true
            default: break
            }
            rest.removeFirst()
        }
        verb.width = number(&rest) ?? 0
        if rest.first == "." {
            rest.removeFirst()
            verb.precision = number(&rest) ?? 0
        }
        return verb
    }

    private static func number(_ rest: inout Substring) -> Int? {
        let digits = rest.prefix { ("0"..."9").contains($0) }
        rest.removeFirst(digits.count)
        return Int(digits).map { min($0, maximumWidth) }
    }

    private static func text(_ value: JSONValue, _ letter: Character, _ verb: Verb) -> String {
        let plain = value.templateText
        let sign = verb.hasSign && !plain.hasPrefix("-") ? "+" : ""
        switch (letter, value) {
        case ("v", _): return plain
        case ("s", .string), ("s", .array), ("s", .object):
            return verb.precision.map { String(plain.prefix($0)) } ?? plain
        case ("q", .string): return String(decoding: value.encoded, as: UTF8.self)
        case ("t", .bool): return plain
        case ("d", .number):
            if let number = value.integerValue { return sign + String(number) }
        case ("x", .number):
            if let number = value.integerValue { return sign + String(number, radix: 16) }
        case ("X", .number):
            if let number = value.integerValue {
                return sign + String(number, radix: 16, uppercase: true)
            }
        case ("o", .number):
            if let number = value.integerValue { return sign + String(number, radix: 8) }
        case ("c", .number):
            if let number = value.integerValue, let code = UInt32(exactly: number),
                let scalar = Unicode.Scalar(code)
            {
                return String(Character(scalar))
            }
        case ("f", .number(let text)):
            if let number = Double(text) {
                return sign + fixed(number, verb.precision ?? 6)
            }
        case ("x", .string):
            return plain.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        default: break
        }
        return "%!\(letter)(\(plain))"
    }

    /// A number with so many digits after the point; those beyond an integer's are not kept.
    private static func fixed(_ number: Double, _ precision: Int) -> String {
        let digits = min(precision, 15)
        let scale = (0..<digits).reduce(1.0) { product, _ in product * 10 }
        let scaled = (number.magnitude * scale).rounded()
        guard scaled < 9e18 else { return "\(number)" }
        let whole = String(Int64(scaled))
        let text = String(repeating: "0", count: max(0, digits + 1 - whole.count)) + whole
        let sign = number < 0 && scaled != 0 ? "-" : ""
        guard digits > 0 else { return sign + text }
        return sign + text.dropLast(digits) + "." + text.suffix(digits)
    }

    private static func pad(_ text: String, _ verb: Verb) -> String {
        let missing = verb.width - text.count
        guard missing > 0 else { return text }
        if verb.isLeft { return text + String(repeating: " ", count: missing) }
        guard verb.isZeroPadded else { return String(repeating: " ", count: missing) + text }
        let sign = text.prefix { $0 == "-" || $0 == "+" }.prefix(1)
        return sign + String(repeating: "0", count: missing) + text.dropFirst(sign.count)
    }
}
