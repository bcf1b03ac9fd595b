internal import FileTree
internal import ImageSpec
internal import Store

/// The config of an exported cache: what its entries are, and which layer of the manifest holds what
/// each changed. See docs/decisions/0021-exported-caches.md.
struct CacheDocument {
    static let mediaType = MediaType("application/vnd.vitrine.cache.config.v1+json")
    private static let version: Int64 = 1

    struct Entry {
        var key: CacheKey
        var instruction: String
        var inputs: String
        var parent: TreeID
        var tree: TreeID
        /// The place in the manifest's layers.
        var layer: Int
        /// Nanoseconds since 1970.
        var createdAt: Int64
    }

    var entries: [Entry]

    var json: JSONValue {
        let entries = entries.map { entry in
            JSONValue.object(
                JSONObject([
                    .init("key", .string("\(entry.key)")),
                    .init("instruction", .string(entry.instruction)),
                    .init("inputs", .string(entry.inputs)),
                    .init("parent", .string("\(entry.parent)")),
                    .init("tree", .string("\(entry.tree)")),
                    .init("layer", JSONValue(entry.layer)),
                    .init("created", JSONValue(entry.createdAt)),
                ]))
        }
        return .object(
            JSONObject([
                .init("version", JSONValue(Self.version)), .init("entries", .array(entries)),
            ]))
    }

    init(entries: [Entry]) { self.entries = entries }

    /// Reads a document of anybody's. Each key is the digest of its inputs, whose second line names
    /// the parent, unless it is nothing: an entry that says otherwise is none.
    /// - Throws: `invalidArchive`.
    init(_ bytes: [UInt8], layerCount: Int) throws {
        func invalid(_ message: String, _ cause: (any Error)? = nil) -> LayerError {
            LayerError(.invalidArchive, "the cache's config \(message)", cause: cause)
        }
        let json: JSONValue
        do { json = try JSONParser.parse(bytes) } catch { throw invalid("cannot be read", error) }
        guard json["version"]?.integerValue == Self.version else {
            throw invalid("has a version that is not known here")
        }
        entries = []
        for value in json["entries"]?.arrayValue ?? [] {
            guard let key = value["key"]?.stringValue.flatMap({ Digest($0) }),
                let instruction = value["instruction"]?.stringValue,
                let inputs = value["inputs"]?.stringValue,
                let parent = value["parent"]?.stringValue.flatMap({ Digest($0) }),
                let tree = value["tree"]?.stringValue.flatMap({ Digest($0) }),
                let layer = value["layer"]?.integerValue, (0..<Int64(layerCount)).contains(layer),
                let created = value["created"]?.integerValue
            else { throw invalid("has an entry that is not complete") }
            guard Digest(of: Array(inputs.utf8)) == key else {
                throw invalid("has an entry whose key is not its inputs': \(key.short)")
            }
            let line = inputs.split(separator: "\n").dropFirst().first ?? ""
            // One that depends on no parent stands on nothing.
            let isAlone = !line.hasPrefix("parent ") && TreeID(parent) == Tree.empty.id
            guard isAlone || line == "parent \(parent)" else {
                throw invalid("has an entry whose parent is not that of its inputs: \(key.short)")
            }
            entries.append(
                Entry(
                    key: CacheKey(key), instruction: instruction, inputs: inputs,
                    parent: TreeID(parent), tree: TreeID(tree), layer: Int(layer),
                    createdAt: max(0, created)))
        }
    }
}
