internal import ArgumentParser
internal import Builder
internal import ImageSpec
internal import Store

/// What a container runs, as whom and with which variables.
struct ProcessOptions: ParsableArguments {
    @OptionGroup var variables: VariableOptions
    @Option(
        help: ArgumentHelp("Run this instead of the image's ENTRYPOINT.", valueName: "program"))
    var entrypoint: String?
    @Option(
        name: [.customShort("w"), .long],
        help: ArgumentHelp("The working directory.", valueName: "path"))
    var workdir: String?
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Who runs it.", valueName: "name|uid[:group|gid]"))
    var user: String?
    @Option(help: ArgumentHelp("A further group.", valueName: "name|gid"))
    var groupAdd: [String] = []
    @Flag(name: .shortAndLong, help: "Keep standard input open.") var interactive = false
    @Flag(name: .shortAndLong, help: "Give it a terminal.") var tty = false
    @Flag(help: "Begin with a small init that passes signals on and reaps orphans.")
    var `init` = false
    @Option(
        help: ArgumentHelp("The signal that \"stop\" sends (SIGTERM).", valueName: "signal"))
    var stopSignal: String?
    @Option(
        help: ArgumentHelp(
            "How long \"stop\" waits before it kills (10); -1 forever.", valueName: "seconds"))
    var stopTimeout: Int?

    func apply(
        to settings: inout ContainerSettings, _ arguments: [String],
        _ surroundings: OptionSurroundings
    ) throws {
        if let entrypoint {
            // As Docker: the image's command goes with its entry point.
            settings.entrypoint = entrypoint.isEmpty ? [] : [entrypoint]
            settings.command = arguments
        } else if !arguments.isEmpty {
            settings.command = arguments
        }
        settings.environment = try variables.set(in: settings.environment, surroundings)
        if let workdir, !workdir.isEmpty {
            guard workdir.hasPrefix("/") else {
                throw OptionError(
                    "--workdir", workdir,
                    "the working directory is invalid, it needs to be an "
                        + "absolute path")
            }
            settings.workingDirectory = CleanedPath.absolute(workdir)
        }
        if let user { settings.user = user }
        settings.additionalGroups = groupAdd
        settings.keepsInputOpen = interactive
        settings.hasTerminal = tty
        settings.hasInit = `init`
        if let stopSignal {
            guard StopSignal.isValid(stopSignal) else {
                throw OptionError(
                    "--stop-signal", stopSignal, "invalid signal: \(stopSignal)",
                    hint: "write SIGTERM, TERM or 15")
            }
            settings.stopSignal = stopSignal
        }
        if let stopTimeout {
            guard stopTimeout >= -1 else {
                throw OptionError("--stop-timeout", "\(stopTimeout)", "it is below -1")
            }
            settings.stopTimeoutSeconds = stopTimeout
        }
    }
}
