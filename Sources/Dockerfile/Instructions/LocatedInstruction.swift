/// An instruction with its place in the file and the text it was read from.
package struct LocatedInstruction: Hashable, Sendable {
    package var instruction: Instruction

    /// From the keyword to the end of the last line, heredocs included.
    package var range: SourceRange

    /// The text as one line: continuations joined, comments dropped, heredoc bodies left out.
    /// This is what `docker history` shows.
    package var original: String

    /// The comment lines between this instruction and the one before it, without their `#`.
    package var comments: [String]

    package init(
        _ instruction: Instruction, at range: SourceRange, original: String,
        comments: [String] = []
    ) {
        self.instruction = instruction
        self.range = range
        self.original = original
        self.comments = comments
    }

    package var keyword: InstructionKeyword { instruction.keyword }
}
