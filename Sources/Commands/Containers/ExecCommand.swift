internal import ArgumentParser
internal import Engine
internal import ImageSpec

struct ExecCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec", abstract: "Run a command in a container that runs.",
        discussion: """
            Options stand before the container; all that follows it is the command. Exit codes: the \
            command's, 125 if it could not be tried, 126 if it cannot be executed, 127 if it is not there.

              vitrine exec web cat /etc/hosts
              vitrine exec -it web bash
            """)
    @OptionGroup var store: StoreOptions
    @Flag(name: .shortAndLong, help: "Leave it to itself.") var detach = false
    @Flag(name: .shortAndLong, help: "Pass on what is typed.") var interactive = false
    @Flag(name: .shortAndLong, help: "Give it a terminal.") var tty = false
    @Flag(help: "With all capabilities.") var privileged = false
    @OptionGroup var variables: VariableOptions
    @Option(name: .shortAndLong, help: "The user: NAME|UID[:GROUP|GID].") var user: String?
    @Option(name: .shortAndLong, help: "The working directory.") var workdir: String?
    @Option(name: .customLong("detach-keys"), help: "Keys that leave it (ctrl-p,ctrl-q).")
    var detachKeys: DetachKeysArgument?
    @Argument(help: "The container, by name or ID.") var container: String
    @Argument(parsing: .remaining, help: "The command and its arguments.")
    var command: [String] = []

    func validate() throws {
        if command.isEmpty { throw ValidationError("exec needs a container and a command") }
    }

    func run() throws {
        try ContainerExit.reporting {
            if tty, !detach, interactive, !Terminal.inputIsTerminal {
                throw EngineError(.invalid, "the input device is not a TTY", hint: "leave out -t")
            }
            let engine = try store.engine(.existing)
            var execution = Engine.Execution(command)
            execution.environment = try variables.changes(.own)
            execution.workingDirectory = workdir
            execution.user = user
            execution.hasTerminal = tty
            execution.isPrivileged = privileged
            var options = AttachOptions()
            options.hasInput = interactive
            options.hasTerminal = tty
            options.passesSignals = false
            if let detachKeys { options.detachKeys = detachKeys.keys }
            try ContainerExit.end(
                with: try engine.execute(
                    execution, in: try engine.container(container), detach ? nil : options))
        }
    }
}
