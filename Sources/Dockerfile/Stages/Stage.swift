/// What a FROM begins: a base and the instructions up to the next FROM.
package struct Stage: Hashable, Sendable {
    /// The stage's number, from 0.
    package var index: Int

    package var from: FromInstruction

    /// The FROM line as a located instruction.
    package var fromInstruction: LocatedInstruction

    /// What follows the FROM.
    package var instructions: [LocatedInstruction]

    package init(
        index: Int, from: FromInstruction, fromInstruction: LocatedInstruction,
        instructions: [LocatedInstruction] = []
    ) {
        self.index = index
        self.from = from
        self.fromInstruction = fromInstruction
        self.instructions = instructions
    }

    package var name: String? { from.name }

    /// The name, or `stage-N` for a stage without one, as Docker shows it.
    package var displayName: String { name ?? "stage-\(index)" }
}
