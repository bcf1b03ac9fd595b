internal import Dockerfile

/// What a stage takes from other hosts, as far as that can be told before it is built.
extension BuildSchedule.Entry {
    private var instructions: [LocatedInstruction] { triggers + plan.stage.instructions }

    /// What the text itself names, in an order that is always the same.
    func remoteSources(_ contexts: NamedContexts) -> [RemoteSource] {
        var names: [String] = []
        if case .context(let name) = plan.base { names.append(name) }
        for located in instructions {
            names += located.instruction.stageReferences.filter { name in
                if case .context? = plan.sources[name] { return true }
                return plan.sources[name] == nil && contexts.has(name)
            }
        }
        var sources = names.compactMap { contexts.remoteSource($0) }
        for case .add(let add) in instructions.map(\.instruction) {
            // What is wrong with an address is told by the instruction.
            sources += add.transfer.sources.filter { !Self.isOpen($0) }
                .compactMap { try? add.remoteSource($0) }
        }
        return sources
    }

    /// How many words the ADDs have of which one is an address or not as variables will have it, by
    /// the instructions' places.
    var openWords: [(place: Int, count: Int)] {
        instructions.enumerated().compactMap { place, located in
            guard case .add(let add) = located.instruction,
                add.transfer.sources.contains(where: { Self.isOpen($0) }) || add.isOpen
            else { return nil }
            return (place, add.transfer.sources.count)
        }
    }

    /// Whether a word may be another one when it has been expanded.
    fileprivate static func isOpen(_ word: String) -> Bool {
        word.contains { "$\\\"'`".contains($0) }
    }
}

extension AddInstruction {
    /// Whether a flag that tells one source from another may be another one when it has been expanded.
    fileprivate var isOpen: Bool { checksum.map { BuildSchedule.Entry.isOpen($0) } ?? false }
}
