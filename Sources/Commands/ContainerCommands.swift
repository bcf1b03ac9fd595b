internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct CreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a container from an image.",
        discussion: """
            Prints its ID. A container is a writable root file system that stays until it is removed; \
            "vitrine mount" shows it. Its name, where none is given, is made up.

              vitrine create --name web debian:bookworm
              vitrine mount web /mnt
            """)
    @OptionGroup var store: StoreOptions
    @Option(help: "The container's name.") var name: String?
    @Argument(help: "The image.") var image: String

    func run() throws {
        let record = try store.engine(.existing).createContainer(image, name: name)
        Terminal.write("\(record.id)\n")
    }
}

struct PsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps", abstract: "List containers.",
        discussion: """
            Without --all only those that run, which none does yet.

              vitrine ps -a
              vitrine ps -aq
              vitrine ps -a --format '{{.ID}} {{.Names}}'
            """)
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions
    @Flag(name: .shortAndLong, help: "Also those that do not run.") var all = false
    @Flag(name: .shortAndLong, help: "Print container IDs only.") var quiet = false
    @Flag(name: .customLong("no-trunc"), help: "Do not shorten.") var noTruncation = false

    func run() throws {
        let now = Timestamp.now
        let found = all ? try store.existingEngine()?.containers() ?? [] : []
        let rows = found.map { row($0, now) }
        if quiet {
            for row in rows { Terminal.write(row.text("ID") + "\n") }
            return
        }
        try output.print(
            rows,
            fields: [
                Field("ID", "CONTAINER ID"), Field("Image", "IMAGE"), Field("Command", "COMMAND"),
                Field("RunningFor", "CREATED"), Field("CreatedAt", "CREATED AT", isColumn: false),
                Field("Status", "STATUS"), Field("Names", "NAMES"),
            ])
    }

    private func row(_ container: ContainerSummary, _ now: Timestamp) -> Row {
        let created = Timestamp(nanosecondsSinceEpoch: container.record.createdAt)
        var command = container.command.joined(separator: " ")
        if !noTruncation && command.count > 20 { command = command.prefix(19) + "…" }
        return Row([
            ("ID", .string(noTruncation ? container.record.id.text : container.record.id.short)),
            ("Image", .string(container.record.imageName)),
            ("Command", .string("\"\(command)\"")),
            ("RunningFor", .string(HumanDuration.ago(created, now: now))),
            ("CreatedAt", .string(created.description)),
            ("Status", .string(status(container))),
            ("Names", .string(container.record.name)),
        ])
    }

    private func status(_ container: ContainerSummary) -> String {
        guard let holder = container.holder else { return "Created" }
        return holder.mountPoint.map { "Mounted at \($0.visible)" } ?? "In use"
    }
}

struct RmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove containers.",
        discussion: """
            A container goes with all that was changed in it. One that is mounted is refused.

              vitrine rm web
              vitrine rm --force web     its mount goes first
            """)
    @OptionGroup var store: StoreOptions
    @Flag(name: .shortAndLong, help: "Also when it is mounted.") var force = false
    @Argument(help: "Containers, by name or ID.") var containers: [String]

    func run() throws {
        let engine = try store.engine(.existing)
        var failed = false
        for container in containers {
            do {
                _ = try engine.removeContainer(container, force: force)
                Terminal.write("\(container)\n")
            } catch {
                Terminal.failure(error)
                failed = true
            }
        }
        if failed { throw ExitCode(1) }
    }
}
