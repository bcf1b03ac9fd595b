internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct ImagesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "images", abstract: "List images.",
        discussion: """
            SIZE is what the files of the root file system hold; images share it where they can \
            ("vitrine df" tells how much).

              vitrine images
              vitrine images debian
              vitrine images --format '{{.ID}} {{.Repository}}:{{.Tag}}'
            """)
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions
    @Flag(name: .shortAndLong, help: "Print image IDs only.") var quiet = false
    @Flag(name: .customLong("no-trunc"), help: "Print whole IDs.") var noTruncation = false
    @Flag(name: .customLong("digests"), help: "Print manifest digests too.") var digests = false
    @Argument(help: "Only this repository, or this name.") var repository: String?

    func run() throws {
        let now = Timestamp.now
        var rows: [Row] = []
        for image in try store.engine().images() {
            let id = noTruncation ? "\(image.record.id)" : image.record.id.digest.short
            let created = Timestamp(nanosecondsSinceEpoch: image.record.createdAt)
            let names: [Reference?] = image.names.isEmpty ? [nil] : image.names
            for name in names where matches(name) {
                rows.append(
                    Row([
                        ("Repository", .string(name?.familiarRepository ?? "<none>")),
                        ("Tag", .string(name?.tag ?? "<none>")),
                        ("Digest", .string("\(image.record.manifestDigest)")),
                        ("ID", .string(id)),
                        ("CreatedSince", .string(HumanDuration.ago(created, now: now))),
                        ("CreatedAt", .string(created.description)),
                        ("Size", .string(HumanSize.decimal(Int64(clamping: image.sizeBytes)))),
                        ("SizeBytes", JSONValue(image.sizeBytes)),
                    ]))
            }
        }
        if quiet {
            var seen: Set<String> = []
            for row in rows where seen.insert(row.text("ID")).inserted {
                Terminal.write(row.text("ID") + "\n")
            }
            return
        }
        var columns = [("Repository", "REPOSITORY"), ("Tag", "TAG")]
        if digests { columns.append(("Digest", "DIGEST")) }
        columns += [("ID", "IMAGE ID"), ("CreatedSince", "CREATED"), ("Size", "SIZE")]
        try output.print(rows, columns: columns.map { (field: $0.0, heading: $0.1) })
    }

    private func matches(_ name: Reference?) -> Bool {
        guard let repository else { return true }
        guard let name else { return false }
        return name.familiarRepository == repository || name.familiarName == repository
            || name.canonical == repository
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
    @Argument(help: "The image.") var image: String

    func run() throws {
        let engine = try store.engine()
        let now = Timestamp.now
        let rows = try engine.history(try engine.image(image)).map { line in
            let text = (line.entry.createdBy ?? "").split(whereSeparator: \.isNewline)
                .joined(separator: " ")
            let id = line.image.map { noTruncation ? "\($0)" : $0.digest.short } ?? "<missing>"
            return Row([
                ("ID", .string(id)),
                (
                    "CreatedSince",
                    .string(line.entry.created.map { HumanDuration.ago($0, now: now) } ?? "N/A")
                ),
                ("CreatedAt", .string(line.entry.created?.description ?? "N/A")),
                (
                    "CreatedBy",
                    .string(noTruncation || text.count <= 45 ? text : text.prefix(44) + "…")
                ),
                ("Size", .string(HumanSize.decimal(Int64(clamping: line.sizeBytes)))),
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
            columns: [
                ("ID", "IMAGE"), ("CreatedSince", "CREATED"), ("CreatedBy", "CREATED BY"),
                ("Size", "SIZE"), ("Comment", "COMMENT"),
            ])
    }
}

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Print all that is known of images, as JSON.",
        discussion: """
              vitrine inspect app
              vitrine inspect app | jq '.[0].RootFS.Layers'
            """)
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Images, by name or ID.") var images: [String]

    func run() throws {
        let engine = try store.engine()
        let values = try images.map { try engine.inspect(try engine.image($0)) }
        if let format = output.format, format != "json" {
            let template = try RowTemplate(format)
            for value in values {
                let members = value.objectValue?.members ?? []
                Terminal.write(
                    try template.render(Row(members.map { ($0.name, $0.value) })) + "\n")
            }
            return
        }
        Terminal.write(.array(values), indent: 4)
    }
}

struct TagCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag", abstract: "Give an image a further name.",
        discussion: "  vitrine tag app registry.example.com/team/app:1.2")
    @OptionGroup var store: StoreOptions
    @Argument(help: "The image.") var source: String
    @Argument(help: "The new name.") var target: String

    func run() throws { try store.engine().tag(source, as: target) }
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
    @Argument(help: "Images, by name or ID.") var images: [String]

    func run() throws {
        let engine = try store.engine()
        var failed = false
        for image in images {
            do {
                for removal in try engine.remove(image, force: force) {
                    switch removal {
                    case .untagged(let name): Terminal.write("Untagged: \(name.familiarName)\n")
                    case .deleted(let id): Terminal.write("Deleted: \(id)\n")
                    }
                }
            } catch {
                Terminal.note("\(error)")
                failed = true
            }
        }
        if failed { throw ExitCode(1) }
    }
}

extension Timestamp {
    static var now: Timestamp { Timestamp(nanosecondsSinceEpoch: Store.now()) }
}
