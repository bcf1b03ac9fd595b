internal import ImageSpec

/// Applies a template to one value.
struct TemplateRenderer {
    /// Nested ranges multiply; what takes longer than this many parts is not meant.
    private static let maximumSteps = 200_000

    /// More than any image's documents have; variables that are put together double.
    private static let maximumBytes = 8 << 20

    /// Whether functions give their first argument back, as for the headings of a table.
    private let skipsFunctions: Bool
    private let definitions: [String: [TemplateNode]]
    /// Templates that are inside each other.
    private var depth = 0
    private var output = ""
    private var steps = 0
    /// Inner ones last.
    private var variables: [(name: String, value: JSONValue)]

    private init(
        _ value: JSONValue, _ definitions: [String: [TemplateNode]], skipsFunctions: Bool
    ) {
        self.skipsFunctions = skipsFunctions
        self.definitions = definitions
        variables = [(name: "", value: value)]
    }

    static func render(
        _ nodes: [TemplateNode], _ definitions: [String: [TemplateNode]], _ value: JSONValue,
        skipsFunctions: Bool
    ) throws(TemplateError) -> String {
        var renderer = TemplateRenderer(value, definitions, skipsFunctions: skipsFunctions)
        _ = try renderer.render(nodes, value)
        return renderer.output
    }

    /// How the nodes of a block ended.
    private enum Ending { case through, next, leave }

    private mutating func render(
        _ nodes: [TemplateNode], _ dot: JSONValue
    ) throws(TemplateError) -> Ending {
        for node in nodes {
            steps += 1
            guard steps <= Self.maximumSteps else { throw Self.tooManySteps }
            guard output.utf8.count <= Self.maximumBytes else { throw Self.tooLong }
            var ending = Ending.through
            switch node {
            case .text(let text): output += text
            case .print(let pipeline): output += try text(of: pipeline, dot)
            case .set(let name, let pipeline):
                variables.append((name: name, value: try evaluate(pipeline, dot)))
            case .assign(let name, let pipeline):
                let value = try evaluate(pipeline, dot)
                if let place = variables.lastIndex(where: { $0.name == name }) {
                    variables[place].value = value
                }
            case .condition(let name, let pipeline, let body, let otherwise):
                let value = try evaluate(pipeline, dot)
                ending = try scoped(value.isTrue ? body : otherwise, dot, Self.named(name, value))
            case .with(let name, let pipeline, let body, let otherwise):
                let value = try evaluate(pipeline, dot)
                ending = try scoped(
                    value.isTrue ? body : otherwise, value.isTrue ? value : dot,
                    Self.named(name, value))
            case .range(let key, let element, let pipeline, let body, let otherwise):
                let pairs = try Self.pairs(of: try evaluate(pipeline, dot))
                for pair in pairs {
                    let names = Self.named(key, pair.key) + Self.named(element, pair.value)
                    if try scoped(body, pair.value, names) == .leave { break }
                }
                if pairs.isEmpty { ending = try scoped(otherwise, dot) }
            case .template(let name, let pipeline):
                var value = JSONValue.null
                if let pipeline { value = try evaluate(pipeline, dot) }
                try apply(name, value)
            case .leave: ending = .leave
            case .next: ending = .next
            }
            if ending != .through { return ending }
        }
        return .through
    }

    /// Each is some levels of recursion; Go's own limit is 100000.
    private static let maximumDepth = 100

    /// Renders a template that was defined: it sees its value, and no variables of others.
    private mutating func apply(_ name: String, _ value: JSONValue) throws(TemplateError) {
        guard let nodes = definitions[name] else {
            throw TemplateError(.unknownTemplate, "template \"\(name)\" not defined")
        }
        guard depth < Self.maximumDepth else {
            throw TemplateError(
                .tooLarge, "exceeded maximum template depth (\(Self.maximumDepth))")
        }
        depth += 1
        let around = variables
        variables = [(name: "", value: value)]
        _ = try render(nodes, value)
        variables = around
        depth -= 1
    }

    private static func named(
        _ name: String?, _ value: JSONValue
    ) -> [(name: String, value: JSONValue)] {
        name.map { [(name: $0, value: value)] } ?? []
    }

