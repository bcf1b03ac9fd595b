internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Store

extension StageBuild {
    /// What the words name.
    /// - Throws: `invalidArgument`, for a checksum that goes with none of them, too.
    func sources(
        of instruction: AddInstruction
    ) throws -> [(text: String, remote: RemoteSource?)] {
        let sources = try instruction.transfer.sources.map {
            (text: $0, remote: try RemoteSource($0))
        }
        if let checksum = instruction.checksum {
            guard sources.count == 1, instruction.transfer.inlineFiles.isEmpty else {
                throw BuildError(
                    .invalidArgument, "checksum can't be specified for multiple sources",
                    offending: checksum)
            }
            guard sources[0].remote != nil else {
                throw BuildError(
                    .invalidArgument, "checksum requires HTTP(S) or Git sources",
                    offending: checksum)
            }
            if case .file = sources[0].remote { _ = try digest(checksum) }
        }
        return sources
    }

    private func digest(_ checksum: String) throws -> Digest {
        guard let digest = Digest(checksum) else {
            throw BuildError(
                .invalidArgument, "\"\(checksum)\" is no digest", offending: checksum,
                expected: "--checksum=sha256: and 64 hex digits")
        }
        return digest
    }

    func perform(_ instruction: AddInstruction, _ located: LocatedInstruction) throws {
        let sources = try sources(of: instruction)
        var entries: [Transfer.Entry] = []
        for (index, (text, remote)) in sources.enumerated() {
            switch remote {
            case nil:
                entries += try localEntries(
                    text, run.context.source, instruction.transfer.excludes,
                    unpacks: instruction.unpack ?? true, located)
            case .file(let address):
                entries.append(try fileEntry(address, instruction, word: index))
            case .repository(let reference):
                entries.append(try repositoryEntry(reference, instruction, word: index))
            }
        }
        try transfer(instruction.transfer, .add, entries, located)
    }

    /// A downloaded file keeps its archive packed unless it is asked for otherwise.
    private func fileEntry(
        _ address: WebAddress, _ instruction: AddInstruction, word index: Int
    ) throws -> Transfer.Entry {
        let checksum = try instruction.checksum.map { try digest($0) }
        let tree = try run.remotes.tree(
            of: .file(address), checksum: checksum, number: remoteNumber(ofWord: index))
        let source = TreeSource(tree, in: run.store, name: "\(address)")
        guard let name = try source.names(in: .root).first,
            let node = try source.node(at: TreePath([name]))
        else { throw BuildError(.downloadFailed, "there is no file at \(address)") }
        let path = TreePath([name])
        return Transfer.Entry(
            source: source, match: SourceMatch(path: path, resolved: path), node: node,
            directories: run.store, isStored: true, unpacks: instruction.unpack ?? false)
    }

    private func repositoryEntry(
        _ reference: GitReference, _ instruction: AddInstruction, word index: Int
    ) throws -> Transfer.Entry {
        let reference = try instruction.completed(reference)
        let tree = try run.remotes.tree(
            of: .repository(reference), number: remoteNumber(ofWord: index))
        let excluded = try ExcludedEntries(instruction.transfer.excludes, base: run.store)
        var node = Node(attributes: tree.attributes, content: .directory(tree.directory))
        let isWhole = instruction.transfer.excludes.isEmpty
        if !isWhole { node = try excluded.remainder(of: node) }
        return Transfer.Entry(
            source: TreeSource(tree, in: run.store, name: "\(reference)"),
            match: SourceMatch(path: .root, resolved: .root), node: node,
            directories: isWhole ? run.store : excluded.directories, isStored: isWhole,
            unpacks: false)
    }

    /// `FROM` of a named context that is no image: its files are the stage's first layer.
    func takeContext() throws {
        guard case .context(let name) = plan.base,
            case .files = try run.contexts.base(name, run.images, try run.platform(of: plan))
        else { return }
        let source = try run.source(.context(name))
        let located = plan.stage.fromInstruction
        let entries = try localEntries(".", source, [], unpacks: false, located)
        try transfer(
            CopyTransfer(sources: ["."], destination: "/"), .copy, entries, located)
    }
}

extension AddInstruction {
    /// What a word names on another host, with what the flags say of it.
    func remoteSource(_ word: String) throws -> RemoteSource? {
        guard let source = try RemoteSource(word) else { return nil }
        guard case .repository(let reference) = source else { return source }
        return .repository(try completed(reference))
    }

    fileprivate func completed(_ reference: GitReference) throws -> GitReference {
        var reference = reference
        if let keeps = keepGitDir {
            guard reference.keepsDirectory == nil || reference.keepsDirectory == keeps else {
                throw BuildError(
                    .invalidArgument, "inconsistent keep-git-dir configuration",
                    hint: "--keep-git-dir and the address say different things")
            }
            reference.keepsDirectory = keeps
        }
        if let checksum {
            guard reference.checksum == nil || reference.checksum == checksum else {
                throw BuildError(
                    .invalidArgument,
                    "checksum mismatch \"\(checksum)\" != \"\(reference.checksum ?? "")\"",
                    offending: checksum)
            }
            reference = try reference.checked(checksum)
        }
        return reference
    }
}
