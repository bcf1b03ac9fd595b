internal import ImageSpec

/// Makes a template's parts of its pieces, as Go's text/template reads them.
struct TemplateParser {
    /// Blocks and parentheses inside each other; each is a level of recursion here and later.
    private static let maximumDepth = 64

    private let pieces: [TemplateLexer.Piece]
    private var position = 0
    private var depth = 0
    private var ranges = 0
    private var variables: [String] = [""]
    /// What `define` and `block` name.
    private(set) var definitions: [String: [TemplateNode]] = [:]

    init(_ pieces: [TemplateLexer.Piece]) { self.pieces = pieces }

    mutating func parse() throws(TemplateError) -> [TemplateNode] {
        let (nodes, end) = try block()
        guard let end else { return nodes }
        throw TemplateError(
            .syntax, "unexpected {{\(end.word)}}", column: end.column)
    }

    // MARK: - Blocks

    /// What ended a block: `end`, or `else` with what follows it.
    private struct Ending {
        var word: String
        var column: Int
        var rest: ArraySlice<TemplateToken>
    }

    private mutating func block() throws(TemplateError) -> ([TemplateNode], Ending?) {
        var nodes: [TemplateNode] = []
        while position < pieces.count {
            let piece = pieces[position]
            position += 1
            switch piece {
            case .text(let text): if !text.isEmpty { nodes.append(.text(text)) }
            case .action(let tokens, let column):
                guard let first = tokens.first else {
                    throw TemplateError(.syntax, "missing value for command", column: column)
                }
                if first.kind == .word("define"), depth == 0 {
                    try define(tokens.dropFirst(), column)
                    continue
                }
                if case .word(let word) = first.kind, word == "end" || word == "else" {
                    return (
                        nodes, Ending(word: word, column: column, rest: tokens.dropFirst())
                    )
                }
                nodes.append(try node(tokens[...], column))
            }
        }
        return (nodes, nil)
    }

    private mutating func node(
        _ tokens: ArraySlice<TemplateToken>, _ column: Int
    ) throws(TemplateError) -> TemplateNode {
        if case .word(let word)? = tokens.first?.kind, ["if", "with", "range"].contains(word) {
            return try branch(word, tokens.dropFirst(), column)
        }
        if case .word(let word)? = tokens.first?.kind, word == "block" || word == "template" {
            return try call(word, tokens.dropFirst(), column)
        }
        if tokens.first?.kind == .word("define") {
            throw TemplateError(.syntax, "unexpected <define> in command", column: column)
        }
        if case .word(let word)? = tokens.first?.kind, word == "break" || word == "continue" {
            guard ranges > 0, tokens.count == 1 else {
                throw TemplateError(
                    .syntax, "{{\(word)}} outside {{range}}, or not alone", column: column)
            }
            return word == "break" ? .leave : .next
        }
        if case .variable(let name)? = tokens.first?.kind {
            switch tokens.dropFirst().first?.kind {
            case .declare?:
                let value = try wholePipeline(tokens.dropFirst(2), column)
                variables.append(name)
                return .set(name, value)
            case .assign?:
                guard variables.contains(name) else {
                    throw TemplateError(
                        .unknownVariable, "undefined variable \"$\(name)\"", column: column)
                }
                return .assign(name, try wholePipeline(tokens.dropFirst(2), column))
            case .comma?:
                throw TemplateError(
                    .syntax, "too many declarations in command", column: column)
            default: break
            }
        }
        return .print(try wholePipeline(tokens, column))
    }

    /// `{{define "NAME"}}…{{end}}`
    private mutating func define(
        _ tokens: ArraySlice<TemplateToken>, _ column: Int
    ) throws(TemplateError) {
        guard tokens.count == 1, case .literal(.string(let name))? = tokens.first?.kind else {
            throw TemplateError(
                .syntax, "unexpected in define clause: it takes a name in quotes", column: column)
        }
        try add(try body("define", column), as: name, column)
    }

    /// The nodes up to an `end`, of a template that sees no variables of others.
    private mutating func body(
        _ word: String, _ column: Int
    ) throws(TemplateError) -> [TemplateNode] {
        try enter(column)
        defer { depth -= 1 }
        let (known, around) = (variables, ranges)
        (variables, ranges) = ([""], 0)
        let (nodes, ending) = try block()
        (variables, ranges) = (known, around)
        guard let ending else {
            throw TemplateError(
                .syntax, "unexpected EOF: this {{\(word)}} has no {{end}}", column: column)
        }
        guard ending.word == "end", ending.rest.isEmpty else {
            throw TemplateError(
                .syntax, "unexpected {{\(ending.word)}} in \(word) clause", column: ending.column)
        }
        return nodes
    }

