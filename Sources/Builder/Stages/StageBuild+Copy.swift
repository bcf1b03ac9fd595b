internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Store

extension StageBuild {
    /// What COPY and ADD have in common, ready to be done.
    struct Transfer {
        var keyword: InstructionKeyword
        var transfer: CopyTransfer
        var destination: DestinationPath
        var transform: CopyTransform
        /// Whether the directories on the way to the files are kept.
        var keepsParents = false
        /// What is copied: by source, in order.
        var entries: [Entry]

        struct Entry {
            var source: any CopySource
            var match: SourceMatch
            var node: Node
            /// Where the directories of the node are.
            var directories: any DirectorySource
            /// Whether those are in the store.
            var isStored: Bool
            /// Whether an archive is unpacked.
            var unpacks: Bool
            /// Whether something of the source was left out.
            var isReduced = false
        }

        /// Whether the destination gets the time of the directory. The root of a source has none
        /// that means something.
        func givesTime(_ entry: Entry) -> Bool {
            entry.node.isDirectory && !keepsParents && !entry.match.resolved.isRoot
        }
    }

    /// - Throws: `invalidArgument` for what only ADD takes.
    func check(_ instruction: CopyInstruction) throws {
        for source in instruction.transfer.sources {
            guard let remote = try RemoteSource(source) else { continue }
            let isFile = if case .file = remote { true } else { false }
            throw BuildError(
                .invalidArgument,
                isFile ? "source can't be a URL for COPY" : "source can't be a git ref for COPY",
                offending: source, hint: "ADD takes URLs and git repositories")
        }
    }

    func perform(_ instruction: CopyInstruction, _ located: LocatedInstruction) throws {
        try check(instruction)
        var source: any CopySource = run.context.source
        if let from = instruction.from { source = try self.source(named: from) }
        var entries: [Transfer.Entry] = []
        for word in instruction.transfer.sources {
            entries +=
                instruction.parents
                ? try parentEntries(word, source, instruction.transfer.excludes, located)
                : try localEntries(
                    word, source, instruction.transfer.excludes, unpacks: false, located)
        }
        try transfer(
            instruction.transfer, .copy, entries, keepsParents: instruction.parents, located)
    }

    /// What `--from=` names: a stage, a named context, an image.
    func source(named name: String) throws -> any CopySource {
        do {
            return try run.source(try origin(name))
        } catch var error as BuildError where error.code == .imageNotFound {
            let stages = run.file.stages.compactMap(\.name)
            if !stages.isEmpty {
                error.hint =
                    "the stages of this file are \(stages.joined(separator: ", ")); "
                    + (error.hint ?? "")
            }
            throw error
        }
    }

    /// What the name after `--from=` means. Names in triggers are looked up here.
    func origin(_ name: String) throws -> StagePlan.Source {
        if let source = plan.sources[name] { return source }
        if name == "scratch" { return .scratch }
        if let index = try? run.file.stageIndex(of: name) { return .stage(index) }  // an image
        return run.contexts.has(name) ? .context(name) : .image(name)
    }

    /// What a word names in a source.
    func localEntries(
        _ word: String, _ source: any CopySource, _ excludes: [String], unpacks: Bool,
        _ located: LocatedInstruction
    ) throws -> [Transfer.Entry] {
        let matches = try SourceMatcher(source: source).matches(of: try state.path(word))
        if matches.isEmpty { warnOfNoMatch(word, source, located) }
        let entries = try matches.compactMap { match in
            try source.node(at: match.resolved).map {
                Transfer.Entry(
                    source: source, match: match, node: $0, directories: source.directories,
                    isStored: source.isStored, unpacks: unpacks)
            }
        }
        return try leavingOut(excludes, of: entries, source, source.directories)
    }

    private func warnOfNoMatch(
        _ word: String, _ source: any CopySource, _ located: LocatedInstruction
    ) {
        run.warn(
            "NoMatch", "nothing in \(source.name) matches \"\(word)\"", at: located.range)
    }

    /// `--parents`: what a word names, below the directories on the way.
    private func parentEntries(
        _ word: String, _ source: any CopySource, _ excludes: [String],
        _ located: LocatedInstruction
    ) throws -> [Transfer.Entry] {
        let parts = try ParentsPattern(try state.path(word))
        let included = try IncludedEntries(parts.pattern, of: source)
        let matcher = SourceMatcher(source: source)
        var entries: [Transfer.Entry] = []
        let bases = try matcher.matches(of: parts.base)
        for match in bases {
            guard let node = try included.node(at: match.resolved) else { continue }
            entries.append(
                Transfer.Entry(
                    source: source, match: match, node: node, directories: included.directories,
                    isStored: false, unpacks: false, isReduced: true))
        }
        if entries.isEmpty {
            if parts.isPlain {
                let names = parts.base + "/" + parts.pattern
                throw matcher.missing(try TreePath(cleaning: Array(names.utf8)), word)
            }
            warnOfNoMatch(word, source, located)
            // As BuildKit: nothing of a directory is copied, which makes the destination.
            return try bases.contains { try source.kind(at: $0.resolved) == .directory }
                ? [nothing] : []
        }
        return try leavingOut(excludes, of: entries, source, included.directories)
    }

    /// An empty directory, whose content is copied.
    private var nothing: Transfer.Entry {
        let source = TreeSource(.empty, in: run.store, name: "an empty directory")
        return Transfer.Entry(
            source: source, match: SourceMatch(path: .root, resolved: .root),
            node: Tree.empty.root, directories: source.directories, isStored: source.isStored,
            unpacks: false)
    }

