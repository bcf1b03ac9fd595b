internal import ImageSpec

/// What templates may call: Docker's functions, and of Go's own those that lists and JSON need.
enum TemplateFunction: String, CaseIterable, Sendable {
    case json, len, index, slice, join, split, upper, lower, title, truncate, pad
    case print, printf, println, html, js, urlquery, eq, ne, lt, le, gt, ge, not, and, or
    case invoke = "call"

    /// - Throws: `wrongArgument`.
    func call(_ arguments: [JSONValue]) throws(TemplateError) -> JSONValue {
        switch self {
        case .json:
            try expect(1, arguments)
            return .string(String(decoding: arguments[0].encodedForPeople(), as: UTF8.self))
        case .len:
            try expect(1, arguments)
            return JSONValue(try length(arguments[0]))
        case .index: return try index(arguments)
        case .slice: return try part(arguments)
        case .join:
            try expect(2, arguments)
            return .string(
                try list(arguments[0]).map(\.templateText).joined(separator: try text(arguments[1]))
            )
        case .split:
            try expect(2, arguments)
            return JSONValue(Self.parts(of: try text(arguments[0]), at: try text(arguments[1])))
        case .upper, .lower, .title:
            try expect(1, arguments)
            return .string(cased(try text(arguments[0])))
        case .truncate:
            try expect(2, arguments)
            guard let count = arguments[1].integerValue, count >= 0 else {
                throw wrong("takes a text and a number of characters")
            }
            return .string(String(try text(arguments[0]).prefix(Int(clamping: count))))
        case .pad: return .string(try padded(arguments))
        case .printf:
            guard let format = arguments.first else { throw tooFew() }
            return .string(TemplateFormat.text(try text(format), arguments.dropFirst()))
        case .print: return .string(Self.sequence(arguments))
        case .println:
            return .string(arguments.map(Self.printed).joined(separator: " ") + "\n")
        case .html: return .string(GoText.html(Self.escapable(arguments)))
        case .js: return .string(GoText.script(Self.escapable(arguments)))
        case .urlquery: return .string(GoText.query(Self.escapable(arguments)))
        case .invoke:
            guard let first = arguments.first else { throw tooFew() }
            throw wrong("non-function \(Self.printed(first)) of type \(first.goType)")
        case .eq:
            guard let first = arguments.first else { throw tooFew() }
            guard arguments.count >= 2 else { throw wrong("missing argument for comparison") }
            var isEqual = false
            for other in arguments.dropFirst() where !isEqual {
                isEqual = try isSame(first, other)
            }
            return .bool(isEqual)
        case .ne:
            try expect(2, arguments)
            return .bool(try !isSame(arguments[0], arguments[1]))
        case .lt, .le, .gt, .ge: return .bool(try isOrdered(arguments))
        case .not:
            try expect(1, arguments)
            return .bool(!arguments[0].isTrue)
        case .and, .or:
            guard let last = arguments.last else { throw tooFew() }
            return arguments.first { $0.isTrue == (self == .or) } ?? last
        }
    }

    /// Whether the values behind this one make no difference, and are not looked at.
    func isSettled(by value: JSONValue) -> Bool {
        switch self {
        case .and: !value.isTrue
        case .or: value.isTrue
        default: false
        }
    }

    /// As Go's `fmt.Sprint`: a blank between two that are no texts.
    private static func sequence(_ values: [JSONValue]) -> String {
        var text = ""
        for (place, value) in values.enumerated() {
            let isApart =
                place > 0 && value.stringValue == nil
                && values[place - 1].stringValue == nil
            text += (isApart ? " " : "") + printed(value)
        }
        return text
    }

    /// As Go's functions print a value: nothing is `<nil>` to them.
    private static func printed(_ value: JSONValue) -> String { TemplateVerb().text(value, "v") }

    /// What is escaped: as ``sequence(_:)``, but what is not set is named as in a template.
    private static func escapable(_ values: [JSONValue]) -> String {
        sequence(values.map { $0.isNull ? .string($0.templateText) : $0 })
    }

    /// As Go: kinds that cannot be the same are not compared; nothing can be the same as nothing.
    private func isSame(_ one: JSONValue, _ other: JSONValue) throws(TemplateError) -> Bool {
        switch (one, other) {
        case (.null, _), (_, .null): return one.isNull && other.isNull
        case (.number, .number) where one.isFloat == other.isFloat: return one == other
        case (.string, .string), (.bool, .bool): return one == other
        case (.array, _), (_, .array), (.object, _), (_, .object):
            throw wrong("non-comparable type \(one.goType)")
        default: throw wrong("incompatible types for comparison")
        }
    }

    /// From one place up to another, of a text in bytes.
    private func part(_ arguments: [JSONValue]) throws(TemplateError) -> JSONValue {
        guard (1...3).contains(arguments.count) else { throw wrong("takes a list and two places") }
        func range(_ count: Int) throws(TemplateError) -> Range<Int> {
            let places = arguments.dropFirst().map { $0.integerValue.flatMap { Int(exactly: $0) } }
            let start = places.first ?? 0
            let end = places.count == 2 ? places[1] : count
            guard let start, let end, 0 <= start, start <= end, end <= count else {
                throw wrong("takes places up to \(count), the first one first")
            }
            return start..<end
        }
        switch arguments[0] {
        case .array(let elements): return .array(Array(elements[try range(elements.count)]))
        case .string(let text):
            let bytes = Array(text.utf8)
            return .string(String(decoding: bytes[try range(bytes.count)], as: UTF8.self))
        default: throw wrong("takes a list or a text, and places")
        }
    }

