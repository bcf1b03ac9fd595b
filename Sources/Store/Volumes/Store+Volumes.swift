internal import Foundation
internal import GRDB
internal import LinuxIO

extension Store {
    /// All volumes, by name.
    package func volumes() throws(StoreError) -> [VolumeRecord] {
        try read("the volumes") { database in
            try Row.fetchAll(database, sql: "SELECT * FROM volumes ORDER BY name")
                .map(VolumeRecord.init(row:))
        }
    }

    /// - Returns: nil if there is none of that name.
    package func volume(named name: String) throws(StoreError) -> VolumeRecord? {
        try read("a volume") { database in try Self.volume(name, database) }
    }

    private static func volume(_ name: String, _ database: Database) throws -> VolumeRecord? {
        try Row.fetchOne(
            database, sql: "SELECT * FROM volumes WHERE name = ?", arguments: [name]
        ).map(VolumeRecord.init(row:))
    }

    /// Makes an empty volume; one of that name is left as it is. Durable when it returns.
    /// - Parameter name: a valid one, see ``VolumeRecord/isValid(name:)``.
    /// - Returns: the one that is there now.
    package func makeVolume(
        name: String, isAnonymous: Bool = false, labels: [String: String] = [:]
    ) throws -> VolumeRecord {
        precondition(VolumeRecord.isValid(name: name), "a volume's name is a file's name too")
        if let known = try volume(named: name), HostDirectory.exists(layout.volumeData(name)) {
            return known
        }
        // Until the row is there, the lock keeps the directory from the collector.
        let sweep = try lockSweep(.shared)
        defer { withExtendedLifetime(sweep) {} }
        let lock = try lockVolume(name)
        defer { withExtendedLifetime(lock) {} }
        try makeVolumeDirectory(name)
        let (record, isNew) = try write("a volume") { database in
            if let known = try Self.volume(name, database) { return (known, false) }
            let record = VolumeRecord(name: name, isAnonymous: isAnonymous, labels: labels)
            try database.execute(
                sql: """
                    INSERT INTO volumes (name, isAnonymous, labels, createdAt)
                    VALUES (?, ?, ?, ?)
                    """,
                arguments: [
                    name, isAnonymous, try ContainerCoding.encode(labels), record.createdAt,
                ])
            try database.bumpGeneration()
            return (record, true)
        }
        try synchronizeLog()
        if isNew { try note(.volume, "create", of: name, ["driver": "local"]) }
        return record
    }

    /// The data directory, last: with it the volume is complete.
    private func makeVolumeDirectory(_ name: String) throws(StoreError) {
        do throws(Errno) {
            let data = layout.volumeData(name)
            guard !HostDirectory.exists(data) else { return }
            try HostDirectory.replaceFile(
                layout.volumeIsNew(name), with: [], permissions: 0o600, durability: .deferred)
            try HostDirectory.make(data, permissions: 0o755)
            // What the umask took away.
            let directory = try OwnedDescriptor(opening: data, [.readOnly, .directory])
            try DescriptorIO.setPermissions(directory.rawValue, 0o755)
            for path in [layout.volume(name), layout.volumes, layout.root] {
                try HostDirectory.synchronize(path)
            }
        } catch {
            throw StoreError(
                .inputOutput, "could not make a volume", path: layout.volume(name), cause: error)
        }
    }

    /// Has a volume's directory alone: it is made, filled or removed. Waits for who has it.
    func lockVolume(_ name: String) throws(StoreError) -> OwnedDescriptor {
        let path = layout.volumeLock(name)
        while true {
            do throws(Errno) {
                try HostDirectory.makeAll(layout.volume(name), permissions: 0o700)
                let file = try OwnedDescriptor(
                    opening: path, [.readWrite, .create], permissions: 0o600)
                _ = try DescriptorIO.lock(file.rawValue, .exclusive)
                let own = try FileStatus(of: file.rawValue).inode
                // Else it was removed between the two calls.
                if try FileStatus(ofPath: path).inode == own { return file }
            } catch .notFound {
                continue  // the directory was removed meanwhile
            } catch {
                throw StoreError(
                    .inputOutput, "could not lock a volume", path: path, cause: error)
            }
        }
    }

    // MARK: - Use

    /// The containers that have each volume, by the volumes' names.
    package func volumeUsers() throws(StoreError) -> [String: [ContainerRecord]] {
        var users: [String: [ContainerRecord]] = [:]
        for container in try containers() {
            for name in container.settings.volumeNames {
                users[name, default: []].append(container)
            }
        }
        return users
    }

    /// Removes a volume with what it holds.
    /// - Throws: `inUse` while a container has it, with the container's name; `notFound`.
    package func removeVolume(_ name: String) throws {
        guard VolumeRecord.isValid(name: name), try volume(named: name) != nil else {
            throw Self.noVolume(name)
        }
        let lock = try lockVolume(name)
        defer { withExtendedLifetime(lock) {} }
        try writeRemoval("a volume's end") { database in
            let rows = try Row.fetchAll(database, sql: "SELECT * FROM containers ORDER BY id")
            for container in try rows.map(ContainerRecord.init(row:))
            where container.settings.volumeNames.contains(name) {
                throw StoreError(
                    .inUse, "the volume \"\(name)\" is in use by container \"\(container.name)\"")
            }
            try database.execute(sql: "DELETE FROM volumes WHERE name = ?", arguments: [name])
            guard database.changesCount == 1 else { throw Self.noVolume(name) }
            try database.bumpGeneration()
        }
        try synchronizeLog()
        do throws(Errno) {
            try removeVolumeDirectory(name)
        } catch {
            throw StoreError(
                .inputOutput,
                "the volume \"\(name)\" is removed, but not all its files; \"vitrine gc\" tries again",
                path: layout.volume(name), cause: error)
        }
        try note(.volume, "destroy", of: name, ["driver": "local"])
    }

    private static func noVolume(_ name: String) -> StoreError {
        StoreError(.notFound, "there is no volume \"\(name)\"")
    }

    /// The lock's file and the directory go last: who waits for the lock finds it gone, and makes it
    /// anew.
    func removeVolumeDirectory(_ name: String) throws(Errno) {
        for path in [
            layout.volumeData(name), layout.volumeDraft(name), layout.volumeFilling(name),
            layout.volumeIsNew(name), layout.volumeLock(name),
        ] {
            try HostDirectory.removeAll(path)
        }
        do throws(Errno) {
            try HostDirectory.removeEmpty(layout.volume(name))
        } catch .notEmpty {
            // Another process may be about to make it anew.
        } catch .notFound {}
    }

    /// What a volume takes, its files counted once each.
    package func usage(ofVolume name: String) -> DiskUsage {
        var usage = DiskUsage()
        usage.add(layout.volumeData(name))
        return usage
    }
}

extension ContainerSettings {
    /// The names of the volumes among its mounts.
    package var volumeNames: Set<String> {
        Set(
            mounts.compactMap { mount in
                if case .volume(let name, _) = mount.source { return name }
                return nil
            })
    }
}

extension VolumeRecord {
    init(row: Row) throws {
        self.init(
            name: row["name"], isAnonymous: row["isAnonymous"],
            labels: try ContainerCoding.decode(row["labels"] as Data, over: [String: String]()),
            createdAt: row["createdAt"])
    }
}
