package import FileTree
internal import Foundation
internal import GRDB
internal import ImageSpec

extension Store: DirectorySource {
    package func directory(_ id: DirectoryID) throws(FileTreeError) -> Directory {
        if let found = directories.find(id) { return found }
        let encoding: [UInt8]?
        do {
            encoding = try database.read { database in
                let rows = try Row.fetchCursor(
                    database.cachedStatement(
                        sql: "SELECT encoding FROM directories WHERE id = ?"),
                    arguments: [id.digest.data])
                // Copied once, from SQLite's own memory.
                return try rows.next().flatMap { row in
                    try row.withUnsafeData(atIndex: 0) { $0.map { Array($0) } }
                }
            }
        } catch {
            throw FileTreeError(
                .missingDirectory, "could not read directory \(id)", cause: error)
        }
        guard let encoding else {
            if id == Directory.empty.encoded().id { return .empty }
            throw FileTreeError(
                .missingDirectory,
                "directory \(id) is not in the store; \"vitrine fsck\" tells what else is missing")
        }
        do throws(FileTreeError) {
            let directory = try TreeEncoding.decodeDirectory(encoding)
            directories.insert(directory, id)
            return directory
        } catch {
            throw FileTreeError(
                .corruptEncoding,
                "directory \(id) is damaged; \"vitrine fsck\" tells what else is", cause: error)
        }
    }
}

extension Digest {
    /// As SQLite keeps it.
    var data: Data { Data(bytes) }
    init?(_ data: Data?) {
        guard let data else { return nil }
        self.init(bytes: Array(data))
    }
}

extension Tree {
    /// As SQLite keeps it: the encoding whose digest is the tree's identifier.
    var data: Data {
        Data(TreeEncoding.encode(attributes: attributes, directory: directory))
    }
    init(_ data: Data) throws(FileTreeError) {
        self = try TreeEncoding.decodeTree(Array(data))
    }
}

extension Database {
    /// Adds the directories that `tree` needs and that are not stored yet.
    /// - Parameter isRepair: those that are stored are replaced.
    func insert(_ pending: PendingDirectories, for tree: Tree, isRepair: Bool = false) throws {
        let statement = try cachedStatement(
            sql: """
                INSERT OR \(isRepair ? "REPLACE" : "IGNORE") INTO directories (id, encoding)
                VALUES (?, ?)
                """)
        for (id, encoding) in pending.reachable(from: tree) {
            try statement.execute(arguments: [id.digest.data, Data(encoding)])
        }
    }

    func bumpGeneration() throws {
        try cachedStatement(sql: "UPDATE generation SET value = value + 1").execute()
    }
}
