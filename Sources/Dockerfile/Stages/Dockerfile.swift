/// A Dockerfile as values: its directives, its global ARGs and its stages.
package struct Dockerfile: Hashable, Sendable {
    package var directives: ParserDirectives

    /// The ARG lines before the first FROM, in order.
    package var globalArguments: [LocatedInstruction]

    /// At least one.
    package var stages: [Stage]

    package var warnings: [DockerfileWarning]

    /// Parses a Dockerfile.
    ///
    /// - Parameter source: the file's bytes, UTF-8 with or without a byte order mark, with line
    ///   feeds or CR LF.
    /// - Throws: `DockerfileError`, always with a range except for `emptyFile`.
    package init(parsing source: [UInt8]) throws(DockerfileError) {
        var reader = LogicalLineReader(source: source)
        var builder = StageListBuilder()
        try builder.add(from: &reader)
        guard !builder.isEmpty else {
            throw DockerfileError(
                .emptyFile, "file with no instructions", expected: "a FROM instruction")
        }
        guard !builder.stages.isEmpty else {
            throw DockerfileError(
                .noStage, "dockerfile contains no stages to build",
                at: builder.globalArguments.last?.range, expected: "a FROM instruction")
        }
        self.init(reader, builder)
    }

    private init(_ reader: LogicalLineReader, _ builder: StageListBuilder) {
        directives = reader.directives
        globalArguments = builder.globalArguments
        stages = builder.stages
        warnings = (reader.warnings + builder.warnings).sorted { $0.range.start < $1.range.start }
    }

    /// What stands before the first mistake, which may be nothing; nil for a file that has none.
    static func beginning(of source: [UInt8]) -> Dockerfile? {
        var reader = LogicalLineReader(source: source)
        var builder = StageListBuilder()
        do throws(DockerfileError) { try builder.add(from: &reader) } catch {
            return Dockerfile(reader, builder)
        }
        return nil
    }
}

extension StageListBuilder {
    fileprivate mutating func add(from reader: inout LogicalLineReader) throws(DockerfileError) {
        while let instruction = try LocatedInstruction(reading: &reader) { try add(instruction) }
    }
}

extension LocatedInstruction {
    /// Parses an ONBUILD trigger as an image's configuration keeps it: exactly one instruction.
    ///
    /// - Throws: as `Dockerfile.init(parsing:)`; `forbiddenTrigger` for what no trigger may be.
    package init(parsingTrigger trigger: String) throws(DockerfileError) {
        var reader = LogicalLineReader(source: Array(trigger.utf8))
        guard let instruction = try LocatedInstruction(reading: &reader),
            try LocatedInstruction(reading: &reader) == nil
        else {
            throw DockerfileError(
                .forbiddenTrigger, "onbuild trigger should be a single expression",
                offending: trigger)
        }
        switch instruction.keyword {
        case .onbuild, .from, .maintainer:
            throw DockerfileError(
                .forbiddenTrigger,
                "\(instruction.keyword.rawValue) isn't allowed as an ONBUILD trigger",
                at: instruction.range, offending: trigger)
        default: self = instruction
        }
    }

    /// Parses instructions that stand outside of a Dockerfile, as `commit --change` takes them.
    ///
    /// - Parameter body: gets each, with the escape character that expands it.
    /// - Throws: as `Dockerfile.init(parsing:)`, and what `body` throws.
    package static func forEach(
        in source: [UInt8], _ body: (LocatedInstruction, EscapeCharacter) throws -> Void
    ) throws {
        var reader = LogicalLineReader(source: source)
        while let instruction = try LocatedInstruction(reading: &reader) {
            try body(instruction, reader.directives.escape)
        }
    }

    /// Reads the next instruction with its heredocs, or nil at the end of the file.
    init?(reading reader: inout LogicalLineReader) throws(DockerfileError) {
        guard let element = try reader.next() else { return nil }
        let line = try InstructionLine(element.line)
        let heredocs = try Self.readHeredocs(of: line, from: &reader)
        let parser = InstructionParser(
            line: line, escape: reader.directives.escape, heredocs: heredocs)
        var range = element.line.range
        let instruction = try parser.parse()
        if !heredocs.isEmpty { range.end = reader.lastPosition }
        self.init(instruction, at: range, original: line.original, comments: element.comments)
    }

    private static func readHeredocs(
        of line: InstructionLine, from reader: inout LogicalLineReader
    ) throws(DockerfileError) -> [Heredoc] {
        guard try mayOpenHeredocs(line) else { return [] }
        let openings: [Heredoc.Opening]
        do { openings = try Heredoc.opened(by: line.line.text[...]) } catch {
            throw error.located(at: line.line.range)
        }
        var heredocs: [Heredoc] = []
        for opening in openings {
            var heredoc = opening.heredoc
            let terminator = Array(heredoc.name.utf8)
            if opening.hasBlanks,
                !reader.hasLine(terminator, droppingTabs: heredoc.dropsTabs)
            {
                continue
            }
            guard
                let content = try reader.readHeredoc(
                    until: terminator, droppingTabs: heredoc.dropsTabs)
            else {
                throw DockerfileError(
                    .unterminatedHeredoc, "unterminated heredoc", at: line.line.range,
                    offending: heredoc.name, expected: "a line that holds only \(heredoc.name)")
            }
            heredoc.content = content
            heredocs.append(heredoc)
        }
        return heredocs
    }

    /// RUN, COPY and ADD open heredocs, as triggers too, unless they are in the JSON form.
    private static func mayOpenHeredocs(_ line: InstructionLine) throws(DockerfileError) -> Bool {
        var line = line
        if InstructionKeyword(line.keyword.text) == .onbuild {
            line = try InstructionLine(line.line, in: line.arguments)
        }
        guard InstructionKeyword(line.keyword.text)?.takesHeredocs == true else { return false }
        if case .strings = JSONArray(parsing: line.arguments) { return false }
        return true
    }
}
