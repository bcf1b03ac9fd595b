internal import ArgumentParser
internal import Engine
internal import FileTree
internal import ImageSpec

struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "List what changed: A added, C changed, D deleted.",
        discussion: """
            Compares two of: a container or an image (name or ID), layer:DIGEST, cache:KEY, a path \
            inside a mounted image or container or the gallery. With one, compares it with the image \
            it was made from. A container may run meanwhile. Where a container and an image have one \
            name the container is meant.

              vitrine diff web
              vitrine diff --stat web
              vitrine diff debian:bookworm app
              vitrine diff cache:3f2a9c01 cache:77b0c1d2
            """)
    @OptionGroup var store: StoreOptions
    @Flag(name: .customLong("name-status"), help: "The letter and the path, a tab between.")
    var nameStatus = false
    @Flag(help: "The bytes of each path before and after, and their sum.") var stat = false
    @Flag(name: .customLong("json"), help: "Print JSON.") var json = false
    @Option(
        help: ArgumentHelp(
            "Print each change by a template such as '{{.Kind}} {{.Path}} {{.NewSize}}'; 'json' "
                + "lists the paths by kind, as Podman does.", valueName: "template"),
        transform: { try FormatTemplate($0) })
    var format: FormatTemplate?
    @Argument(help: "What to compare.", completion: .file()) var first: String
    @Argument(help: "What to compare it with.", completion: .file()) var second: String?

    func validate() throws {
        let chosen = [nameStatus, stat, json, format != nil].count { $0 }
        if chosen > 1 {
            throw ValidationError(
                "--name-status, --stat, --json and --format exclude each other")
        }
    }

    func run() throws {
        let engine = try store.engine(.existing)
        let changes = try engine.diff(
            try engine.diffOperand(first), try second.map { try engine.diffOperand($0) }
        ).drop { !$0.isWorthListing }
        if stat { return Terminal.write(ChangeStatistics(changes).text) }
        if json {
            return Terminal.write(
                .array(
                    changes.map {
                        .object(
                            JSONObject([
                                .init("Kind", .string(String($0.kind.rawValue))),
                                .init("Path", .string($0.path.description)),
                            ]))
                    }), indent: 2)
        }
        switch format {
        case nil, .plain?:
            let separator = UInt8(ascii: nameStatus ? "\t" : " ")
            var lines: [UInt8] = []
            for change in changes {
                lines += change.kind.rawValue.utf8
                lines.append(separator)
                change.path.appendVisible(to: &lines)
                lines.append(UInt8(ascii: "\n"))
            }
            Terminal.write(visible: lines)
        case .json?: Terminal.write(Self.byKind(changes), indent: nil)
        case .template(let template)?:
            Terminal.write(
                try OutputOptions.text(changes.map(Self.row), fields: Self.fields, by: template))
        }
    }

    private static let fields = [
        Field("Kind", "KIND"), Field("Path", "PATH"), Field("OldSize", "OLD SIZE"),
        Field("NewSize", "NEW SIZE"),
    ]

    private static func row(_ change: Change) -> Row {
        Row([
            ("Kind", .string(String(change.kind.rawValue))),
            ("Path", .string(change.path.description)),
            ("OldSize", JSONValue(change.oldBytes)),
            ("NewSize", JSONValue(change.newBytes)),
        ])
    }

    /// Kinds without a path are left out.
    private static func byKind(_ changes: some Collection<Change>) -> JSONValue {
        let kinds: [(String, Change.Kind)] = [
            ("changed", .changed), ("added", .added), ("deleted", .deleted),
        ]
        var object = JSONObject()
        for (name, kind) in kinds {
            let paths = changes.filter { $0.kind == kind }.map { $0.path.description }
            if !paths.isEmpty { object[name] = JSONValue(paths) }
        }
        return .object(object)
    }
}
