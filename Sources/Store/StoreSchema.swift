internal import GRDB

/// The tables of `state.sqlite`. Times are nanoseconds since 1970; digests are 32 bytes.
enum StoreSchema {
    /// Whether nothing is to be done: what most opens find.
    /// - Throws: `unsupportedVersion`.
    static func isCurrent(_ database: Database) throws -> Bool {
        let migrator = migrator
        if try migrator.hasBeenSuperseded(database) {
            throw StoreError(
                .unsupportedVersion,
                "the store was made by a later version of vitrine; use that version, or another --root"
            )
        }
        return try migrator.hasCompletedMigrations(database)
    }

    static func migrate(_ database: StateDatabase) throws { try database.migrate(by: migrator) }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(sql: version1)
        }
        migrator.registerMigration("2") { database in
            // Tells a build that runs from one whose process was killed.
            try database.execute(
                sql: "ALTER TABLE builds ADD COLUMN lease TEXT NOT NULL DEFAULT ''")
        }
        migrator.registerMigration("3") { database in
            try database.execute(sql: version3)
            try database.execute(
                sql: "INSERT INTO durability VALUES ('', ?)", arguments: [Store.now()])
        }
        migrator.registerMigration("4") { database in
            try database.execute(sql: version4)
        }
        migrator.registerMigration("5") { database in
            try database.execute(sql: version5)
        }
        migrator.registerMigration("6") { database in
            try database.execute(sql: version6)
        }
        migrator.registerMigration("7") { database in
            try database.execute(sql: version7)
        }
        migrator.registerMigration("8") { database in
            try database.execute(sql: version8)
        }
        return migrator
    }

    private static let version5 = """
        CREATE TABLE containers (
            id TEXT PRIMARY KEY NOT NULL,   -- 64 hex digits
            name TEXT NOT NULL UNIQUE,
            image BLOB NOT NULL,            -- an image ID; the image may be gone
            imageName TEXT NOT NULL,        -- as it was given
            config BLOB NOT NULL,           -- the image's config
            createdAt INTEGER NOT NULL
        ) WITHOUT ROWID;
        -- The lower tree of a container's view; two while one takes the place of the other.
        CREATE TABLE containerTrees (
            container TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
            tree BLOB NOT NULL,
            PRIMARY KEY (container, tree)
        ) WITHOUT ROWID;
        """

    private static let version6 = """
        -- The stage and the step's number in it, and why the cache did not have it (JSON).
        ALTER TABLE buildSteps ADD COLUMN place TEXT NOT NULL DEFAULT '';
        ALTER TABLE buildSteps ADD COLUMN explanation TEXT;
        -- To find what a step can be compared with.
        CREATE INDEX cacheByInstruction ON cache (instruction);
        CREATE INDEX cacheByParent ON cache (parentTree);
        CREATE INDEX buildStepsByKey ON buildSteps (key);
        -- What all entries have together, without a look at their inputs.
        CREATE INDEX cacheBySize ON cache (layer, layerTarSizeBytes);
        """

    private static let version7 = """
        -- ContainerSettings and ContainerState, as JSON.
        ALTER TABLE containers ADD COLUMN settings BLOB NOT NULL DEFAULT '{}';
        ALTER TABLE containers ADD COLUMN state BLOB NOT NULL DEFAULT '{}';
        -- Directories that outlive containers.
        CREATE TABLE volumes (
            name TEXT PRIMARY KEY NOT NULL,
            isAnonymous INTEGER NOT NULL,
            labels BLOB NOT NULL,           -- a JSON object
            createdAt INTEGER NOT NULL
        ) WITHOUT ROWID;
        -- What happened, the newest last; the oldest go when there are too many.
        CREATE TABLE events (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            time INTEGER NOT NULL,
            type TEXT NOT NULL,             -- container, image, volume
            action TEXT NOT NULL,           -- Docker's words: create, start, die
            actor TEXT NOT NULL,            -- an ID or a name
            attributes BLOB NOT NULL        -- a JSON object of texts
        );
        """

    private static let version8 = """
        -- Namespaces of other containers: ContainerSettings has modes instead of two flags.
        UPDATE containers SET settings = CAST(
            json_set(
                json_remove(
                    CAST(settings AS TEXT), '$.sharesHostProcesses', '$.sharesHostInterprocess'),
                '$.processes', json(iif(
                    json_extract(CAST(settings AS TEXT), '$.sharesHostProcesses'),
                    '{"host":{}}', '{"own":{}}')),
                '$.interprocess', json(iif(
                    json_extract(CAST(settings AS TEXT), '$.sharesHostInterprocess'),
                    '{"host":{}}', '{"own":{}}'))) AS BLOB);
        """

    private static let version4 = """
        -- Objects that a layer's recipe refers to and its tree may be without.
        CREATE TABLE hiddenContents (
            layer BLOB NOT NULL REFERENCES layers (chainID) ON DELETE CASCADE,
            object BLOB NOT NULL,
            sizeBytes INTEGER NOT NULL,
            PRIMARY KEY (layer, object)
        ) WITHOUT ROWID;
        """

    private static let version1 = """
        -- Directory nodes, see docs/data-model.md.
        CREATE TABLE directories (
            id BLOB PRIMARY KEY NOT NULL,
            encoding BLOB NOT NULL
        );
        -- A layer on its parents, and the root file system after it.
        CREATE TABLE layers (
            chainID BLOB PRIMARY KEY NOT NULL,
            parentChainID BLOB,
            diffID BLOB NOT NULL,
            tree BLOB NOT NULL,
            recipe BLOB, recipeSizeBytes INTEGER,  -- an object; NULL: the canonical tar
            tarSizeBytes INTEGER NOT NULL,
            createdAt INTEGER NOT NULL,
            volatileBoot TEXT
        ) WITHOUT ROWID;
        CREATE INDEX layersByDiffID ON layers (diffID);
        CREATE TABLE images (
            id BLOB PRIMARY KEY NOT NULL,   -- digest of the config, which is a blob
            manifest BLOB NOT NULL,         -- digest of the manifest, which is a blob
            chainID BLOB,                   -- NULL: no layers
            layerCount INTEGER NOT NULL,
            createdAt INTEGER NOT NULL,     -- as the config says
            storedAt INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE names (
            reference TEXT PRIMARY KEY NOT NULL,
            image BLOB NOT NULL REFERENCES images (id),
            taggedAt INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX namesByImage ON names (image);
        CREATE TABLE cache (
            key BLOB PRIMARY KEY NOT NULL,
            instruction TEXT NOT NULL,
            inputs TEXT NOT NULL,           -- what went into the key, a line each
            parentTree BLOB NOT NULL,
            tree BLOB NOT NULL,
            layer BLOB,                     -- diffID of the change; NULL: not yet known
            layerTarSizeBytes INTEGER NOT NULL,
            createdAt INTEGER NOT NULL,
            lastUsedAt INTEGER NOT NULL,
            useCount INTEGER NOT NULL,
            volatileBoot TEXT
        ) WITHOUT ROWID;
        CREATE TABLE builds (
            id TEXT PRIMARY KEY NOT NULL,
            title TEXT NOT NULL,
            startedAt INTEGER NOT NULL,
            endedAt INTEGER,
            status TEXT NOT NULL,           -- BuildRecord.Status
            image BLOB
        ) WITHOUT ROWID;
        CREATE TABLE buildSteps (
            build TEXT NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            instruction TEXT NOT NULL,
            outcome TEXT NOT NULL,          -- cached, done, failed
            key BLOB,                       -- the cache entry; NULL for a step without one
            tree BLOB NOT NULL,             -- the state after the step, or where it failed
            parentTree BLOB NOT NULL,
            PRIMARY KEY (build, number)
        ) WITHOUT ROWID;
        CREATE TABLE leases (
            id TEXT PRIMARY KEY NOT NULL,
            process INTEGER NOT NULL,
            purpose TEXT NOT NULL,
            createdAt INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE leasedTrees (
            lease TEXT NOT NULL REFERENCES leases (id) ON DELETE CASCADE,
            tree BLOB NOT NULL,
            PRIMARY KEY (lease, tree)
        ) WITHOUT ROWID;
        -- Bumped by every change, so that watchers see what other processes did.
        CREATE TABLE generation (value INTEGER NOT NULL);
        INSERT INTO generation VALUES (1);
        """

    private static let version3 = """
        ALTER TABLE buildSteps ADD COLUMN volatileBoot TEXT;
        -- The boot in which the store was last opened, and when all files of that moment were last
        -- brought to the disk.
        CREATE TABLE durability (boot TEXT NOT NULL, synchronizedAt INTEGER NOT NULL);
        """
}
