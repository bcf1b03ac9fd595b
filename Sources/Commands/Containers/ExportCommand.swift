internal import ArgumentParser
internal import Engine
internal import Glibc
internal import Layers

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a container's files as a tar.",
        discussion: """
            The root file system as it is at the moment, also of a container that runs; without what \
            is mounted in it. The same files give the same bytes.

              vitrine export web | tar -t
              vitrine export -o web.tar web
            """)
    @OptionGroup var store: StoreOptions
    @Option(
        name: .shortAndLong, help: "A file; standard output if not given.", completion: .file())
    var output: String?
    @Argument(help: "The container, by name or ID.") var container: String

    func validate() throws {
        if output == nil, Terminal.outputIsTerminal {
            throw ValidationError("an archive is not for a terminal; use --output or a pipe")
        }
    }

    func run() throws {
        let engine = try store.engine(.existing)
        let meter = ArchiveMeter("exporting")
        defer { meter.finish() }
        try engine.export(
            try engine.container(container),
            to: output.map { .path($0) } ?? .descriptor(STDOUT_FILENO),
            progress: { meter.show($0) })
    }
}
