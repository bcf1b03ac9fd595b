extension InstructionParser {
    func parseCopy(_ flags: InstructionFlags) throws(DockerfileError) -> CopyInstruction {
        let transfer = try parseTransfer(.copy, flags)
        let from = flags.all("from").last
        if let from, MountOptions.mayHoldVariable(from.text) {
            throw DockerfileError(
                .unexpandableReference,
                "variable expansion is not supported for --from, define a new stage with FROM "
                    + "using ARG from global scope as a workaround",
                at: line.range(of: from.token), offending: from.text,
                hint: "FROM \(from.text) AS NAME, then COPY --from=NAME")
        }
        return CopyInstruction(
            transfer: transfer, from: (from?.text).nonEmpty, parents: flags.bool("parents") ?? false
        )
    }

    func parseAdd(_ flags: InstructionFlags) throws(DockerfileError) -> AddInstruction {
        AddInstruction(
            transfer: try parseTransfer(.add, flags), checksum: flags.string("checksum").nonEmpty,
            keepGitDir: flags.bool("keep-git-dir"), unpack: flags.bool("unpack"))
    }

    private func parseTransfer(
        _ keyword: InstructionKeyword, _ flags: InstructionFlags
    ) throws(DockerfileError) -> CopyTransfer {
        var arguments = joiningHeredocs(try list())
        guard arguments.count >= 2, let destination = arguments.popLast() else {
            throw DockerfileError(
                .missingArgument,
                "\(keyword.rawValue) requires at least two arguments, but only one was provided. "
                    + "Destination could not be determined",
                offending: arguments.first ?? line.keyword.text,
                expected: "\(keyword.rawValue) SOURCE… DESTINATION")
        }
        if Self.heredoc(destination) != nil {
            throw DockerfileError(
                .invalidHeredoc, "\(keyword.rawValue) cannot accept a heredoc as a destination",
                offending: destination)
        }
        var transfer = CopyTransfer(
            sources: [], destination: destination, chown: flags.string("chown").nonEmpty,
            chmod: flags.string("chmod").nonEmpty, link: flags.bool("link") ?? false,
            excludes: flags.strings("exclude"))
        for source in arguments {
            if let word = Self.heredoc(source) {
                // The last of several heredocs with one name is the one that counts.
                let heredoc = heredocs.last { $0.name == word.name } ?? word
                transfer.inlineFiles.append(
                    InlineFile(name: word.name, content: heredoc.body, expands: word.expands))
            } else {
                transfer.sources.append(source)
            }
        }
        return transfer
    }

    /// The words, `<< NAME` as one where it opened a heredoc.
    private func joiningHeredocs(_ words: [String]) -> [String] {
        guard !heredocs.isEmpty else { return words }
        var joined: [String] = []
        for word in words {
            if let last = joined.last, Heredoc.isOperator(Array(last.utf8)),
                let heredoc = Self.heredoc("\(last) \(word)"),
                heredocs.contains(where: { $0.name == heredoc.name })
            {
                joined[joined.count - 1] = "\(last) \(word)"
            } else {
                joined.append(word)
            }
        }
        return joined
    }

    /// The heredoc that a word opens. A word that cannot be read as one is a path.
    private static func heredoc(_ word: String) -> Heredoc? {
        (try? Heredoc(parsing: Array(word.utf8))) ?? nil
    }
}
