internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Sandbox
internal import Store

extension StageBuild {
    /// Sets the working directory and makes it, as USER's, with permissions 0755.
    ///
    /// As in BuildKit, each but `/` is a layer, an empty one where the directory is there already.
    func perform(_ instruction: WorkdirInstruction, _ located: LocatedInstruction) throws {
        try state.setWorkingDirectory(instruction.path)
        let text = state.workingDirectory
        let place = try DestinationPath(text, workingDirectory: "/")
        let history = "WORKDIR \(text)"
        guard text != "/" else { return state.addHistory(history, hasLayer: false) }
        let owner = workingDirectoryOwner(located)
        var inputs = CacheInputs("WORKDIR", parent: state.tree)
        inputs.append("directory", place.text)
        inputs.append("owner", "\(owner.userID):\(owner.groupID)")
        let step = LayerStep(
            text: shownText(located), history: history, inputs: inputs, range: located.range)
        try perform(step) { _, directories in
            let editor = TreeEditor(base: state.tree, directories: directories)
            try editor.makeDirectories(
                try editor.followingLinks(place.path), userID: owner.userID,
                groupID: owner.groupID, time: run.arguments.epochTime)
            return Made(try editor.finish())
        }
    }

    /// The owner that USER stands for. As in BuildKit, a user that the image does not have makes
    /// directories that are root's.
    private func workingDirectoryOwner(_ located: LocatedInstruction) -> Ownership {
        do {
            return try owner(state.image.config.user)
        } catch {
            let reason = (error as? BuildError)?.message ?? "\(error)"
            run.warn(
                "UnknownUser", "the directory belongs to root: \(reason)", at: located.range)
            return .root
        }
    }

    /// The owner that a text of `--chown` or USER stands for in the image as it is now.
    func owner(_ text: String) throws -> Ownership {
        if text.isEmpty { return .root }
        return try Ownership(parsing: text) { try AccountFiles(of: state.tree, in: run.store) }
    }
}
