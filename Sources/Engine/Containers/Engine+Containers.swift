internal import FileTree
internal import FuseDriver
internal import Glibc
internal import ImageSpec
internal import LinuxIO
package import Store
internal import Views

extension Engine {
    /// - Throws: ``EngineError`` `invalid`.
    package static func check(containerName name: String) throws {
        guard ContainerRecord.isValid(name: ContainerName.plain(name)) else {
            throw EngineError(
                .invalid, "\"\(name)\" is no name for a container",
                hint: "two characters or more of a-z, A-Z, 0-9, \"_\", \".\" and \"-\", the first "
                    + "a letter or a digit")
        }
    }

    /// Makes a container: a writable root file system on an image, which stays until it is removed.
    /// - Parameters:
    ///   - imageName: the image as the user named it.
    ///   - name: one is made up if nil.
    /// - Throws: ``EngineError`` `invalid`, `inUse` for the name; `notFound` for the image.
    package func createContainer(
        image: ImageRecord, imageName: String, name: String?, settings: ContainerSettings
    ) throws -> ContainerRecord {
        if let name { try Self.check(containerName: name) }
        let name = name.map(ContainerName.plain)
        let config = try store.config(of: image.id).bytes
        let tree = try store.tree(of: image)
        var random = SystemRandomNumberGenerator()
        let taken = name == nil ? try store.containerNames() : []
        for attempt in 1... {
            let chosen = name ?? ContainerName.random(attempt: attempt, using: &random)
            if name == nil && taken.contains(chosen) { continue }
            let record = ContainerRecord(
                name: chosen, image: image.id, imageName: imageName, config: config,
                settings: settings)
            do {
                try store.createContainer(record, base: tree) { [bootID = store.bootID] place in
                    try WorkingTree.prepare(place, base: tree, bootID: bootID)
                }
                do {
                    try makeVolumes(of: record)
                } catch {
                    // A container without its volumes is none.
                    try? store.remove(open(record))
                    throw error
                }
                note("create", of: record)
                return record
            } catch let error as StoreError where error.code == .inUse {
                // Somebody else had the same idea.
                if name == nil { continue }
                throw EngineError(
                    .inUse, error.message, hint: "\"vitrine rm \(chosen)\" removes that one")
            }
        }
        throw EngineError(.failed, "no name was found for the container")
    }

    /// As Docker: they are there, empty, from then on.
    private func makeVolumes(of record: ContainerRecord) throws {
        for mount in record.settings.mounts {
            guard case .volume(let name, let isAnonymous) = mount.source else { continue }
            _ = try store.makeVolume(name: name, isAnonymous: isAnonymous, labels: [:])
        }
    }

    /// The host's directory of a container's volume, filled with what its image has there if it is
    /// new.
    func volumePath(_ name: String, of record: ContainerRecord) throws -> String {
        let mount = record.settings.mounts.first {
            if case .volume(name, _) = $0.source { true } else { false }
        }
        guard let mount, case .volume(_, let isAnonymous) = mount.source else {
            throw EngineError(.failed, "container \"\(record.name)\" has no volume \"\(name)\"")
        }
        // One that was removed by force since is made anew.
        _ = try store.makeVolume(name: name, isAnonymous: isAnonymous, labels: [:])
        try fillVolume(
            name, from: mount.isFilled ? try store.imageTree(of: record) : nil,
            at: try TreePath(cleaning: Array(mount.target.utf8)))
        return directory(ofVolume: name)
    }

    /// All containers, newest first.
    package func containers() throws -> [ContainerSummary] {
        try store.containers().map { record in
            ContainerSummary(
                record: record, state: store.currentState(of: record),
                holder: store.holder(of: record.id), workDirectory: store.layout.work)
        }
    }

    /// The container that a user means: a name, an ID, or the first digits of one; nil if none.
    /// - Throws: ``EngineError`` `ambiguous`.
    package func findContainer(_ text: String) throws -> ContainerRecord? {
        let text = ContainerName.plain(text)
        let found = try store.containers(matching: text)
        if let named = found.first(where: { $0.name == text }) { return named }
        guard found.count <= 1 else {
            throw EngineError(
                .ambiguous, "\"\(text)\" is the start of \(found.count) container IDs",
                hint: "give more digits: "
                    + found.prefix(4).map { String($0.id.text.prefix(20)) }.joined(separator: ", "))
        }
        return found.first
    }

    /// The container that a user means where an image may be meant as well; nil if an image is, or
    /// nothing is there. Where both have one name the container is meant.
    package func containerMeant(by text: String) throws -> ContainerRecord? {
        guard let container = try findContainer(text) else { return nil }
        // The first digits of an ID may be a word.
        let isNamed = container.name == text || container.id.text == text
        return !isNamed && hasImage(named: text) ? nil : container
    }

    /// Whether an image has just this name.
    package func hasImage(named text: String) -> Bool {
        // What is no name is none's.
        guard let reference = try? Reference(parsing: text) else { return false }
        return (try? store.image(named: reference)) ?? nil != nil
    }

    /// - Throws: ``EngineError`` `notFound`, `ambiguous`.
    package func container(_ text: String) throws -> ContainerRecord {
        guard let found = try findContainer(text) else {
            throw EngineError(
                .notFound, "there is no container \"\(text)\"",
                hint: "\"vitrine ps -a\" lists what is there")
        }
        return found
    }

