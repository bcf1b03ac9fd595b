internal import FileTree
internal import GRDB
internal import LinuxIO

extension Store {
    /// The running kernel's boot ID.
    package static func runningBootID() -> String {
        guard
            let file = try? OwnedDescriptor(
                opening: "/proc/sys/kernel/random/boot_id", .readOnly),  // absent without /proc
            let bytes = try? DescriptorIO.readAll(file.rawValue, limit: 256)
        else { return "unknown" }
        return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    }

    /// The store's database, after everything else that makes a store was made.
    static func open(_ layout: StoreLayout) throws(StoreError) -> StateDatabase {
        guard layout.root.utf8.count <= StoreLayout.maximumRootBytes else {
            throw StoreError(
                .cannotOpen,
                "a store's path has \(StoreLayout.maximumRootBytes) bytes at most; this one is longer",
                path: layout.root)
        }
        if isComplete(layout) {
            let database = try openDatabase(layout)
            let isCurrent = try state(layout) { try database.read(StoreSchema.isCurrent) }
            if isCurrent { return database }
            let lock = try lockRoot(layout)
            try state(layout) { try StoreSchema.migrate(database) }
            withExtendedLifetime(lock) {}
            return database
        }
        // The first ones to come make it one after the other; the second finds it made.
        let lock = try lockRoot(layout)
        if !isComplete(layout) { try prepare(layout) }
        let database = try openDatabase(layout)
        try state(layout) {
            if try !database.read(StoreSchema.isCurrent) { try StoreSchema.migrate(database) }
        }
        try accessing(layout) { () throws(Errno) in
            _ = try OwnedDescriptor(opening: layout.sweepLock, [.writeOnly, .create])
        }
        withExtendedLifetime(lock) {}
        return database
    }

    /// A copy by a program that leaves out empty directories is completed as a new store is.
    private static func isComplete(_ layout: StoreLayout) -> Bool {
        [layout.sweepLock, layout.database, layout.work].allSatisfy { HostDirectory.exists($0) }
    }

    /// Held by one process at a time that makes the store, migrates it, or clears up after a boot.
    static func lockRoot(_ layout: StoreLayout) throws(StoreError) -> OwnedDescriptor {
        do throws(Errno) {
            try HostDirectory.makeAll(layout.root, permissions: 0o700)
            let root = try OwnedDescriptor(opening: layout.root, [.readOnly, .directory])
            _ = try DescriptorIO.lock(root.rawValue, .exclusive)
            return root
        } catch {
            throw cannotOpen(layout, error)
        }
    }

    /// The database's file comes first: with it, what a process that died here left is known to be
    /// a store, and made complete.
    private static func prepare(_ layout: StoreLayout) throws(StoreError) {
        try accessing(layout) { () throws(Errno) in
            if !HostDirectory.exists(layout.database) {
                let names = try HostDirectory.names(ofPath: layout.root)
                let isFree = names.allSatisfy {
                    StoreLayout.harmlessNames.contains(String(decoding: $0, as: UTF8.self))
                }
                guard isFree else { throw .notEmpty }
                _ = try OwnedDescriptor(
                    opening: layout.database, [.writeOnly, .create], permissions: 0o600)
            }
            for path in [layout.blobs, layout.objects, layout.work, layout.locks, layout.logs] {
                try HostDirectory.makeAll(path, permissions: 0o700)
            }
            for index in UInt8.min...UInt8.max {
                try HostDirectory.makeAll(layout.objectDirectory(index), permissions: 0o700)
            }
            if !HostDirectory.exists(layout.index) {
                try HostDirectory.replaceFile(
                    layout.index, with: Array(#"{"schemaVersion":2,"manifests":[]}"#.utf8),
                    durability: .deferred)
            }
            try HostDirectory.replaceFile(
                layout.ociLayout, with: Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
            _ = try OwnedDescriptor(opening: layout.indexLock, [.writeOnly, .create])
        }
    }

    private static func openDatabase(_ layout: StoreLayout) throws(StoreError) -> StateDatabase {
        if !HostDirectory.exists(layout.databaseMemory) {
            // Where it cannot be made the database says why.
            try? makeDatabaseMemory(layout)
        }
        return try state(layout) { try StateDatabase(path: layout.database) }
    }

    /// What processes that have the database open share is written to through memory. Where such a
    /// block had to go to another place on a full btrfs, the process would end by SIGBUS.
    private static func makeDatabaseMemory(_ layout: StoreLayout) throws(Errno) {
        let file = try OwnedDescriptor(
            opening: layout.databaseMemory, [.writeOnly, .create, .exclusive], permissions: 0o600)
        do throws(Errno) {
            try DescriptorIO.writeInPlace(file.rawValue)
        } catch {
            // Others write in place anyway, and know no such flag.
        }
    }

    // MARK: - Errors

    private static func state<T>(
        _ layout: StoreLayout, _ body: () throws -> T
    ) throws(StoreError) -> T {
        do {
            return try body()
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(
                .cannotOpen, "could not open the store's state", path: layout.database,
                cause: error)
        }
    }

    private static func accessing(
        _ layout: StoreLayout, _ body: () throws(Errno) -> Void
    ) throws(StoreError) {
        do throws(Errno) {
            try body()
        } catch {
            throw cannotOpen(layout, error)
        }
    }

    private static func cannotOpen(_ layout: StoreLayout, _ error: Errno) -> StoreError {
        guard error == .notEmpty else {
            return StoreError(
                .cannotOpen, "could not open the store", path: layout.root, cause: error)
        }
        guard !layout.hasLostState else {
            return StoreError(
                .cannotOpen,
                "the store's database is missing, which knows what its files are; put it back",
                path: layout.database)
        }
        return StoreError(
            .cannotOpen,
            "this directory has files in it and is no store; give --root a new or empty one",
            path: layout.root)
    }
}

extension StoreLayout {
    /// Whether this was a complete store, whose sweep lock's file is made last, and its database is
    /// gone.
    package var hasLostState: Bool {
        HostDirectory.exists(sweepLock) && !HostDirectory.exists(database)
    }
}
