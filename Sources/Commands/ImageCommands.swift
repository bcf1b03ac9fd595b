internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct ImagesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "images", abstract: "List images.",
        discussion: """
            SIZE is what the files of the root file system hold; images share it where they can. With \
            --verbose: what other images have too, what none has, and what it takes on the disk, shared \
            parts included. Filters: dangling=true|false, reference=PATTERN, \
            label=NAME[=VALUE], label!=NAME[=VALUE], before=IMAGE, since=IMAGE, until=TIME.

              vitrine images
              vitrine images --verbose
              vitrine images 'deb*'
              vitrine images --filter dangling=true --quiet
              vitrine images --format '{{.ID}} {{.Repository}}:{{.Tag}}'
            """)
    @OptionGroup var list: ImageList

    func run() throws { try list.run() }
}

/// What `images` and `image ls` have in common: see ``ContainerList``.
struct ImageList: ParsableArguments {
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions
    @Flag(name: .shortAndLong, help: "For Docker's sake: no image is left out anyway.")
    var all = false
    @Option(
        name: .shortAndLong, help: ArgumentHelp("Only images that fit.", valueName: "key=value"),
        transform: { try FilterText($0) })
    var filter: [FilterText] = []
    @Flag(name: .shortAndLong, help: "Print image IDs only.") var quiet = false
    @Flag(name: .customLong("no-trunc"), help: "Print whole IDs.") var noTruncation = false
    @Flag(name: .customLong("digests"), help: "Print manifest digests too.") var digests = false
    @Flag(name: .shortAndLong, help: "What images share, and what they take on the disk, too.")
    var verbose = false
    @Argument(help: "Only this repository, this name, or what a pattern fits.")
    var repository: String?

    func run() throws {
        let now = Timestamp.now
        var filter = try ImageFilter(filter)
        if let repository { try filter.narrow(to: repository) }
        var rows: [Row] = []
        let engine = try store.existingEngine()
        let users = Dictionary(
            try engine?.containers().map { ($0.record.image, 1) } ?? [], uniquingKeysWith: +)
        let sharing = try verbose ? engine?.usage(measuresDisk: true).byImage ?? [:] : [:]
        for image in try engine?.images(filter) ?? [] {
            let id = noTruncation ? "\(image.record.id)" : image.record.id.digest.short
            let created = Timestamp(nanosecondsSinceEpoch: image.record.createdAt)
            let names: [Reference?] = image.names.isEmpty ? [nil] : image.names
            for name in names {
                rows.append(
                    Row(
                        [
                            ("Repository", .string(name?.familiarRepository ?? "<none>")),
                            ("Tag", .string(name?.tag ?? "<none>")),
                            ("Digest", .string("\(image.record.manifestDigest)")),
                            ("ID", .string(id)),
                            ("CreatedSince", .string(HumanDuration.ago(created, now: now))),
                            ("CreatedAt", .string(created.localText)),
                            ("Size", .string(HumanSize.decimal(Int64(clamping: image.sizeBytes)))),
                            ("SizeBytes", JSONValue(image.sizeBytes)),
                            ("Containers", .string("\(users[image.record.id] ?? 0)")),
                        ] + Self.shares(sharing[image.record.id])))
            }
        }
        if quiet {
            for row in rows { Terminal.write(row.text("ID") + "\n") }
            return
        }
        try output.print(
            rows,
            fields: [
                Field("Repository", "REPOSITORY"), Field("Tag", "TAG"),
                Field("Digest", "DIGEST", isColumn: digests), Field("ID", "IMAGE ID"),
                Field("CreatedSince", "CREATED"), Field("CreatedAt", "CREATED AT", isColumn: false),
                Field("Size", "SIZE"), Field("SizeBytes", "SIZE BYTES", isColumn: false),
                Field("Containers", "CONTAINERS", isColumn: false),
                Field("SharedSize", "SHARED SIZE", isColumn: verbose),
                Field("UniqueSize", "UNIQUE SIZE", isColumn: verbose),
                Field("DiskSize", "DISK SIZE", isColumn: verbose),
                Field("SharedBytes", "SHARED BYTES", isColumn: false),
                Field("UniqueBytes", "UNIQUE BYTES", isColumn: false),
                Field("DiskBytes", "DISK BYTES", isColumn: false),
            ])
    }