    /// Who has a container mounted; nil if nobody has it. Who has it for a moment is waited for: a command
    /// that reads it or is about to mount it, and a process whose mount was taken away, which still
    /// writes down what changed.
    func lastingHolder(of id: ContainerID) -> ContainerHolder? {
        for _ in 0..<Self.endingMilliseconds {
            guard let holder = store.holder(of: id) else { return nil }
            if let place = holder.mountPoint.map(StoreLocation.place),
                MountTable(process: holder.process)?.entry(at: Array(place.utf8)) != nil
            {
                return holder
            }
            usleep(1000)
        }
        return store.holder(of: id)
    }

    /// Takes a container for this process.
    func open(_ record: ContainerRecord) throws -> OpenContainer {
        _ = lastingHolder(of: record.id)
        switch try store.openContainer(record) {
        case .success(let container): return container
        case .failure(let failure): throw inUse(record, failure.holder)
        }
    }

    /// Removes a container with all that was changed in it.
    /// - Parameters:
    ///   - force: also when it runs or is mounted: then that ends first.
    ///   - withVolumes: also the volumes that were made for it alone.
    package func removeContainer(_ text: String, force: Bool, withVolumes: Bool) throws {
        let found = try container(text)
        // One that is being started anew ends all the sooner.
        try stopForRemoval(found, force: force)
        do {
            let queue = try ContainerQueue(found.id, in: store)
            defer { queue.leave() }
            // One that removes itself, or that somebody else has removed, is gone by now.
            guard let record = try store.container(found.id) else { return }
            try stopForRemoval(record, force: force)
            // Not before: who has it may be the one that removes it.
            if force { endHolders(of: record) }
            guard try store.container(record.id) != nil else { return }
            let open = try force ? openReleased(record) : open(record)
            try clearRemains(of: open.record)
            try remove(open, withVolumes: withVolumes)
        } catch {
            // It went meanwhile, which is what was asked for.
            guard try store.container(found.id) == nil, error is StoreError || error is EngineError,
                (error as? StoreError)?.code != .inputOutput
            else { throw error }
        }
    }

    /// Opens one that nobody has: who only asks whether somebody does has its lock for a moment.
    private func openReleased(_ record: ContainerRecord) throws -> OpenContainer {
        for _ in 0..<100 {
            do {
                return try open(record)
            } catch let error as EngineError where error.code == .inUse {
                guard store.holder(of: record.id) == nil else { throw error }
                usleep(10_000)
            }
        }
        return try open(record)
    }

    private func stopForRemoval(_ record: ContainerRecord, force: Bool) throws {
        if force { return try stop(record, signal: SignalName.kill, for: .removal) }
        let state = store.currentState(of: record)
        guard state.isRunning else { return }
        let isPaused = state.status == .paused
        let status = state.status == .restarting ? "restarting" : "running"
        throw EngineError(
            .inUse, "container \"\(record.name)\" is \(isPaused ? "paused" : status)",
            hint: "\"vitrine stop \(record.name)\" ends it, "
                + "\"vitrine rm --force\" kills it")
    }

    /// Ends a container and starts it again. Those who want that at once do it one after the other.
    package func restart(
        _ record: ContainerRecord, signal: Int32?, timeoutSeconds: Int?
    ) throws {
        let queue = try ContainerQueue(record.id, in: store)
        defer { queue.leave() }
        try stop(
            try container(record.id.text), signal: signal, timeoutSeconds: timeoutSeconds,
            for: .restart)
        let record = try container(record.id.text)
        try start(record)
        note("restart", of: record)
    }

    /// How long a mount takes at most to end: who still uses one that is asked to loses it after two
    /// seconds.
    static let endingMilliseconds = 10_000

    private func endHolders(of record: ContainerRecord) {
        var asked: Set<Int32> = []
        for _ in 0..<(Self.endingMilliseconds / 10) {
            guard let holder = store.holder(of: record.id) else { return }
            if !asked.contains(holder.process), store.endHolder(holder, of: record.id) {
                asked.insert(holder.process)
            }
            usleep(10_000)
        }
    }

    /// Removes a container that this process has.
    func remove(_ container: OpenContainer, withVolumes: Bool) throws {
        // It may have another name by now.
        let record = try store.container(container.record.id) ?? container.record
        try store.remove(container)
        note("destroy", of: record)
        guard withVolumes else { return }
        for mount in container.record.settings.mounts {
            guard case .volume(let name, isAnonymous: true) = mount.source else { continue }
            do {
                try store.removeVolume(name)
            } catch let error as StoreError where error.code == .inUse || error.code == .notFound {
                // Another container has it as well, or somebody was quicker.
                continue
            }
        }
    }

    /// Gives a container another name.
    /// - Throws: ``EngineError`` `invalid`, `inUse`.
    package func rename(_ record: ContainerRecord, to name: String) throws {
        try Self.check(containerName: name)
        let name = ContainerName.plain(name)
        guard name != record.name else {
            throw EngineError(
                .invalid, "renaming a container with the same name as its current name")
        }
        do {
            try store.rename(record.id, to: name)
        } catch  where error.code == .inUse {
            throw EngineError(.inUse, error.message)
        }
        note("rename", of: record, ["oldName": record.name, "name": name])
    }

    /// Problems of containers that only their journals tell.
    func containerProblems() throws -> [StoreProblem] {
        try store.containers().compactMap { record in
            // What is in use changes while it is read, and was read well when it was opened.
            if store.holder(of: record.id) != nil { return nil }
            do {
                _ = try ContainerDraft.read(record.id, in: store, isSavedTaken: false)
                return nil
            } catch {
                // Somebody took it meanwhile, or removed it.
                if try store.holder(of: record.id) != nil || store.container(record.id) == nil {
                    return nil
                }
                return StoreProblem(.brokenContainer, record.name, "\(error)")
            }
        }
    }
}
