package import FileTree
internal import Foundation
internal import GRDB
internal import ImageSpec
internal import LinuxIO

extension Store {
    static var processIdentifier: Int32 { ProcessInfo.processInfo.processIdentifier }

    /// All containers, newest first.
    package func containers() throws(StoreError) -> [ContainerRecord] {
        try read("the containers") { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM containers ORDER BY createdAt DESC, id"
            ).map(ContainerRecord.init(row:))
        }
    }

    /// Records a container and makes its directory. Durable when it returns.
    /// - Parameter prepare: puts the files into the directory that the container begins with.
    /// - Throws: `inUse` for a name that another has, `notFound` if the image is gone.
    package func createContainer(
        _ record: ContainerRecord, base: Tree, prepare: (ContainerPlace) throws -> Void
    ) throws {
        let place = layout.container(record.id)
        // Until the row is there, the lock keeps the directory from the collector.
        let lock = try lockSweep(.shared)
        do {
            try makeDirectory(of: record.id)
            try prepare(place)
            try synchronizeDirectory(place.directory)
            try synchronizeDirectory(layout.containers)
            try synchronizeDirectory(layout.root)
            try insert(record, base: base)
            try synchronizeLog()
        } catch {
            try? HostDirectory.removeAll(place.directory)  // else the collector does
            throw error
        }
        withExtendedLifetime(lock) {}
    }

    private func makeDirectory(of id: ContainerID) throws(StoreError) {
        let place = layout.container(id)
        do throws(Errno) {
            try HostDirectory.makeAll(layout.containers, permissions: 0o700)
            try HostDirectory.make(place.directory, permissions: 0o700)
            try HostDirectory.make(place.files, permissions: 0o700)
        } catch {
            throw StoreError(
                .inputOutput, "could not make a container's directory", path: place.directory,
                cause: error)
        }
    }

    private func synchronizeDirectory(_ path: String) throws(StoreError) {
        do throws(Errno) {
            try HostDirectory.synchronize(path)
        } catch {
            throw StoreError(
                .inputOutput, "could not write a directory to disk", path: path, cause: error)
        }
    }

    private func insert(_ record: ContainerRecord, base: Tree) throws(StoreError) {
        try write("a container") { database in
            let image = try Row.fetchOne(
                database, sql: "SELECT 1 FROM images WHERE id = ?",
                arguments: [record.image.digest.data])
            guard image != nil else {
                throw StoreError(
                    .notFound, "image \(record.image.digest.short) is no longer in the store")
            }
            let taken = try String.fetchOne(
                database, sql: "SELECT id FROM containers WHERE name = ?",
                arguments: [record.name])
            if let taken {
                throw StoreError(
                    .inUse, "the name \"\(record.name)\" is that of container \(taken.prefix(12))")
            }
            try database.execute(
                sql: """
                    INSERT INTO containers
                    (id, name, image, imageName, config, createdAt, settings, state)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    record.id.text, record.name, record.image.digest.data, record.imageName,
                    Data(record.config), record.createdAt,
                    try ContainerCoding.encode(record.settings),
                    try ContainerCoding.encode(record.state),
                ])
            try database.addTree(base, to: record.id)
            try database.bumpGeneration()
        }
    }

    // MARK: - Use

    /// Takes a container for this process alone.
    /// - Returns: who has it, if another process does.
    /// - Throws: `notFound` for one that was removed meanwhile.
    package func openContainer(
        _ record: ContainerRecord
    ) throws(StoreError) -> Result<OpenContainer, ContainerInUse> {
        let path = layout.containerLock(record.id)
        let lock = try freeingRoom { () throws(StoreError) in try lockContainer(path, record.id) }
        do throws(StoreError) {
            try requireContainer(record.id)
        } catch {
            try? HostDirectory.unlink(path)  // else the collector does
            throw error
        }
        switch consume lock {
        case .held(let holder): return .failure(ContainerInUse(holder: holder))
        case .taken(let file):
            let open = OpenContainer(record: record, store: self, lock: file)
            open.note("")
            return .success(open)
        }
    }

    private enum ContainerLock: ~Copyable {
        case taken(OwnedDescriptor)
        case held(ContainerHolder)
    }

    private func lockContainer(
        _ path: String, _ id: ContainerID
    ) throws(StoreError) -> ContainerLock {
        do throws(Errno) {
            let file = try OwnedDescriptor(opening: path, [.readWrite, .create])
            guard try DescriptorIO.lock(file.rawValue, .exclusive, waits: false) else {
                return .held(holder(file.rawValue))
            }
            // Who removed the container removed the file, before or after it was opened.
            let own = try FileStatus(of: file.rawValue).inode
            guard try FileStatus(ofPath: path).inode == own else { throw .notFound }
            // A process that was killed has left its number.
            try DescriptorIO.truncate(file.rawValue, to: 0)
            return .taken(file)
        } catch .notFound {
            throw Self.noContainer(id)
        } catch {
            throw StoreError(
                .inputOutput, "could not lock a container", path: path, cause: error)
        }
    }

    /// Who has a container; nil if nobody does.
    package func holder(of id: ContainerID) -> ContainerHolder? {
        // One that was never used has no such file.
        guard
            let file = try? OwnedDescriptor(opening: layout.containerLock(id), .readOnly),
            (try? DescriptorIO.lock(file.rawValue, .shared, waits: false)) == false
        else { return nil }
        return holder(file.rawValue)
    }

    /// Asks the process that has a container to end.
    /// - Returns: whether it was there to be asked: the number may be that of a process that was killed,
    ///   for a moment after another one has taken the container.
    package func endHolder(_ holder: ContainerHolder, of id: ContainerID) -> Bool {
        guard holder.process > 1, let process = HostProcess(holder.process),
            HostProcess.hasOpen(layout.containerLock(id), holder.process)
        else { return false }
        process.send(Self.terminate)
        return true
    }

    private static let terminate: Int32 = 15

    private func holder(_ lock: Int32) -> ContainerHolder {
        // Empty for a moment after it was locked.
        let bytes = (try? DescriptorIO.bytes(lock, in: 0..<8192)) ?? []
        let lines = String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        let place = lines.dropFirst().first.map(String.init) ?? ""
        return ContainerHolder(
            process: lines.first.flatMap { Int32($0) } ?? 0,
            mountPoint: place.isEmpty ? nil : place)
    }

    private func requireContainer(_ id: ContainerID) throws(StoreError) {
        let isThere = try read("a container") { database in
            try Row.fetchOne(
                database, sql: "SELECT 1 FROM containers WHERE id = ?", arguments: [id.text]
            ) != nil
        }
        if !isThere { throw Self.noContainer(id) }
    }

    private static func noContainer(_ id: ContainerID) -> StoreError {
        StoreError(.notFound, "container \(id.short) is no longer there")
    }

    /// Removes a container with all it changed.
    package func remove(_ container: OpenContainer) throws(StoreError) {
        let id = container.record.id
        try writeRemoval("a container's end") { database in
            try database.execute(sql: "DELETE FROM containers WHERE id = ?", arguments: [id.text])
            try database.bumpGeneration()
        }
        try synchronizeLog()
        do throws(Errno) {
            try HostDirectory.removeAll(container.place.directory)
        } catch {
            throw StoreError(
                .inputOutput,
                "container \(id.short) is removed, but not all its files; \"vitrine gc\" tries again",
                path: container.place.directory, cause: error)
        }
        try? HostDirectory.unlink(layout.containerLock(id))  // else the collector does
    }

    // MARK: - Lower trees

    func addTree(
        _ tree: Tree, to id: ContainerID, directories: PendingDirectories
    ) throws(StoreError) {
        try writeDurably("a container's tree") { database in
            try database.insert(directories, for: tree)
            try database.addTree(tree, to: id)
        }
    }

    func keepTree(_ tree: Tree, of id: ContainerID) throws(StoreError) {
        // Lost in a power cut, it keeps more than it needs, until the next time.
        try write("a container's tree") { database in
            try database.execute(
                sql: "DELETE FROM containerTrees WHERE container = ? AND tree <> ?",
                arguments: [id.text, tree.data])
        }
    }

    /// The trees that a container leans on.
    package func trees(of id: ContainerID) throws(StoreError) -> [Tree] {
        try read("a container's trees") { database in
            try Data.fetchAll(
                database, sql: "SELECT tree FROM containerTrees WHERE container = ?",
                arguments: [id.text]
            ).map { try Tree($0) }
        }
    }

    /// The root file system of the image that a container was made from, whatever it leans on now.
    /// - Throws: `notFound` if the image's layers are not there.
    package func imageTree(of record: ContainerRecord) throws(StoreError) -> Tree {
        guard let chainID = try topLayer(of: record) else { return .empty }
        guard let layer = try layer(chainID) else {
            throw StoreError(
                .notFound,
                "the image that container \"\(record.name)\" was made from is no longer in the store"
            )
        }
        return layer.tree
    }

    /// The layers of that image, bottom first.
    /// - Throws: `corrupt` when one of them is missing.
    package func imageLayers(of record: ContainerRecord) throws(StoreError) -> [LayerRecord] {
        try layers(upTo: try topLayer(of: record))
    }

    private func topLayer(of record: ContainerRecord) throws(StoreError) -> ChainID? {
        do throws(ImageSpecError) {
            return try ImageConfig(bytes: record.config).chain.last
        } catch {
            throw StoreError(
                .corrupt, "the config of container \"\(record.name)\" cannot be read", cause: error)
        }
    }
}

extension ContainerRecord {
    /// The top layer of the image whose config this is; nil if there is none, or no config.
    static func topLayer(config: [UInt8]) -> ChainID? {
        // A damaged one is told where it is used.
        (try? ImageConfig(bytes: config))?.chain.last
    }
}

/// A container is used by another process.
package struct ContainerInUse: Error {
    package var holder: ContainerHolder
}

extension Database {
    fileprivate func addTree(_ tree: Tree, to id: ContainerID) throws {
        let root = tree.directory.id
        if root != Tree.empty.directory.id {
            let isThere = try Bool.fetchOne(
                try cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM directories WHERE id = ?)"),
                arguments: [root.digest.data])
            guard isThere == true else {
                throw StoreError(.notFound, "the tree \(tree.id) is no longer in the store")
            }
        }
        try execute(
            sql: "INSERT OR IGNORE INTO containerTrees (container, tree) VALUES (?, ?)",
            arguments: [id.text, tree.data])
    }
}

extension ContainerRecord {
    init(row: Row) throws {
        guard let id = ContainerID(row["id"]), let image = Digest(row["image"] as Data?) else {
            throw StoreError(.corrupt, "a container's row is damaged")
        }
        self.init(
            id: id, name: row["name"], image: ImageID(image), imageName: row["imageName"],
            config: Array(row["config"] as Data), createdAt: row["createdAt"],
            settings: try ContainerCoding.decode(
                row["settings"] as Data, over: ContainerSettings()),
            state: try ContainerCoding.decode(row["state"] as Data, over: ContainerState()))
    }
}
