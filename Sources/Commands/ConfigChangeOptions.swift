internal import ArgumentParser
internal import Builder

/// `--change`, of `commit` and `import`.
struct ConfigChangeOptions: ParsableArguments {
    @Option(
        name: [.customShort("c"), .customLong("change")], parsing: .singleValue,
        help: ArgumentHelp(
            "Change the image's config by an instruction of a Dockerfile (CMD, ENTRYPOINT, ENV, "
                + "EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR).",
            valueName: "instruction"))
    var changes: [String] = []

    /// Shows what is wrong with a change, the line with it.
    /// - Returns: what to end with.
    static func shown(_ error: any Error) -> any Error {
        guard let change = error as? BuildError else { return error }
        Terminal.writeError("Error: \(change.rendered(isTerminal: Terminal.errorIsTerminal))\n")
        return ExitCode.failure
    }
}
