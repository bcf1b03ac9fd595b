package import FileTree
internal import Foundation
internal import GRDB
internal import ImageSpec

extension Store {
    /// How many ended builds are remembered; their steps' trees are kept from the collector. Those
    /// that run come on top.
    package static let rememberedBuilds = 50

    /// Records a build, or what became of it.
    package func save(_ build: BuildRecord) throws(StoreError) {
        try write("a build") { database in
            try database.execute(
                sql: """
                    INSERT INTO builds (id, title, startedAt, endedAt, status, image, lease)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (id) DO UPDATE SET endedAt = excluded.endedAt,
                        status = excluded.status, image = excluded.image
                    """,
                arguments: [
                    build.id, build.title, build.startedAt, build.endedAt, build.status.rawValue,
                    build.image?.digest.data, build.lease.text,
                ])
            try database.execute(
                sql: """
                    DELETE FROM builds WHERE id IN
                        (SELECT id FROM builds WHERE status <> ?
                         ORDER BY startedAt DESC LIMIT -1 OFFSET ?)
                    """,
                arguments: [BuildRecord.Status.running.rawValue, Self.rememberedBuilds])
            try database.bumpGeneration()
        }
    }

    /// Records steps that ended, in one transaction, with the directories of their trees.
    ///
    /// A step with the outcome `cached` is a use of the cache entry under its key.
    /// - Parameters:
    ///   - entries: new cache entries; one with the same key is replaced.
    ///   - lease: keeps the trees until it ends.
    /// - Throws: `notFound` if a tree is neither pending nor in the store: the collector took it.
    package func record(
        _ steps: [BuildStepRecord], entries: [CacheRecord] = [],
        directories pending: PendingDirectories, lease: Lease
    ) throws(StoreError) {
        let (boot, now) = (bootID, Self.now())
        try write("a build's steps") { database in
            for entry in entries {
                try database.insert(pending, for: entry.tree)
                try database.insert(entry, boot: boot)
                try database.hold(entry.tree, lease.id)
            }
            for step in steps {
                try database.insert(pending, for: step.tree)
                try database.hold(step.tree, lease.id)
                try database.insert(step, boot: boot)
                if step.outcome == .cached, let key = step.key {
                    try database.cachedStatement(
                        sql: """
                            UPDATE cache SET lastUsedAt = ?, useCount = useCount + 1 WHERE key = ?
                            """
                    ).execute(arguments: [now, key.digest.data])
                }
            }
            try database.bumpGeneration()
        }
    }

    /// The remembered builds, newest first.
    package func builds() throws(StoreError) -> [BuildRecord] {
        try builds("SELECT * FROM builds ORDER BY startedAt DESC, id", [])
    }

    /// - Returns: nil if it is not remembered.
    package func build(_ id: String) throws(StoreError) -> BuildRecord? {
        try builds("SELECT * FROM builds WHERE id = ?", [id]).first
    }

    /// Builds whose processes were killed are told from those that run, though nobody recorded it.
    private func builds(
        _ query: String, _ arguments: StatementArguments
    ) throws(StoreError) -> [BuildRecord] {
        var builds = try read("the builds") { database in
            try Row.fetchAll(database, sql: query, arguments: arguments)
                .map { row in
                    BuildRecord(
                        id: row["id"], title: row["title"],
                        lease: LeaseID(row["lease"] as String) ?? LeaseID(number: 0),
                        startedAt: row["startedAt"], endedAt: row["endedAt"],
                        status: BuildRecord.Status(rawValue: row["status"]) ?? .interrupted,
                        image: Digest(row["image"] as Data?).map { ImageID($0) })
                }
        }
        for index in builds.indices where builds[index].status == .running {
            if try !isLive(builds[index].lease) { builds[index].status = .interrupted }
        }
        return builds
    }

    /// The ended steps of a build, in order.
    package func steps(ofBuild build: String) throws(StoreError) -> [BuildStepRecord] {
        try read("a build's steps") { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM buildSteps WHERE build = ? ORDER BY number",
                arguments: [build]
            ).map { row in
                BuildStepRecord(
                    build: row["build"], number: row["number"], instruction: row["instruction"],
                    outcome: BuildStepRecord.Outcome(rawValue: row["outcome"]) ?? .failed,
                    key: Digest(row["key"] as Data?).map { CacheKey($0) },
                    tree: try Tree(row["tree"] as Data),
                    parentTree: try Tree(row["parentTree"] as Data), place: row["place"],
                    explanation: CacheExplanation(text: row["explanation"]))
            }
        }
    }

    /// Records the end of builds whose leases were removed with their processes.
    func endInterruptedBuilds() throws(StoreError) {
        try write("the end of builds") { database in
            try database.execute(
                sql: """
                    UPDATE builds SET status = ?, endedAt = ?
                    WHERE status = ? AND lease NOT IN (SELECT id FROM leases)
                    """,
                arguments: [
                    BuildRecord.Status.interrupted.rawValue, Self.now(),
                    BuildRecord.Status.running.rawValue,
                ])
            try database.bumpGeneration()
        }
    }

    /// Forgets all builds that ended, with the states of their steps.
    package func forgetEndedBuilds() throws(StoreError) {
        try write("the end of builds") { database in
            try database.execute(
                sql: "DELETE FROM builds WHERE status <> ?",
                arguments: [BuildRecord.Status.running.rawValue])
            try database.bumpGeneration()
        }
    }

    /// Counts the changes made to the store by any process; equal values mean no change between.
    package func generation() throws(StoreError) -> Int64 {
        do {
            return try database.readAtOnce { database in
                try Int64.fetchOne(
                    database.cachedStatement(sql: "SELECT value FROM generation")) ?? 0
            }
        } catch {
            throw StoreError(
                .database, "could not read the generation", path: layout.database, cause: error)
        }
    }
}

extension Database {
    /// Records a step. It is durable already if it is a durable cache entry, or is on a durable
    /// layer and made nothing.
    fileprivate func insert(_ step: BuildStepRecord, boot: String) throws {
        try cachedStatement(
            sql: """
                INSERT OR REPLACE INTO buildSteps
                    (build, number, instruction, outcome, key, tree, parentTree, place,
                    explanation, volatileBoot)
                VALUES (:build, :number, :instruction, :outcome, :key, :tree, :parentTree, :place,
                    :explanation,
                    CASE WHEN EXISTS (SELECT 1 FROM cache WHERE key = :key AND tree = :tree
                            AND parentTree = :parentTree AND volatileBoot IS NULL)
                        OR (:key IS NULL AND :tree = :parentTree AND EXISTS (
                            SELECT 1 FROM layers WHERE tree = :tree AND volatileBoot IS NULL))
                    THEN NULL ELSE :boot END)
                """
        ).execute(arguments: [
            "build": step.build, "number": step.number, "instruction": step.instruction,
            "outcome": step.outcome.rawValue, "key": step.key?.digest.data,
            "tree": step.tree.data, "parentTree": step.parentTree.data, "place": step.place,
            "explanation": step.explanation?.text, "boot": boot,
        ])
    }
}

extension CacheExplanation {
    fileprivate var text: String { String(decoding: json.encoded, as: UTF8.self) }

    /// - Returns: nil for none, and for what a later version wrote.
    fileprivate init?(text: String?) {
        // As told: it is no more than a note.
        guard let text, let json = try? JSONParser.parse(Array(text.utf8)) else { return nil }
        self.init(json)
    }
}