    /// As Docker's, unless they were asked for they are not known.
    private static func shares(_ usage: StoreUsage.Image?) -> [(String, JSONValue)] {
        let sizes = [
            ("Shared", usage?.sharedBytes), ("Unique", usage?.uniqueBytes),
            ("Disk", usage.flatMap(\.diskBytes)),
        ]
        return sizes.map { name, bytes in
            ("\(name)Size", .string(bytes.map { HumanSize.decimal(Int64(clamping: $0)) } ?? "N/A"))
        } + sizes.map { name, bytes in ("\(name)Bytes", bytes.map { JSONValue($0) } ?? .null) }
    }
}

struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Show the steps that made an image.",
        discussion: """
              vitrine history debian:bookworm
              vitrine history --no-trunc --format '{{.CreatedBy}}' app
            """)
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions
    @Flag(name: .customLong("no-trunc"), help: "Do not shorten.") var noTruncation = false
    @Flag(name: .shortAndLong, help: "Print image IDs only.") var quiet = false
    @Flag(
        name: [.customShort("H"), .customLong("human")], inversion: .prefixedNo,
        help: "Sizes and times as people write them; --human=false as numbers.")
    var human = true
    @OptionGroup var platform: ImagePlatformOptions
    @Argument(help: "The image.") var image: String

    func run() throws {
        let engine = try store.engine(.existing)
        let now = Timestamp.now
        let rows = try engine.history(try platform.image(image, engine)).map { line in
            let text = (line.entry.createdBy ?? "").split(whereSeparator: \.isNewline)
                .joined(separator: " ")
            let id = line.image.map { noTruncation ? "\($0)" : $0.digest.short } ?? "<missing>"
            let createdAt = line.entry.created?.localSecondText ?? "N/A"
            let since = line.entry.created.map { HumanDuration.ago($0, now: now) } ?? "N/A"
            let bytes = Int64(clamping: line.sizeBytes)
            return Row([
                ("ID", .string(id)),
                ("CreatedSince", .string(human ? since : createdAt)),
                ("CreatedAt", .string(createdAt)),
                (
                    "CreatedBy",
                    .string(noTruncation || text.count <= 45 ? text : text.prefix(44) + "…")
                ),
                ("Size", .string(human ? HumanSize.decimal(bytes) : String(bytes))),
                ("Comment", .string(line.entry.comment ?? "")),
                ("Layer", .string(line.diffID.map { "\($0)" } ?? "")),
            ])
        }
        if quiet {
            for row in rows { Terminal.write(row.text("ID") + "\n") }
            return
        }
        try output.print(
            rows,
            fields: [
                Field("ID", "IMAGE"), Field("CreatedSince", human ? "CREATED" : "CREATED AT"),
                Field("CreatedAt", "CREATED AT", isColumn: false),
                Field("CreatedBy", "CREATED BY"), Field("Size", "SIZE"),
                Field("Comment", "COMMENT"), Field("Layer", "LAYER", isColumn: false),
            ])
    }
}

struct TagCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag", abstract: "Give an image a further name.",
        discussion: "  vitrine tag app registry.example.com/team/app:1.2")
    @OptionGroup var store: StoreOptions
    @Argument(help: "The image.") var source: String
    @Argument(help: "The new name.") var target: String

    func run() throws { try store.engine(.existing).tag(source, as: target) }
}

struct RmiCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rmi", abstract: "Remove images.",
        discussion: """
            Takes the name away; with its last name the image goes. Its files go with the next \
            "vitrine gc".

              vitrine rmi app:old
              vitrine rmi --force 3f2a9c
            """)
    @OptionGroup var store: StoreOptions
    @Flag(name: .shortAndLong, help: "Remove an image given by ID with all its names.")
    var force = false
    @Flag(
        name: .customLong("no-prune"),
        help: "For Docker's sake: no image goes along with another anyway.")
    var keepsParents = false
    @OptionGroup var platform: ImagePlatformOptions
    @Argument(help: "Images, by name or ID.") var images: [String]

    func run() throws {
        let engine = try store.engine(.existing)
        var failed = false
        for image in images {
            do {
                if !platform.platform.isEmpty { _ = try platform.image(image, engine) }
                for removal in try engine.remove(image, force: force) {
                    switch removal {
                    case .untagged(let name): Terminal.write("Untagged: \(name.familiarName)\n")
                    case .deleted(let id): Terminal.write("Deleted: \(id)\n")
                    }
                }
            } catch let error as EngineError where error.code == .notFound && force {
                // As Docker: gone is gone.
                Terminal.failure(error)
            } catch {
                Terminal.failure(error)
                failed = true
            }
        }
        if failed { throw ExitCode(1) }
    }
}

extension Timestamp {
    static var now: Timestamp { Timestamp(nanosecondsSinceEpoch: Store.now()) }
}
