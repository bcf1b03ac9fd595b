internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Store

/// A step that the cache does not have, and how to find out why.
struct CacheMiss {
    var inputs: CacheInputs
    /// Whether another root file system below is a reason.
    var dependsOnParent = true
    /// As the history has it.
    var instruction: String
    var place: String
    /// Of the builds that it is compared with first.
    var title: String
    var build: String
    /// The names of the stage's ARGs, which are told apart from other variables.
    var arguments: Set<String>
    /// What the stage stands on.
    var base: StagePlan.Source
    /// The names of the file's stages.
    var stages: [String]
    /// The last step before this one that was not cached.
    var lastRebuiltStep: Int?
    var mountedPaths = MountedPaths()

    func explanation(_ store: Store) throws -> CacheExplanation {
        if let former = try store.lastBuild(withStep: inputs.key, before: build) {
            return CacheExplanation(.removed, build: former, key: inputs.key)
        }
        let step = Store.StepDescription(
            title: title, build: build, place: place, instruction: instruction,
            parent: inputs.parent.id)
        guard let nearest = try store.nearestEntry(to: step, parentTree: inputs.parent) else {
            return CacheExplanation(.new)
        }
        let comparison = InputComparison(
            arguments: arguments, parentChange: parentChange, mountedPaths: mountedPaths)
        var changes = comparison.changes(from: nearest.entry.inputs, to: inputs.text)
        if !dependsOnParent {
            changes.removeAll { $0.subject == "parent" }
            // It was made before, and is there no longer.
            if changes.isEmpty { return CacheExplanation(.new) }
        }
        return CacheExplanation(
            .changed, build: nearest.build, key: nearest.entry.key, changes: changes)
    }

    /// What is to be said where the root file system below the step is another one.
    private var parentChange: String {
        if let lastRebuiltStep { return "parent changed by step \(lastRebuiltStep)" }
        switch base {
        case .scratch: return "parent changed: it begins with nothing"
        case .image(let name):
            return "parent changed: another base image, or other steps on \(name)"
        case .context(let name):
            return "parent changed: the context \(name) is another, or other steps on it"
        case .stage(let index):
            let name = stages.indices.contains(index) ? stages[index] : "\(index)"
            return "parent changed: another result of the stage \(name), or other steps on it"
        }
    }
}
