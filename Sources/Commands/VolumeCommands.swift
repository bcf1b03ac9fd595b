internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct VolumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume", abstract: "Directories that outlive the containers that have them.",
        discussion: """
              vitrine volume create data
              vitrine run -v data:/var/lib/data app
              vitrine volume ls
            """,
        subcommands: [
            VolumeCreateCommand.self, VolumeListCommand.self, VolumeInspectCommand.self,
            VolumeRemoveCommand.self, VolumePruneCommand.self,
        ])
}

struct VolumeCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a volume.",
        discussion: """
            Prints its name, which is random if none is given. One of that name is left as it is.

              vitrine volume create data
              vitrine volume create --label use=test
            """)
    @OptionGroup var store: StoreOptions
    @Option(
        help: ArgumentHelp("Give it a label.", valueName: "name=value"),
        transform: { LabelText($0) })
    var label: [LabelText] = []
    @Option(name: .shortAndLong, help: "For Docker's sake: there is only \"local\".")
    var driver = "local"
    @Option(name: .customShort("o"), help: .hidden) var shortOption: [String] = []
    @Option(help: .hidden) var opt: [String] = []
    @Option(name: .customLong("name"), help: .hidden) var nameOption: String?
    @Argument(help: "Its name.") var name: String?

    func validate() throws {
        if name != nil, nameOption != nil {
            throw ValidationError("a volume has one name: give it as the argument or by --name")
        }
        if let option = (shortOption + opt).first {
            throw ValidationError(
                "invalid option: \"\(option)\"; a volume is a directory: mount what it is to be, and "
                    + "bind it with --volume or --mount")
        }
        if driver != "local" { throw ValidationError("there is no volume driver but \"local\"") }
    }

    func run() throws {
        let labels = label.map { ($0.name, $0.value) }
        let volume = try store.engine().createVolume(
            name ?? nameOption, labels: Dictionary(labels) { _, last in last })
        Terminal.write("\(volume.name)\n")
    }
}

/// A label as it is given: `NAME` or `NAME=VALUE`.
struct LabelText {
    var name: String
    var value: String

    init(_ text: String) {
        let equals = text.firstIndex(of: "=")
        name = String(text[..<(equals ?? text.endIndex)])
        value = equals.map { String(text[text.index(after: $0)...]) } ?? ""
    }
}

struct VolumeListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List volumes.",
        discussion: """
            Filters: dangling=true|false, name=PATTERN, driver=NAME, label=NAME[=VALUE], \
            label!=NAME[=VALUE].

              vitrine volume ls
              vitrine volume ls --filter dangling=true --quiet
              vitrine volume ls --format '{{.Name}} {{.Mountpoint}}'
            """, aliases: ["list"])
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions
    @Option(
        name: .shortAndLong, help: ArgumentHelp("Only volumes that fit.", valueName: "key=value"),
        transform: { try FilterText($0) })
    var filter: [FilterText] = []
    @Flag(name: .shortAndLong, help: "Print names only.") var quiet = false

    func run() throws {
        let filter = try VolumeFilter(filter)
        let engine = try store.existingEngine()
        let volumes = try engine?.volumes(filter) ?? []
        if quiet {
            for volume in volumes { Terminal.write(volume.record.name + "\n") }
            return
        }
        let rows = volumes.map { volume in
            Row([
                ("Driver", .string("local")), ("Name", .string(volume.record.name)),
                ("Scope", .string("local")),
                (
                    "Mountpoint",
                    .string(engine?.directory(ofVolume: volume.record.name) ?? "")
                ),
                (
                    "Labels",
                    .string(
                        volume.record.labels.sorted { $0.key < $1.key }
                            .map { "\($0.key)=\($0.value)" }.joined(separator: ","))
                ),
                ("Links", .string("\(volume.users.count)")),
                ("Containers", .string(volume.users.joined(separator: ","))),
                ("Anonymous", .bool(volume.record.isAnonymous)), ("Size", "N/A"),
                ("Availability", "N/A"), ("Group", "N/A"), ("Status", "N/A"),
            ])
        }
        try output.print(
            rows,
            fields: [
                Field("Driver", "DRIVER"), Field("Name", "VOLUME NAME"),
                Field("Scope", "SCOPE", isColumn: false),
                Field("Mountpoint", "MOUNTPOINT", isColumn: false),
                Field("Labels", "LABELS", isColumn: false),
                Field("Links", "LINKS", isColumn: false),
                Field("Containers", "CONTAINERS", isColumn: false),
                Field("Anonymous", "ANONYMOUS", isColumn: false),
                Field("Size", "SIZE", isColumn: false),
                Field("Availability", "AVAILABILITY", isColumn: false),
                Field("Group", "GROUP", isColumn: false),
                Field("Status", "STATUS", isColumn: false),
            ])
    }
}

struct VolumeInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Print all that is known of volumes, as JSON.",
        discussion: """
              vitrine volume inspect data
              vitrine volume inspect -f '{{.Mountpoint}}' data
            """)
    @OptionGroup var inspection: InspectOptions
    @Argument(help: "Volumes, by name.") var volumes: [String]

    func run() throws {
        try inspection.show(volumes) { name, engine in engine.inspect(try engine.volume(name)) }
    }
}

struct VolumeRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove volumes with what they hold.",
        discussion: """
            A volume that a container has is refused, whether the container runs or not.

              vitrine volume rm data
              vitrine volume rm --force data     no error if there is none
            """, aliases: ["remove"])
    @OptionGroup var store: StoreOptions
    @Flag(name: .shortAndLong, help: "Volumes that are not there are no error.")
    var force = false
    @Argument(help: "Volumes, by name.") var volumes: [String]

    func run() throws {
        let engine = try store.engine(.existing)
        var failed = false
        for name in volumes {
            do {
                try engine.removeVolume(name)
                Terminal.write("\(name)\n")
            } catch let error as EngineError where error.code == .notFound && force {
                Terminal.write("\(name)\n")
            } catch {
                Terminal.failure(error)
                failed = true
            }
        }
        if failed { throw ExitCode(1) }
    }
}