    /// As Go: one that is empty makes way for another of its name.
    private mutating func add(
        _ nodes: [TemplateNode], as name: String, _ column: Int
    ) throws(TemplateError) {
        if let former = definitions[name], !Self.isBlank(former) {
            guard Self.isBlank(nodes) else {
                throw TemplateError(
                    .syntax, "template: multiple definition of template \"\(name)\"",
                    column: column)
            }
            return
        }
        definitions[name] = nodes
    }

    private static func isBlank(_ nodes: [TemplateNode]) -> Bool {
        nodes.allSatisfy { node in
            if case .text(let text) = node { text.allSatisfy(\.isWhitespace) } else { false }
        }
    }

    /// `{{template "NAME" PIPELINE}}`, `{{block "NAME" PIPELINE}}…{{end}}`
    private mutating func call(
        _ word: String, _ tokens: ArraySlice<TemplateToken>, _ column: Int
    ) throws(TemplateError) -> TemplateNode {
        guard case .literal(.string(let name))? = tokens.first?.kind else {
            throw TemplateError(
                .syntax, "unexpected in \(word) clause: it takes a name in quotes", column: column)
        }
        let rest = tokens.dropFirst()
        if word == "template" {
            return .template(name, rest.isEmpty ? nil : try wholePipeline(rest, column))
        }
        guard !rest.isEmpty else {
            throw TemplateError(.syntax, "missing value for block clause", column: column)
        }
        let value = try wholePipeline(rest, column)
        try add(try body(word, column), as: name, column)
        return .template(name, value)
    }

    private mutating func branch(
        _ word: String, _ tokens: ArraySlice<TemplateToken>, _ column: Int
    ) throws(TemplateError) -> TemplateNode {
        try enter(column)
        defer { depth -= 1 }
        let known = variables.count
        defer { variables.removeSubrange(known...) }
        var tokens = tokens
        let names = try declared(&tokens, word)
        let pipeline = try wholePipeline(tokens, column)
        variables += names
        if word == "range" { ranges += 1 }
        let (body, ending) = try block()
        if word == "range" { ranges -= 1 }
        // An element is none of the list without elements.
        if word == "range" { variables.removeSubrange(known...) }
        var otherwise: [TemplateNode] = []
        var last = ending
        if let other = ending, other.word == "else" {
            if case .word(let next)? = other.rest.first?.kind, next == word, word != "range" {
                // `else if` has the `end` of the whole.
                otherwise = [try branch(word, other.rest.dropFirst(), other.column)]
                return Self.node(word, names, pipeline, body, otherwise)
            }
            guard other.rest.isEmpty else {
                throw TemplateError(
                    .syntax, "unexpected in else: {{else}} stands alone, or before another \(word)",
                    column: other.column)
            }
            (otherwise, last) = try block()
        }
        guard let last else {
            throw TemplateError(
                .syntax, "unexpected EOF: this {{\(word)}} has no {{end}}", column: column)
        }
        guard last.word == "end", last.rest.isEmpty else {
            throw TemplateError(
                .syntax, "expected end; found {{\(last.word)}}", column: last.column)
        }
        return Self.node(word, names, pipeline, body, otherwise)
    }

    private static func node(
        _ word: String, _ names: [String], _ pipeline: TemplatePipeline, _ body: [TemplateNode],
        _ otherwise: [TemplateNode]
    ) -> TemplateNode {
        switch word {
        case "if": .condition(names.first, pipeline, body, otherwise: otherwise)
        case "with": .with(names.first, pipeline, body, otherwise: otherwise)
        default:
            .range(
                key: names.count == 2 ? names[0] : nil, element: names.last, pipeline, body,
                otherwise: otherwise)
        }
    }

    /// `$e :=` before a pipeline, or `$k, $e :=` before that of a range.
    private func declared(
        _ tokens: inout ArraySlice<TemplateToken>, _ word: String
    ) throws(TemplateError) -> [String] {
        guard let end = tokens.firstIndex(where: { $0.kind == .declare }) else { return [] }
        let head = tokens[..<end].map(\.kind)
        let column = tokens[end].column
        tokens = tokens[(end + 1)...]
        switch head {
        case _ where head.count == 1:
            if case .variable(let element) = head[0] { return [element] }
        case _ where word == "range" && head.count == 3 && head[1] == .comma:
            if case .variable(let key) = head[0], case .variable(let element) = head[2] {
                return [key, element]
            }
        default: break
        }
        throw TemplateError(
            .syntax,
            "too many declarations in \(word): a range declares $element or $key, $element, others "
                + "one variable",
            column: column)
    }