    private func leavingOut(
        _ patterns: [String], of entries: [Transfer.Entry], _ source: any CopySource,
        _ directories: any DirectorySource
    ) throws -> [Transfer.Entry] {
        if patterns.isEmpty { return entries }
        let excluded = try ExcludedEntries(patterns, base: directories)
        return try entries.compactMap { entry in
            if entry.match.isFromWildcard, !entry.node.isDirectory,
                let name = entry.match.path.last,
                excluded.leavesOut(name)
            {
                return nil
            }
            var entry = entry
            entry.node = try excluded.remainder(of: entry.node)
            entry.directories = excluded.directories
            entry.isStored = false
            entry.isReduced = true
            return entry
        }
    }

    func transfer(
        _ transfer: CopyTransfer, _ keyword: InstructionKeyword, _ entries: [Transfer.Entry],
        keepsParents: Bool = false, _ located: LocatedInstruction
    ) throws {
        var transfer = transfer
        // As BuildKit: with a mode it is an ordinary copy.
        if transfer.chmod != nil { transfer.link = false }
        var work = Transfer(
            keyword: keyword, transfer: transfer,
            destination: try DestinationPath(
                try state.path(transfer.destination) + (keepsParents ? "/" : ""),
                workingDirectory: state.workingDirectory),
            transform: CopyTransform(
                owner: try transfer.chown.map { try owner($0) },
                mode: try transfer.chmod.map { try ModeChange(parsing: $0) },
                time: run.arguments.epochTime),
            keepsParents: keepsParents, entries: entries)
        if transfer.link { try settleDestination(of: &work) }
        var step = LayerStep(
            text: shownText(located), history: Self.history(keyword, transfer, keepsParents),
            inputs: try inputs(of: work), range: located.range)
        if transfer.link { step.graft = { [self] in try graft($0, of: work, $1) } }
        try perform(step) { _, directories in try make(work, directories, located) }
    }

    /// As BuildKit's history has it.
    private static func history(
        _ keyword: InstructionKeyword, _ transfer: CopyTransfer, _ keepsParents: Bool
    ) -> String {
        var words = [keyword.rawValue]
        if keepsParents { words.append("--parents") }
        if let chown = transfer.chown { words.append("--chown=\(chown)") }
        if let chmod = transfer.chmod { words.append("--chmod=\(chmod)") }
        words += transfer.sources
        words += transfer.inlineFiles.map { "<<\($0.name)" }
        words += [transfer.destination, "# buildkit"]
        return words.joined(separator: " ")
    }

    private func inputs(of work: Transfer) throws -> CacheInputs {
        var inputs = CacheInputs(work.keyword.rawValue, parent: state.tree)
        inputs.append(
            "destination", work.destination.text, work.destination.isDirectory ? "/" : "")
        if let owner = work.transform.owner {
            inputs.append("chown", "\(owner.userID):\(owner.groupID)")
        }
        if let chmod = work.transfer.chmod { inputs.append("chmod", chmod) }
        if work.transfer.link { inputs.append(CacheInputs.linkLine) }
        if work.keepsParents { inputs.append("parents") }
        if work.entries.contains(where: \.unpacks) { inputs.append("unpack") }
        for entry in work.entries {
            try inputs.append(source: entry.match.path, entry.node, run.digests(of: entry))
        }
        for file in work.transfer.inlineFiles {
            inputs.append("inline", file.name, "\(Digest(of: file.content))")
        }
        return inputs
    }

    // MARK: - Copying

    private func make(
        _ work: Transfer, _ directories: PendingDirectories, _ located: LocatedInstruction
    ) throws -> Made {
        let isLinked = try work.transfer.link && !hasArchive(work)
        let tree = try copy(work, to: isLinked ? .empty : state.tree, directories, located)
        return Made(tree, isLinked: isLinked)
    }

    private func copy(
        _ work: Transfer, to base: Tree, _ directories: PendingDirectories,
        _ located: LocatedInstruction
    ) throws -> Tree {
        let ingest = try run.store.ingest(run.lease)
        let editor = TreeEditor(base: base, directories: directories)
        let copier = TreeCopier(
            editor: editor, pending: directories, transform: work.transform,
            isLink: work.transfer.link)
        for entry in work.entries {
            try run.cancellation.check()
            try entry.source.provideContents(at: entry.match.resolved)
            if entry.unpacks, case .file(let content) = entry.node.content,
                try ArchiveUnpacker.isArchive(
                    content, named: entry.match.resolved.last?.bytes, in: run.store)
            {
                let unpacker = ArchiveUnpacker(ingest: ingest, owner: work.transform.owner)
                let target = try copier.prepareDirectory(work.destination, takesMode: false)
                try unpacker.unpack(content, of: run.store, into: target, of: editor)
                continue
            }
            try copier.copy(
                entry.node, named: entry.match.path.last, at: entry.match.resolved,
                from: entry.directories, isStored: entry.isStored, to: work.destination,
                linksOf: ObjectIdentifier(entry.source), givesTime: work.givesTime(entry))
        }
        for file in work.transfer.inlineFiles {
            let node = Node(
                attributes: NodeAttributes(permissions: 0o644),
                content: .file(try ingest.insert(file.content)))
            guard let name = try? EntryName(Array(file.name.utf8)) else {
                throw BuildError(
                    .invalidArgument, "\"\(file.name)\" is no name for a file",
                    offending: file.name, hint: "the destination has the directories")
            }
            try copier.copy(
                node, named: name, at: .root, from: run.store,
                isStored: true, to: work.destination)
        }
        if let path = copier.overwritten {
            run.warn(
                "OverwrittenSource",
                "several sources became the one file \(path), of which the last is left; end the "
                    + "destination with a slash if it is to be a directory", at: located.range)
        }
        return try editor.finish()
    }
}
