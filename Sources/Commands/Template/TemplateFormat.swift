internal import ImageSpec

/// Go's `fmt.Sprintf`: flags `-`, `+`, `#`, `0` and blank, widths and precisions, also as `*` and
/// `[N]`, and the verbs that values of templates have (``TemplateVerb``).
///
/// As Go: what does not fit a verb is shown with the verb, and is no error.
struct TemplateFormat {
    /// Wider than any terminal; what is wider is not meant.
    static let maximumWidth = 4096

    private var rest: Substring
    private let arguments: [JSONValue]
    private var next = 0
    /// Whether an index was used: then nothing is too much.
    private var isReordered = false
    private var isBadIndex = false
    private var output = ""

    static func text(_ format: String, _ arguments: ArraySlice<JSONValue>) -> String {
        var whole = TemplateFormat(rest: format[...], arguments: Array(arguments))
        whole.run()
        return whole.output
    }

    private init(rest: Substring, arguments: [JSONValue]) {
        self.rest = rest
        self.arguments = arguments
    }

    private mutating func run() {
        while let character = rest.popFirst() {
            if character == "%" { directive() } else { output.append(character) }
        }
        guard !isReordered, next < arguments.count else { return }
        let extra = arguments[next...].map(TemplateVerb.typed).joined(separator: ", ")
        output += "%!(EXTRA \(extra))"
    }

    private mutating func directive() {
        isBadIndex = false
        var verb = TemplateVerb()
        flags(&verb)
        index()
        if rest.first == "*" {
            rest.removeFirst()
            let width = number("%!(BADWIDTH)")
            verb.width = width.map { abs($0) } ?? 0
            if (width ?? 0) < 0 { verb.isLeft = true }
        } else {
            verb.width = digits() ?? 0
        }
        if rest.first == "." {
            rest.removeFirst()
            index()
            if rest.first == "*" {
                rest.removeFirst()
                let precision = number("%!(BADPREC)")
                verb.precision = precision.flatMap { $0 < 0 ? nil : $0 }
            } else {
                verb.precision = digits() ?? 0
            }
        }
        index()
        guard let letter = rest.popFirst() else {
            output += "%!(NOVERB)"
            return
        }
        if letter == "%" {
            output.append("%")
        } else if isBadIndex {
            output += "%!\(letter)(BADINDEX)"
        } else if next < arguments.count {
            next += 1
            output += verb.text(arguments[next - 1], letter)
        } else {
            output += "%!\(letter)(MISSING)"
        }
    }

    private mutating func flags(_ verb: inout TemplateVerb) {
        while let flag = rest.first {
            switch flag {
            case "-": verb.isLeft = true
            case "+": verb.hasSign = true
            case "#": verb.isAlternative = true
            case "0": verb.isZeroPadded = true
            case " ": verb.hasBlank = true
            default: return
            }
            rest.removeFirst()
        }
    }

    /// `[N]`: the argument that comes next, counted from 1.
    private mutating func index() {
        guard rest.first == "[" else { return }
        isReordered = true
        guard let end = rest.firstIndex(of: "]") else {
            isBadIndex = true
            rest.removeFirst()
            return
        }
        let text = rest[rest.index(after: rest.startIndex)..<end]
        rest = rest[rest.index(after: end)...]
        guard let place = Int(text), place >= 1, place <= arguments.count else {
            isBadIndex = true
            return
        }
        next = place - 1
    }

    /// The argument of a `*`.
    /// - Parameter complaint: printed where it is no number.
    private mutating func number(_ complaint: String) -> Int? {
        let value = next < arguments.count ? arguments[next].integerValue : nil
        next = min(next + 1, arguments.count)
        guard let value, value.magnitude <= Self.maximumWidth else {
            output += complaint
            return nil
        }
        return Int(value)
    }

    private mutating func digits() -> Int? {
        let digits = rest.prefix { ("0"..."9").contains($0) }
        rest.removeFirst(digits.count)
        return digits.isEmpty ? nil : min(Int(digits) ?? Self.maximumWidth, Self.maximumWidth)
    }
}
