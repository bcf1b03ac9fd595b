internal import ArgumentParser
internal import Engine
internal import Glibc
internal import ImageSpec
internal import Store

struct CommitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "commit", abstract: "Make an image of what a container has become.",
        discussion: """
            Adds one layer, with what "vitrine diff" lists, to those of the container's image, and \
            prints the new image's ID. What is mounted in the container, volumes too, is no part of \
            it. The container goes on as before.

              vitrine commit -m "with a JDK" -a "Ada <ada@example.com>" web base:jdk
              vitrine commit -c 'ENV JAVA_HOME=/usr/local/jdk' -c 'EXPOSE 8080' web app
              vitrine commit --squash web flat
            """)
    enum Format: String, ExpressibleByArgument, CaseIterable { case oci, docker }

    @OptionGroup var store: StoreOptions
    @OptionGroup var config: ConfigChangeOptions
    @Option(name: .shortAndLong, help: "The comment in the image's history.") var message: String?
    @Option(name: .shortAndLong, help: "The author, as 'Ada <ada@example.com>'.")
    var author: String?
    @Flag(
        name: .shortAndLong, inversion: .prefixedNo,
        help: "Let what runs in the container stand still meanwhile; --pause=false does not.")
    var pause = true
    @Flag(name: .shortAndLong, help: "One layer of everything, without those of the image.")
    var squash = false
    @Flag(name: .shortAndLong, help: "Print nothing but the ID, which is all there is to print.")
    var quiet = false
    @Option(
        name: .customLong("iidfile"),
        help: ArgumentHelp("Write the image's ID to a file.", valueName: "file"),
        completion: .file())
    var idFile: String?
    @Option(
        name: .shortAndLong,
        help: "oci or docker, as Podman's: an image is kept in one form, which is saved as either.")
    var format = Format.oci
    @Argument(help: "The container, by name or ID.") var container: String
    @Argument(help: "The image's name; without one it is listed as <none>.") var name: String?

    func run() throws {
        let engine = try store.engine(.existing)
        let file = idFile.map { ImageIDFile($0) }
        try file?.clear()
        var request = CommitRequest()
        request.name = name
        request.message = message
        request.author = author
        request.changes = config.changes
        request.isPaused = pause
        request.isSquashed = squash
        // As "rm -f" of its container asks it to end. What is not done is collected.
        let listener = SignalListener { signal in
            Terminal.note("the commit was cancelled")
            _exit(128 + signal)
        }
        defer { withExtendedLifetime(listener) {} }
        let image: ImageRecord
        do {
            image = try engine.commit(try engine.container(container), request)
        } catch {
            throw ConfigChangeOptions.shown(error)
        }
        try file?.write(image.id)
        Terminal.write("\(image.id)\n")
    }
}
