internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Store

extension StageBuild {
    /// What COPY and ADD have in common, ready to be done.
    struct Transfer {
        var keyword: InstructionKeyword
        var transfer: CopyTransfer
        var source: any CopySource
        /// Whether archives among the files are unpacked.
        var unpacks: Bool
        var destination: DestinationPath
        var transform: CopyTransform
        /// Where the directories of the entries are.
        var directories: any DirectorySource
        /// Whether those are in the store.
        var isStored: Bool
        /// What is copied: by source, in order.
        var entries: [Entry]

        struct Entry {
            var match: SourceMatch
            var node: Node
        }
    }

    func perform(_ instruction: CopyInstruction, _ located: LocatedInstruction) throws {
        if instruction.parents {
            throw BuildError(
                .unsupported, "COPY --parents is not supported yet", offending: "--parents",
                hint: "copy each directory on its own")
        }
        for source in instruction.transfer.sources where Self.isRemote(source) {
            throw BuildError(
                .invalidArgument, "source can't be a URL for COPY", offending: source,
                hint: "ADD takes URLs")
        }
        var source: any CopySource = run.context.source
        if let from = instruction.from { source = try self.source(named: from) }
        try transfer(instruction.transfer, .copy, source, unpacks: false, located)
    }

    func perform(_ instruction: AddInstruction, _ located: LocatedInstruction) throws {
        for source in instruction.transfer.sources where Self.isRemote(source) {
            throw BuildError(
                .unsupported, "ADD of a URL or a git repository is not supported yet",
                offending: source,
                hint: "download it in a RUN step, or into the build context")
        }
        if let checksum = instruction.checksum {
            throw BuildError(
                .invalidArgument, "checksum requires HTTP(S) or Git sources",
                offending: checksum)
        }
        try transfer(
            instruction.transfer, .add, run.context.source,
            unpacks: instruction.unpack ?? true, located)
    }

    private static func isRemote(_ source: String) -> Bool {
        ["http://", "https://", "git://", "ssh://", "git@"].contains { source.hasPrefix($0) }
    }

    private func source(named name: String) throws -> any CopySource {
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
    private func origin(_ name: String) throws -> StagePlan.Source {
        if let source = plan.sources[name] { return source }
        if name == "scratch" { return .scratch }
        if let index = try? run.file.stageIndex(of: name) { return .stage(index) }  // an image
        return .image(name)
    }

    private func transfer(
        _ transfer: CopyTransfer, _ keyword: InstructionKeyword, _ source: any CopySource,
        unpacks: Bool, _ located: LocatedInstruction
    ) throws {
        let matcher = SourceMatcher(source: source)
        var matches: [SourceMatch] = []
        for word in transfer.sources {
            let found = try matcher.matches(of: word)
            if found.isEmpty {
                run.warn(
                    "NoMatch", "nothing in \(source.name) matches \"\(word)\"",
                    at: located.range)
            }
            matches += found
        }
        var work = Transfer(
            keyword: keyword, transfer: transfer, source: source, unpacks: unpacks,
            destination: try DestinationPath(
                transfer.destination, workingDirectory: state.workingDirectory),
            transform: CopyTransform(
                owner: try transfer.chown.map { try owner($0) },
                mode: try transfer.chmod.map { try ModeChange(parsing: $0) },
                time: run.arguments.epochTime),
            directories: source.directories, isStored: source.isStored,
            entries: try matches.compactMap { match in
                try source.node(at: match.resolved).map { .init(match: match, node: $0) }
            })
        if !transfer.excludes.isEmpty { try leaveOut(transfer.excludes, of: &work) }
        let step = LayerStep(
            text: shownText(located), history: Self.history(keyword, transfer),
            inputs: try inputs(of: work), range: located.range)
        try perform(step) { _, directories in try copy(work, directories) }
    }

    private func leaveOut(_ patterns: [String], of work: inout Transfer) throws {
        let excluded = try ExcludedEntries(patterns, of: work.source)
        work.directories = excluded.directories
        work.isStored = false
        work.entries = try work.entries.compactMap { entry in
            if entry.match.isFromWildcard, let name = entry.match.path.last,
                excluded.leavesOut(name)
            {
                return nil
            }
            return .init(match: entry.match, node: try excluded.remainder(of: entry.node))
        }
    }

    /// As BuildKit's history has it.
    private static func history(
        _ keyword: InstructionKeyword, _ transfer: CopyTransfer
    ) -> String {
        var words = [keyword.rawValue]
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
        if work.transfer.link { inputs.append("link") }
        if work.unpacks { inputs.append("unpack") }
        if let epoch = run.arguments.epoch { inputs.append("epoch", "\(epoch.unixSeconds)") }
        let digests = run.digests(of: work)
        for entry in work.entries {
            try inputs.append(source: entry.match.path, entry.node, digests)
        }
        for file in work.transfer.inlineFiles {
            inputs.append("inline", file.name, "\(Digest(of: file.content))")
        }
        return inputs
    }

    // MARK: - Copying

    private func copy(_ work: Transfer, _ directories: PendingDirectories) throws -> Tree {
        let ingest = try run.store.ingest(run.lease)
        let editor = TreeEditor(base: state.tree, directories: directories)
        let copier = TreeCopier(
            editor: editor, pending: directories, transform: work.transform,
            isLink: work.transfer.link)
        for entry in work.entries {
            try run.cancellation.check()
            try work.source.provideContents(at: entry.match.resolved)
            if work.unpacks, case .file(let content) = entry.node.content,
                try ArchiveUnpacker.isArchive(content, in: run.store)
            {
                let unpacker = ArchiveUnpacker(ingest: ingest, owner: work.transform.owner)
                let target = try copier.prepareDirectory(work.destination)
                try unpacker.unpack(content, of: run.store, into: target, of: editor)
                continue
            }
            try copier.copy(
                entry.node, named: entry.match.path.last, at: entry.match.resolved,
                from: work.directories, isStored: work.isStored, to: work.destination)
        }
        for file in work.transfer.inlineFiles {
            let node = Node(
                attributes: NodeAttributes(permissions: 0o644),
                content: .file(try ingest.insert(file.content)))
            try copier.copy(
                node, named: try EntryName(Array(file.name.utf8)), at: .root, from: run.store,
                isStored: true, to: work.destination)
        }
        return try editor.finish()
    }
}
