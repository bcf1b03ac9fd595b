internal import Dockerfile
internal import FileTree
internal import Store

/// COPY and ADD `--link`: what they copy is made on nothing, and grafted onto whatever is below. So
/// it is kept, and hits, for every root file system.
extension StageBuild {
    /// Says whether the destination is a directory: all that the copy needs to know of what is below.
    func settleDestination(of work: inout Transfer) throws {
        let existing = try run.store.node(at: work.destination.path, in: state.tree)
        // Directories make it one themselves.
        let onlyDirectories =
            !work.entries.isEmpty && work.transfer.inlineFiles.isEmpty
            && work.entries.allSatisfy(\.node.isDirectory)
        if existing?.isDirectory == true || onlyDirectories {
            work.destination.isDirectory = true
        }
    }

    /// Whether an archive is unpacked. Its files go where the links of the image lead, so that it
    /// cannot be unpacked on nothing.
    func hasArchive(_ work: Transfer) throws -> Bool {
        try work.entries.contains { entry in
            guard entry.unpacks, case .file(let content) = entry.node.content else { return false }
            try entry.source.provideContents(at: entry.match.resolved)
            return try ArchiveUnpacker.isArchive(
                content, named: entry.match.resolved.last?.bytes, in: run.store)
        }
    }

    /// Puts what was copied to nothing onto the stage's root file system: directories that are there
    /// keep what they are, symbolic links on the way are replaced.
    func graft(
        _ linked: Tree, of work: Transfer, _ directories: PendingDirectories
    ) throws -> Tree {
        var place = work.destination.path
        var copied = try directories.node(at: place, in: linked)
        if copied?.isDirectory != true, !place.isRoot {
            place = place.parent
            copied = try directories.node(at: place, in: linked)
        }
        let editor = TreeEditor(base: state.tree, directories: directories)
        guard let copied else { return state.tree }
        var destination = work.destination
        destination.path = place
        destination.isDirectory = true
        // Only the directories on the way are still to be made as the flags say.
        let way = TreeCopier(
            editor: editor, pending: directories, transform: work.transform, isLink: true)
        _ = try way.prepareDirectory(destination)
        let copier = TreeCopier(
            editor: editor, pending: directories, transform: CopyTransform(), isLink: true)
        try copier.copy(
            copied, named: nil, at: place, from: directories, isStored: true, to: destination,
            givesTime: work.entries.last.map(work.givesTime) ?? false)
        return try editor.finish()
    }
}
