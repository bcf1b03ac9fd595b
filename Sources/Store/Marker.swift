internal import FileTree
internal import Foundation
internal import GRDB
internal import ImageSpec

/// Finds what images, cache entries, builds, containers and leases refer to.
///
/// May be asked again in a later transaction: then it looks only at what is new, and knows what was
/// reached before as well. One thread at a time.
final class Marker {
    /// Objects with the sizes that they should have.
    private(set) var objects: [Digest: UInt64] = [:]
    private(set) var directories: Set<Digest> = []
    /// Layers that an image stands on, or a container, or a lease as long as there is no image yet or
    /// none any more. A cache entry has its tree and needs no layer.
    private(set) var layers: Set<Digest> = []
    /// Directories that are referred to and not there, or not readable.
    private(set) var missing: Set<Digest> = []
    private(set) var damaged: Set<Digest> = []

    private var roots: Set<Data> = []
    private let empty = Tree.empty.directory.id.digest

    func mark(_ database: Database) throws {
        // Somebody may have brought them meanwhile.
        let lost = missing
        missing = []
        try walk(from: Array(lost), database)
        layers = Set(
            try Data.fetchAll(
                database,
                sql: """
                    WITH RECURSIVE kept(id) AS (
                        SELECT chainID FROM images WHERE chainID IS NOT NULL
                        UNION
                        SELECT chainID FROM layers JOIN leasedTrees ON leasedTrees.tree = layers.tree
                        UNION
                        SELECT parentChainID FROM layers JOIN kept ON layers.chainID = kept.id
                        WHERE parentChainID IS NOT NULL)
                    SELECT id FROM kept
                    """
            ).compactMap { Digest($0) })
        try keepLayersOfContainers(database)
        let rows = try Row.fetchCursor(
            database, sql: "SELECT chainID, tree, recipe, recipeSizeBytes FROM layers")
        while let row = try rows.next() {
            guard let id = Digest(row["chainID"] as Data?), layers.contains(id) else { continue }
            if let recipe = Digest(row["recipe"] as Data?) {
                objects[recipe] = UInt64(clamping: row["recipeSizeBytes"] as Int64? ?? 0)
            }
            try reach(row["tree"], database)
        }
        let hidden = try Row.fetchCursor(database, sql: "SELECT * FROM hiddenContents")
        while let row = try hidden.next() {
            guard let layer = Digest(row["layer"] as Data?), layers.contains(layer),
                let object = Digest(row["object"] as Data?)
            else { continue }
            objects[object] = UInt64(clamping: row["sizeBytes"] as Int64)
        }
        for sql in [
            "SELECT tree FROM cache", "SELECT parentTree FROM cache", "SELECT tree FROM buildSteps",
            "SELECT parentTree FROM buildSteps", "SELECT tree FROM leasedTrees",
            "SELECT tree FROM containerTrees",
        ] {
            for tree in try Data.fetchSet(database, sql: sql) { try reach(tree, database) }
        }
    }

    /// An image may be forced away from a container, which is compared with it, and committed on it.
    private func keepLayersOfContainers(_ database: Database) throws {
        let statement = try database.cachedStatement(
            sql: "SELECT parentChainID FROM layers WHERE chainID = ?")
        for config in try Data.fetchSet(database, sql: "SELECT config FROM containers") {
            var next = ContainerRecord.topLayer(config: Array(config))?.digest
            while let id = next, layers.insert(id).inserted {
                next = Digest(try Data.fetchOne(statement, arguments: [id.data]))
            }
        }
    }

    private func reach(_ root: Data, _ database: Database) throws {
        guard !roots.contains(root) else { return }
        roots.insert(root)
        // A damaged root is told by its own kind of entry; it holds nothing.
        guard let tree = try? Tree(root) else { return }
        try walk(from: [tree.directory.id.digest], database)
    }

    private func walk(from start: [Digest], _ database: Database) throws {
        let statement = try database.cachedStatement(
            sql: "SELECT encoding FROM directories WHERE id = ?")
        var stack = start
        while let id = stack.popLast() {
            if directories.contains(id) { continue }
            if id == empty {
                // Needs no row, but may have one.
                directories.insert(id)
                continue
            }
            guard let encoding = try Data.fetchOne(statement, arguments: [id.data]) else {
                missing.insert(id)
                continue
            }
            directories.insert(id)
            guard let directory = try? TreeEncoding.decodeDirectory(Array(encoding)) else {
                damaged.insert(id)
                continue
            }
            for entry in directory.entries {
                switch entry.node.content {
                case .directory(let reference): stack.append(reference.id.digest)
                case .file(let content):
                    if content.sizeBytes > 0 { objects[content.digest] = content.sizeBytes }
                default: break
                }
            }
        }
    }
}