    private mutating func scoped(
        _ nodes: [TemplateNode], _ dot: JSONValue,
        _ names: [(name: String, value: JSONValue)] = []
    ) throws(TemplateError) -> Ending {
        let known = variables.count
        variables += names
        let ending = try render(nodes, dot)
        variables.removeSubrange(known...)
        return ending
    }

    private static func pairs(
        of value: JSONValue
    ) throws(TemplateError) -> [(key: JSONValue, value: JSONValue)] {
        switch value {
        case .array(let elements):
            return elements.enumerated().map { (key: JSONValue($0.offset), value: $0.element) }
        case .object(var object):
            object.sort()
            return object.members.map { (key: .string($0.name), value: $0.value) }
        case .null: return []
        case .number where value.integerValue != nil:
            let count = value.integerValue ?? 0
            guard count <= maximumSteps else { throw tooManySteps }
            return (0..<max(0, count)).map { (key: JSONValue($0), value: JSONValue($0)) }
        case .bool, .number, .string:
            throw TemplateError(
                .wrongArgument, "range can't iterate over \(value.templateText)")
        }
    }

    // MARK: - Values

    private func text(
        of pipeline: TemplatePipeline, _ dot: JSONValue
    ) throws(TemplateError) -> String {
        let value = try evaluate(pipeline, dot)
        guard value.isNull, pipeline.commands.count == 1,
            case .value(let operand)? = pipeline.commands.first, let name = operand.fields.last
        else { return value.templateText }
        return DockerFields.text(ofUnset: name)
    }

    private func evaluate(
        _ pipeline: TemplatePipeline, _ dot: JSONValue
    ) throws(TemplateError) -> JSONValue {
        var result: JSONValue?
        for command in pipeline.commands {
            switch command {
            case .value(let operand): result = try evaluate(operand, dot)
            case .call(let function, let operands):
                var arguments: [JSONValue] = []
                for operand in operands {
                    arguments.append(try evaluate(operand, dot))
                    // As Go: what is behind it is not looked at.
                    if let last = arguments.last, function.isSettled(by: last) { break }
                }
                if let result { arguments.append(result) }
                result = try call(function, arguments)
            case .label(let owner, let name):
                result = Self.label(
                    try evaluate(name, dot), of: try evaluate(owner, dot),
                    isHeading: skipsFunctions)
            }
        }
        return result ?? .null
    }

    /// A label of a row, whose labels are one text. As Docker: the heading of its column is its name,
    /// and one that is not there is empty.
    private static func label(
        _ name: JSONValue, of owner: JSONValue, isHeading: Bool
    ) -> JSONValue {
        guard let name = name.stringValue else { return .string("") }
        if isHeading { return .string(name) }
        switch owner.objectValue?["Labels"] {
        case .object(let labels)?: return labels[name] ?? .string("")
        case .string(let text)?:
            let found = text.split(separator: ",").first { $0.hasPrefix("\(name)=") }
            return .string(found.map { String($0.dropFirst(name.count + 1)) } ?? "")
        default: return .string("")
        }
    }

    private func evaluate(
        _ operand: TemplateOperand, _ dot: JSONValue
    ) throws(TemplateError) -> JSONValue {
        var value: JSONValue =
            switch operand.start {
            case .dot: dot
            case .variable(let name): variables.last { $0.name == name }?.value ?? .null
            case .literal(let value): value
            case .pipeline(let pipeline): try evaluate(pipeline, dot)
            case .call(let function): try call(function, [])
            }
        var owner: String?
        for name in operand.fields {
            value = try DockerFields.member(name, of: value, named: owner)
            owner = name
        }
        return value
    }

    private func call(
        _ function: TemplateFunction, _ arguments: [JSONValue]
    ) throws(TemplateError) -> JSONValue {
        if skipsFunctions, let first = arguments.first(where: { $0.stringValue != nil }) {
            return first
        }
        let result = try function.call(arguments)
        if let text = result.stringValue, text.utf8.count > Self.maximumBytes { throw Self.tooLong }
        return result
    }

    private static var tooManySteps: TemplateError {
        TemplateError(.tooLarge, "it takes more than \(maximumSteps) steps")
    }

    private static var tooLong: TemplateError {
        TemplateError(.tooLarge, "it makes a text of more than \(maximumBytes) bytes")
    }
}
