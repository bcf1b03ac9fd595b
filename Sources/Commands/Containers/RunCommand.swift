internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Make a container from an image and start it.",
        discussion: """
            Options stand before the image; all that follows it is the command. Exit codes: the \
            command's, 125 if the container could not be made or started, 126 if the command cannot be \
            executed, 127 if it is not there.

              vitrine run -it --rm debian:bookworm bash
              vitrine run -d --name web -p 8080:80 nginx
              vitrine run --rm -v "$PWD":/src -w /src gcc make
            """,
        // -h is the container's name, as in Docker.
        helpNames: .long)
    @OptionGroup var store: StoreOptions
    @Option(help: "The container's name.") var name: String?
    @Flag(name: .shortAndLong, help: "Leave it to itself, and print its ID.") var detach = false
    @Option(
        name: .shortAndLong, help: "Attach to this stream only: stdin, stdout, stderr.")
    var attach: [AttachedStream] = []
    @Option(name: .customLong("detach-keys"), help: "Keys that leave it (ctrl-p,ctrl-q).")
    var detachKeys: DetachKeysArgument?
    @Option(name: .customLong("sig-proxy"), help: "Pass signals on (true).")
    var passesSignals = true
    @OptionGroup var options: ContainerOptions
    @OptionGroup var target: ContainerCommandLine

    func validate() throws {
        if detach, !attach.isEmpty { throw ValidationError("Conflicting options: -a and -d") }
    }

    enum AttachedStream: String, ExpressibleByArgument { case stdin, stdout, stderr }

    func run() throws {
        try ContainerExit.reporting {
            let engine = try store.engine(.existing)
            let process = options.process
            if process.tty, process.interactive, !detach, !Terminal.inputIsTerminal {
                throw EngineError(
                    .invalid, "the input device is not a TTY", hint: "leave out -t, or -i")
            }
            let record = try options.create(
                named: name, target, with: engine, .own, needsCommand: true)
            try start(record, engine)
        }
    }

    private func start(_ record: ContainerRecord, _ engine: Engine) throws {
        do {
            if detach {
                try engine.start(record)
                return Terminal.write("\(record.id)\n")
            }
            let attachment = attachment(record)
            // As Docker: who is given nothing else is given the ID, to look for the output with.
            if !attachment.hasOutput, !attachment.hasError { Terminal.write("\(record.id)\n") }
            try ContainerExit.end(with: try engine.startAttached(record, attachment))
        } catch let error as ExitCode {
            throw error
        } catch {
            // One that never ran is of no use to anybody.
            if record.settings.removesItself {
                try? engine.removeContainer(record.id.text, force: true, withVolumes: true)
            }
            throw error
        }
    }

    private func attachment(_ record: ContainerRecord) -> AttachOptions {
        var attachment = AttachOptions()
        let streams = Set(attach)
        attachment.hasInput =
            record.settings.keepsInputOpen && (streams.isEmpty || streams.contains(.stdin))
        attachment.hasOutput = streams.isEmpty || streams.contains(.stdout)
        attachment.hasError = streams.isEmpty || streams.contains(.stderr)
        attachment.hasTerminal = record.settings.hasTerminal
        attachment.passesSignals = passesSignals
        if let detachKeys { attachment.detachKeys = detachKeys.keys }
        return attachment
    }
}