    /// A text with blanks before and after it.
    private func padded(_ arguments: [JSONValue]) throws(TemplateError) -> String {
        try expect(3, arguments)
        let text = try text(arguments[0])
        guard let before = arguments[1].integerValue, let after = arguments[2].integerValue,
            (0...Self.maximumPadding).contains(before), (0...Self.maximumPadding).contains(after)
        else { throw wrong("takes a text and two numbers of blanks") }
        if text.isEmpty { return "" }
        return String(repeating: " ", count: Int(before)) + text
            + String(repeating: " ", count: Int(after))
    }

    /// Wider than any terminal.
    private static let maximumPadding: Int64 = 4096

    /// Numbers by their value, texts by their characters' numbers.
    private func isOrdered(_ arguments: [JSONValue]) throws(TemplateError) -> Bool {
        try expect(2, arguments)
        let (isBelow, isAbove): (Bool, Bool)
        switch (arguments[0], arguments[1]) {
        case (.number(let one), .number(let other)):
            guard let one = Double(one), let other = Double(other) else {
                throw wrong("invalid type for comparison")
            }
            (isBelow, isAbove) = (one < other, one > other)
        case (.string(let one), .string(let other)):
            isBelow = one.utf8.lexicographicallyPrecedes(other.utf8)
            isAbove = other.utf8.lexicographicallyPrecedes(one.utf8)
        default:
            throw wrong(
                arguments[0].goType == arguments[1].goType
                    ? "invalid type for comparison" : "incompatible types for comparison")
        }
        return switch self {
        case .lt: isBelow
        case .le: !isAbove
        case .gt: isAbove
        default: !isBelow
        }
    }

    private func index(_ arguments: [JSONValue]) throws(TemplateError) -> JSONValue {
        guard var value = arguments.first else { throw tooFew() }
        for key in arguments.dropFirst() {
            switch (value, key) {
            case (.array(let elements), .number(let text)):
                guard let place = Int(text), elements.indices.contains(place) else {
                    throw wrong("index out of range: \(text)")
                }
                value = elements[place]
            // What a map lacks is empty, as in Go.
            case (.object(let object), .string(let name)): value = object[name] ?? .string("")
            case (.null, .string): value = .string("")
            case (.null, .number(let text)):
                throw wrong("index out of range: \(text)")
            case (.array, _), (.object, _):
                throw wrong("cannot index \(value.goType) with type \(key.goType)")
            default: throw wrong("can't index item of type \(value.goType)")
            }
        }
        return value
    }

    private func length(_ value: JSONValue) throws(TemplateError) -> Int {
        switch value {
        case .string(let text): text.utf8.count
        case .array(let elements): elements.count
        case .object(let object): object.members.count
        case .null: 0
        case .bool, .number: throw wrong("len of type \(value.goType)")
        }
    }

    private func cased(_ text: String) -> String {
        switch self {
        case .upper: return text.uppercased()
        case .lower: return text.lowercased()
        default:
            var isStart = true
            var titled = String.UnicodeScalarView()
            for scalar in text.unicodeScalars {
                let mapping = scalar.properties.titlecaseMapping.unicodeScalars
                // Go knows no letter whose other case is several.
                let other = mapping.count == 1 ? mapping.first ?? scalar : scalar
                titled.append(isStart ? other : scalar)
                isStart = Self.separates(scalar)
            }
            return String(titled)
        }
    }

    /// Whether a word begins behind it, as Go's `strings.Title` has it.
    private static func separates(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .decimalNumber:
            false
        default: scalar.isASCII ? scalar != "_" : scalar.properties.isWhitespace
        }
    }

    /// As Go's `strings.Split`: without a separator, the characters.
    private static func parts(of text: String, at separator: String) -> [String] {
        guard !separator.isEmpty else { return text.map(String.init) }
        return text.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }

    // MARK: - Arguments

    private func list(_ value: JSONValue) throws(TemplateError) -> [JSONValue] {
        switch value {
        case .array(let elements): return elements
        case .null: return []
        default: throw wrong("takes a list and a separator")
        }
    }

    private func text(_ value: JSONValue) throws(TemplateError) -> String {
        switch value {
        case .string(let text): return text
        case .null: return ""
        default:
            throw TemplateError(
                .wrongArgument,
                "\(rawValue): expected string; found \(Self.printed(value))")
        }
    }

    private func expect(_ count: Int, _ arguments: [JSONValue]) throws(TemplateError) {
        guard arguments.count == count else {
            throw TemplateError(
                .wrongArgument,
                "wrong number of args for \(rawValue): want \(count) got \(arguments.count)")
        }
    }

    private func tooFew() -> TemplateError {
        TemplateError(
            .wrongArgument, "wrong number of args for \(rawValue): want at least 1 got 0")
    }

    private func wrong(_ message: String) -> TemplateError {
        TemplateError(.wrongArgument, "error calling \(rawValue): \(message)")
    }
}

extension JSONValue {
    /// What `if` takes for true: what is not null, false, zero or empty.
    var isTrue: Bool {
        switch self {
        case .null: false
        case .bool(let value): value
        case .number(let text): Double(text) != 0
        case .string(let text): !text.isEmpty
        case .array(let elements): !elements.isEmpty
        case .object(let object): !object.isEmpty
        }
    }

    /// The value as Go prints it: `[a b]`, `map[a:1 b:2]`.
    var templateText: String {
        switch self {
        case .null: return "<no value>"
        case .bool(let value): return value ? "true" : "false"
        case .number(let text):
            return isFloat ? Double(text).map(GoNumber.shortest) ?? text : text
        case .string(let text): return text
        case .array(let elements):
            return "[" + elements.map(\.templateText).joined(separator: " ") + "]"
        case .object(var object):
            object.sort()
            return "map["
                + object.members.map { "\($0.name):\($0.value.templateText)" }
                .joined(separator: " ") + "]"
        }
    }
}
