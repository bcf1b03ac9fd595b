internal import ArgumentParser
internal import Engine
internal import FileTree
internal import ImageSpec

struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "List what changed: A added, C changed, D deleted.",
        discussion: """
            Compares two of: an image (name or ID), layer:DIGEST, cache:KEY, a path inside a mounted \
            image or the gallery. With one, compares it with the image it was made from.

              vitrine diff debian:bookworm app
              vitrine diff app
              vitrine diff cache:3f2a9c01 cache:77b0c1d2
            """)
    @OptionGroup var store: StoreOptions
    @Flag(name: .customLong("json"), help: "Print JSON.") var json = false
    @Argument(help: "What to compare.") var first: String
    @Argument(help: "What to compare it with.") var second: String?

    func run() throws {
        let engine = try store.engine(.existing)
        let changes = try engine.diff(
            try engine.diffOperand(first), try second.map { try engine.diffOperand($0) })
        var lines = ""
        var values: [JSONValue] = []
        for change in changes where !change.path.isRoot || Self.isWorthListing(change) {
            let kind = String(change.kind.rawValue)
            if json {
                values.append(
                    .object(
                        JSONObject([
                            .init("Kind", .string(kind)),
                            .init("Path", .string(change.path.description)),
                        ])))
            } else {
                lines += "\(kind) \(change.path)".visible + "\n"
            }
        }
        if json { return Terminal.write(.array(values), indent: 2) }
        Terminal.write(lines)
    }

    /// The root changes its time with every name in it; only its owner and mode are worth a line.
    private static func isWorthListing(_ change: Change) -> Bool {
        guard var old = change.old?.attributes, var new = change.new?.attributes else {
            return true
        }
        old.modificationTime = NodeTime(seconds: 0)
        new.modificationTime = NodeTime(seconds: 0)
        return old != new
    }
}
