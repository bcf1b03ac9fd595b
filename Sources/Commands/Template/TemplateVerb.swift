internal import ImageSpec

/// How one value is printed: what stands between `%` and a verb's letter.
struct TemplateVerb {
    var isLeft = false
    var hasSign = false
    var isAlternative = false
    var isZeroPadded = false
    var hasBlank = false
    var width = 0
    var precision: Int?

    /// A value with its type, as Go tells of what does not fit: `int=1`, `string=a`, `<nil>`.
    static func typed(_ value: JSONValue) -> String {
        value.isNull ? "<nil>" : "\(value.goType)=\(TemplateVerb().text(value, "v"))"
    }

    func text(_ value: JSONValue, _ letter: Character) -> String {
        if letter == "T" { return padded(value.goType) }
        switch value {
        case .null: return letter == "v" ? padded("<nil>") : "%!\(letter)(<nil>)"
        case .array(let elements):
            if letter == "p" { return misfit(value, letter) }
            return "[" + elements.map { text($0, letter) }.joined(separator: " ") + "]"
        case .object(var object):
            if letter == "p" { return misfit(value, letter) }
            object.sort()
            let members = object.members.map {
                "\(text(.string($0.name), letter)):\(text($0.value, letter))"
            }
            return "map[" + members.joined(separator: " ") + "]"
        case .bool(let flag):
            return letter == "t" || letter == "v"
                ? padded(flag ? "true" : "false") : misfit(value, letter)
        case .string(let string): return text(string, letter) ?? misfit(value, letter)
        case .number(let digits):
            if let number = value.integerValue, !value.isFloat {
                return text(number, letter) ?? misfit(value, letter)
            }
            guard let number = Double(digits) else { return misfit(value, letter) }
            return text(number, letter) ?? misfit(value, letter)
        }
    }

    private func misfit(_ value: JSONValue, _ letter: Character) -> String {
        "%!\(letter)(\(Self.typed(value)))"
    }

    // MARK: - Texts

    private func text(_ string: String, _ letter: Character) -> String? {
        let cut =
            precision.map { String(String.UnicodeScalarView(string.unicodeScalars.prefix($0))) }
            ?? string
        switch letter {
        case "v" where isAlternative: return padded(GoText.quoted(string, isPlain: false))
        case "s", "v": return padded(cut)
        case "q" where isAlternative && !cut.contains("`"): return padded("`\(cut)`")
        case "q": return padded(GoText.quoted(cut, isPlain: hasSign))
        case "x", "X":
            let bytes = string.utf8.prefix(precision ?? .max).map { byte in
                (isAlternative && hasBlank ? "0x" : "") + (byte < 16 ? "0" : "")
                    + String(byte, radix: 16)
            }
            let head = isAlternative && !hasBlank && !bytes.isEmpty ? "0x" : ""
            let text = head + bytes.joined(separator: hasBlank ? " " : "")
            return padded(letter == "X" ? text.uppercased() : text)
        default: return nil
        }
    }

    // MARK: - Whole numbers

    private func text(_ number: Int64, _ letter: Character) -> String? {
        switch letter {
        case "d", "v": return integer(number, radix: 10, prefix: "")
        case "b": return integer(number, radix: 2, prefix: isAlternative ? "0b" : "")
        case "o": return integer(number, radix: 8, prefix: isAlternative ? "0" : "")
        case "O": return integer(number, radix: 8, prefix: "0o")
        case "x": return integer(number, radix: 16, prefix: isAlternative ? "0x" : "")
        case "X":
            return integer(number, radix: 16, prefix: isAlternative ? "0x" : "").uppercased()
        case "c": return padded(String(Self.character(number)))
        case "q": return padded(GoText.quoted(Self.character(number), isPlain: hasSign))
        case "U":
            let digits = String(number, radix: 16, uppercase: true)
            let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            return padded(isAlternative ? "\(code) '\(Self.character(number))'" : code)
        default: return nil
        }
    }

    private static func character(_ number: Int64) -> Unicode.Scalar {
        UInt32(exactly: number).flatMap(Unicode.Scalar.init) ?? "\u{FFFD}"
    }

    private func integer(_ number: Int64, radix: Int, prefix: String) -> String {
        var digits = String(number.magnitude, radix: radix)
        let sign = number < 0 ? "-" : hasSign ? "+" : hasBlank ? " " : ""
        if let precision {
            if precision == 0, number == 0 { return padded("") }
            digits = String(repeating: "0", count: max(0, precision - digits.count)) + digits
            return padded(sign + prefix + digits, withZeros: false)
        }
        if isZeroPadded, !isLeft {
            let missing = width - sign.count - digits.count
            digits = String(repeating: "0", count: max(0, missing)) + digits
            return sign + prefix + digits
        }
        return padded(sign + prefix + digits)
    }

    // MARK: - Numbers with a point

    private func text(_ number: Double, _ letter: Character) -> String? {
        let text: String
        switch letter {
        case "v": text = GoNumber.shortest(number)
        case "g", "G":
            text = precision.map { GoNumber.general(number, $0) } ?? GoNumber.shortest(number)
        case "e", "E": text = GoNumber.scientific(number, precision ?? 6)
        case "f", "F": text = GoNumber.fixed(number, precision ?? 6)
        case "x", "X": text = GoNumber.hexadecimal(number)
        case "b": text = GoNumber.binary(number)
        default: return nil
        }
        let cased = letter.isUppercase ? text.uppercased() : text
        let sign = cased.hasPrefix("-") ? "" : hasSign ? "+" : hasBlank ? " " : ""
        return padded(sign + cased, isNumber: true)
    }

    // MARK: - Width

    private func padded(
        _ text: String, withZeros: Bool = true, isNumber: Bool = false
    ) -> String {
        let missing = width - text.unicodeScalars.count
        guard missing > 0 else { return text }
        if isLeft { return text + String(repeating: " ", count: missing) }
        guard isZeroPadded, withZeros else {
            return String(repeating: " ", count: missing) + text
        }
        let sign = isNumber ? text.prefix { "+- ".contains($0) }.prefix(1) : ""
        return sign + String(repeating: "0", count: missing) + text.dropFirst(sign.count)
    }
}

extension JSONValue {
    /// Whether a number has a point or an exponent.
    var isFloat: Bool {
        if case .number(let text) = self { text.contains { ".eE".contains($0) } } else { false }
    }

    /// What Go calls the value's type.
    var goType: String {
        switch self {
        case .null: return "<nil>"
        case .bool: return "bool"
        case .number: return isFloat ? "float64" : "int"
        case .string: return "string"
        case .array(let elements):
            let isText = !elements.isEmpty && elements.allSatisfy { $0.stringValue != nil }
            return isText ? "[]string" : "[]interface {}"
        case .object(let object):
            let isText =
                !object.isEmpty && object.members.allSatisfy { $0.value.stringValue != nil }
            return isText ? "map[string]string" : "map[string]interface {}"
        }
    }
}
