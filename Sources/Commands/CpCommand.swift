internal import ArgumentParser
internal import Engine
internal import Glibc
internal import ImageSpec

struct CpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cp", abstract: "Copy between a container, or out of an image, and the host.",
        discussion: """
            One side is CONTAINER:PATH, or as the source IMAGE:PATH; the other a path of the host, or \
            "-" for a tar stream. A path of the host with a colon begins with "/" or "./". A directory \
            goes into one that is there and becomes one that is not; "DIR/." stands for what is in it. \
            A container need not run.

              vitrine cp web:/var/log/app.log .
              vitrine cp site/. web:/usr/share/nginx/html
              vitrine cp debian:bookworm:/etc/debian_version .
              vitrine cp web:/etc - | tar -t
              vitrine cp - web:/srv < files.tar
            """)
    @OptionGroup var store: StoreOptions
    @Flag(name: .shortAndLong, help: "Owners and groups stay what they are.")
    var archive = false
    @Flag(
        name: [.customShort("L"), .customLong("follow-link")],
        help: "A symbolic link as the source stands for what it leads to.")
    var followLink = false
    @Flag(name: .shortAndLong, help: "Do not say what was copied.") var quiet = false
    @Argument(
        help: "CONTAINER:PATH, IMAGE:PATH, a path of the host, or \"-\".", completion: .file())
    var source: String
    @Argument(help: "CONTAINER:PATH, a path of the host, or \"-\".", completion: .file())
    var destination: String

    func validate() throws {
        if destination == "-", Terminal.outputIsTerminal {
            throw ValidationError("a tar is nothing for a terminal; redirect it")
        }
        if source == "-", Terminal.inputIsTerminal {
            throw ValidationError("standard input is a terminal; redirect it")
        }
    }

    func run() throws {
        let engine = try store.engine(.existing)
        var request = CopyRequest(source: source, destination: destination)
        request.keepsOwners = archive
        request.followsLink = followLink
        let cancellation = CopyCancellation()
        let listener = SignalListener { signal in
            cancellation.cancel(signal: signal) { _exit(128 + signal) }
        }
        let report: CopyReport
        do {
            report = try engine.copy(request, cancellation: cancellation)
        } catch {
            if let signal = cancellation.signal {
                Terminal.note("the copy was cancelled")
                throw ExitCode(128 + signal)
            }
            throw error
        }
        withExtendedLifetime(listener) {}
        for warning in report.warnings { Terminal.note(warning) }
        guard !quiet, let destination = report.destination else { return }
        let size = HumanSize.decimal(Int64(clamping: report.copiedBytes))
        Terminal.writeError("Successfully copied \(size) to \(destination.visible)\n")
    }
}
