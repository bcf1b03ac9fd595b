internal import ArgumentParser
internal import Engine
internal import Glibc
internal import ImageSpec

extension VitrineCommand {
    /// Runs the command that the process was started with, and ends the process.
    package static func start() -> Never {
        StandardStream.surviveClosedPipes()
        OpenFileLimit.raise()
        FileSizeLimit.raise()
        var code: Int32 = 0
        do {
            let arguments = ArgumentText.ofProcess
            try check(arguments)
            try CommandNames.check(arguments)
            var command = try parseAsRoot(GoFlags.rewritten(arguments))
            try command.run()
        } catch {
            code = exitCode(for: error).rawValue
            let isUsage = code == ExitCode.validationFailure.rawValue || error is OptionError
            if error is UnknownCommand { code = ExitCode.validationFailure.rawValue }
            if isUsage || error is UnknownCommand, GoFlags.isDockersCommand() {
                code = ContainerExit.failure.rawValue
            }
            let message = fullMessage(for: error)
            if !message.isEmpty {
                // What was asked for, such as help, is a result.
                let stream = code == 0 ? StandardStream.output : StandardStream.error
                stream.write(message.visibleLines + "\n")
            }
        }
        // A result that did not arrive is a failure; a reader who had enough need not hear of it.
        switch StandardStream.output.state {
        case .complete: break
        case .closed: code = code == 0 ? 1 : code
        case .failed(let message):
            code = code == 0 ? 1 : code
            Terminal.note(message)
        }
        Glibc.exit(code)
    }

    /// Refuses what would be rewritten on its way: the store and OCI runtimes keep texts.
    private static func check(_ arguments: [String]) throws {
        if GoFlags.name(in: arguments) == CpCommand.configuration.commandName { return }
        guard let index = arguments.firstIndex(where: ArgumentText.isRaw) else { return }
        throw OptionError(
            "argument \(index + 1)", ArgumentText.shown(arguments[index]), "it is not UTF-8",
            hint:
                "only the paths of \"vitrine cp\" may be other bytes; a directory above such a name "
                + "can be given, or a symbolic link to it")
    }
}
