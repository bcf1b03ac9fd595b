package import FileTree
internal import GRDB
package import ImageSpec

/// A cache entry that a step can be compared with.
package struct NearestEntry: Hashable, Sendable {
    package var entry: CacheRecord
    /// The build that had it in the same place; nil for one that was found otherwise.
    package var build: String?
}

extension Store {
    /// What a step that is not in the cache is looked up by.
    package struct StepDescription: Sendable {
        /// Of the builds of one thing: their first tag, or the context's name.
        package var title: String
        /// The running build, which is not compared with itself.
        package var build: String
        package var place: String
        package var instruction: String
        package var parent: TreeID

        package init(
            title: String, build: String, place: String, instruction: String, parent: TreeID
        ) {
            self.title = title
            self.build = build
            self.place = place
            self.instruction = instruction
            self.parent = parent
        }
    }

    /// The last build that had a step under the key.
    package func lastBuild(withStep key: CacheKey, before build: String) throws(StoreError)
        -> String?
    {
        try read("the builds") { database in
            try String.fetchOne(
                database,
                sql: """
                    SELECT build FROM buildSteps JOIN builds ON builds.id = buildSteps.build
                    WHERE key = ? AND build <> ? ORDER BY startedAt DESC LIMIT 1
                    """, arguments: [key.digest.data, build])
        }
    }

    /// The entry that is most like the step would be: of the last build of the same title, the step
    /// of the same instruction, or the one in the same place; else the last one of the same
    /// instruction; else the last one of its kind on the same root file system. Never one that the
    /// running build has already come to: that is another step of it.
    package func nearestEntry(
        to step: StepDescription, parentTree: Tree
    ) throws(StoreError) -> NearestEntry? {
        let kind = step.instruction.prefix { $0 != " " } + " %"
        // What this build has is another of its steps.
        let isOther = """
            cache.key NOT IN
                (SELECT key FROM buildSteps WHERE build = :build AND key IS NOT NULL)
            """
        return try read("the cache") { database in
            let former = try Row.fetchOne(
                database,
                sql: """
                    SELECT cache.*, builds.id AS build FROM builds
                    CROSS JOIN buildSteps ON buildSteps.build = builds.id
                    CROSS JOIN cache ON cache.key = buildSteps.key
                    WHERE builds.title = :title AND builds.id <> :build AND \(isOther)
                        AND (buildSteps.instruction = :instruction
                            OR (buildSteps.place = :place AND cache.instruction LIKE :kind))
                    ORDER BY startedAt DESC, buildSteps.instruction = :instruction DESC,
                        buildSteps.place = :place DESC LIMIT 1
                    """,
                arguments: [
                    "title": step.title, "build": step.build, "instruction": step.instruction,
                    "place": step.place, "kind": String(kind),
                ])
            if let former {
                return NearestEntry(entry: try CacheRecord(row: former), build: former["build"])
            }
            let other =
                try Row.fetchOne(
                    database,
                    sql: """
                        SELECT * FROM cache WHERE instruction = :instruction AND \(isOther)
                        ORDER BY lastUsedAt DESC LIMIT 1
                        """, arguments: ["instruction": step.instruction, "build": step.build])
                ?? Row.fetchOne(
                    database,
                    sql: """
                        SELECT * FROM cache
                        WHERE parentTree = :parent AND instruction LIKE :kind AND \(isOther)
                        ORDER BY lastUsedAt DESC LIMIT 1
                        """,
                    arguments: [
                        "parent": parentTree.data, "kind": String(kind), "build": step.build,
                    ])
            return try other.map { NearestEntry(entry: try CacheRecord(row: $0), build: nil) }
        }
    }
}