    // MARK: - Pipelines

    private mutating func wholePipeline(
        _ tokens: ArraySlice<TemplateToken>, _ column: Int
    ) throws(TemplateError) -> TemplatePipeline {
        var rest = tokens
        let pipeline = try pipeline(&rest, column)
        if let left = rest.first {
            throw TemplateError(.syntax, "this is not expected here", column: left.column)
        }
        return pipeline
    }

    private mutating func pipeline(
        _ tokens: inout ArraySlice<TemplateToken>, _ column: Int
    ) throws(TemplateError) -> TemplatePipeline {
        try enter(column)
        defer { depth -= 1 }
        var commands = [try command(&tokens, column, isFirst: true)]
        while let bar = tokens.first, bar.kind == .pipe {
            tokens.removeFirst()
            commands.append(try command(&tokens, bar.column, isFirst: false))
        }
        return TemplatePipeline(commands: commands)
    }

    private mutating func command(
        _ tokens: inout ArraySlice<TemplateToken>, _ column: Int, isFirst: Bool
    ) throws(TemplateError) -> TemplatePipeline.Command {
        if case .word(let word)? = tokens.first?.kind, !Self.isConstant(word) {
            let name = tokens.removeFirst()
            let function = try function(word, name.column)
            var arguments: [TemplateOperand] = []
            while let operand = try operand(&tokens) { arguments.append(operand) }
            return .call(function, arguments)
        }
        let place = tokens.first?.column ?? column
        guard let value = try operand(&tokens) else {
            let isEmpty = tokens.isEmpty
            throw TemplateError(
                .syntax, isEmpty ? "missing value for command" : "unexpected in command: no value",
                column: place)
        }
        if isFirst, value.fields.last == "Label", let name = try self.operand(&tokens) {
            var owner = value
            owner.fields.removeLast()
            return .label(owner, named: name)
        }
        if let next = tokens.first, ![.pipe, .close, .assign].contains(next.kind) {
            throw TemplateError(
                .syntax, "a value takes no arguments; a function does, and stands first",
                column: next.column)
        }
        guard isFirst else {
            throw TemplateError(
                .syntax, "non executable command in pipeline: only functions stand after a |",
                column: place)
        }
        return .value(value)
    }

    /// - Returns: nil where no operand begins.
    private mutating func operand(
        _ tokens: inout ArraySlice<TemplateToken>
    ) throws(TemplateError) -> TemplateOperand? {
        guard let token = tokens.first else { return nil }
        var operand = TemplateOperand(start: .dot, fields: [])
        switch token.kind {
        case .fields(let names): operand.fields = names
        case .literal(let value): operand.start = .literal(value)
        case .variable(let name):
            guard variables.contains(name) else {
                throw TemplateError(
                    .unknownVariable, "undefined variable \"$\(name)\"", column: token.column)
            }
            operand.start = .variable(name)
        case .word(let word):
            operand.start =
                Self.isConstant(word)
                ? .literal(word == "nil" ? .null : .bool(word == "true"))
                : .call(try function(word, token.column))
        case .open:
            tokens.removeFirst()
            operand.start = .pipeline(try pipeline(&tokens, token.column))
            guard tokens.first?.kind == .close else {
                throw TemplateError(.syntax, "this ( has no )", column: token.column)
            }
        case .close, .pipe, .declare, .assign, .comma: return nil
        }
        tokens.removeFirst()
        while let next = tokens.first, next.isJoined, case .fields(let names) = next.kind,
            !names.isEmpty
        {
            operand.fields += names
            tokens.removeFirst()
        }
        return operand
    }

    private func function(_ word: String, _ column: Int) throws(TemplateError) -> TemplateFunction {
        if let function = TemplateFunction(rawValue: word) { return function }
        throw TemplateError(
            .unknownFunction,
            "function \"\(word)\" not defined; there are "
                + TemplateFunction.allCases.map(\.rawValue).joined(separator: ", ")
                + ", and fields begin with a dot", column: column)
    }

    private static func isConstant(_ word: String) -> Bool {
        word == "true" || word == "false" || word == "nil"
    }

    private mutating func enter(_ column: Int) throws(TemplateError) {
        depth += 1
        guard depth <= Self.maximumDepth else {
            throw TemplateError(
                .tooLarge,
                "more than \(Self.maximumDepth) blocks and parentheses are inside each other",
                column: column)
        }
    }
}
