internal import Glibc
internal import ImageSpec
internal import LinuxIO
package import Store
internal import Views

/// A container as lists show it.
package struct ContainerSummary: Sendable {
    package var record: ContainerRecord
    /// What it would run.
    package var command: [String]
    /// Who uses it now.
    package var holder: ContainerHolder?
}

extension Engine {
    /// Makes a container: a writable root file system on an image, which stays until it is removed.
    /// - Parameter name: one is made up if nil.
    /// - Throws: ``EngineError`` `invalid`, `inUse` for the name; `notFound` for the image.
    package func createContainer(_ imageName: String, name: String?) throws -> ContainerRecord {
        if let name, !ContainerRecord.isValid(name: name) {
            throw EngineError(
                .invalid, "\"\(name)\" is no name for a container",
                hint: "two characters or more of a-z, A-Z, 0-9, \"_\", \".\" and \"-\", the first "
                    + "a letter or a digit")
        }
        let image = try image(imageName)
        let config = try store.config(of: image.id).bytes
        let tree = try store.tree(of: image)
        var random = SystemRandomNumberGenerator()
        let taken = Set(try store.containers().map(\.name))
        for attempt in 1... {
            let chosen = name ?? ContainerName.random(attempt: attempt, using: &random)
            if name == nil && taken.contains(chosen) { continue }
            let record = ContainerRecord(
                name: chosen, image: image.id, imageName: imageName, config: config)
            do {
                try store.createContainer(record, base: tree) { [bootID = store.bootID] place in
                    try WorkingTree.prepare(place, base: tree, bootID: bootID)
                }
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

    /// All containers, newest first.
    package func containers() throws -> [ContainerSummary] {
        try store.containers().map { record in
            // A damaged config is told by "inspect" of the image; a list goes on without.
            let config = (try? ImageConfig(bytes: record.config))?.config
            return ContainerSummary(
                record: record, command: (config?.entrypoint ?? []) + (config?.command ?? []),
                holder: store.holder(of: record.id))
        }
    }

    /// The container that a user means: a name, an ID, or the first digits of one; nil if none.
    /// - Throws: ``EngineError`` `ambiguous`.
    package func findContainer(_ text: String) throws -> ContainerRecord? {
        let all = try store.containers()
        if let exact = all.first(where: { $0.name == text || $0.id.text == text }) { return exact }
        let isPrefix =
            !text.isEmpty
            && text.utf8.allSatisfy {
                (48...57).contains($0) || (97...102).contains($0)
            }
        let found = isPrefix ? all.filter { $0.id.text.hasPrefix(text) } : []
        guard found.count <= 1 else {
            throw EngineError(
                .ambiguous, "\"\(text)\" is the start of \(found.count) container IDs",
                hint: "give more digits: "
                    + found.prefix(4).map { String($0.id.text.prefix(20)) }.joined(separator: ", "))
        }
        return found.first
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

    /// Takes a container for this process.
    func open(_ record: ContainerRecord) throws -> OpenContainer {
        switch try store.openContainer(record) {
        case .success(let container): return container
        case .failure(let failure):
            let holder = failure.holder
            let place = holder.mountPoint.map { ", mounted at \($0.visible)" } ?? ""
            throw EngineError(
                .inUse,
                "container \"\(record.name)\" is in use by process \(holder.process)\(place)",
                hint: holder.mountPoint.map { "\"vitrine umount \($0.visible)\" ends that" })
        }
    }

    /// Removes a container with all that was changed in it.
    /// - Parameter force: also when it is mounted: then its mount goes first.
    package func removeContainer(_ text: String, force: Bool) throws -> ContainerRecord {
        let record = try container(text)
        if force, let holder = store.holder(of: record.id) {
            try end(holder, of: record)
        }
        try store.remove(try open(record))
        return record
    }

    /// How long a mount takes at most that is asked to end: who still uses it loses it after two
    /// seconds.
    private static let endingMilliseconds = 10_000

    private func end(_ holder: ContainerHolder, of record: ContainerRecord) throws {
        // It has the container's lock, so it is the process that wrote its number there.
        guard holder.process > 1, kill(holder.process, SIGTERM) == 0 else { return }
        for _ in 0..<(Self.endingMilliseconds / 10) {
            if store.holder(of: record.id) == nil { return }
            usleep(10_000)
        }
    }

    /// Problems of containers that only their journals tell.
    func containerProblems() throws -> [StoreProblem] {
        try store.containers().compactMap { record in
            // What is in use changes while it is read, and was read well when it was opened.
            if store.holder(of: record.id) != nil { return nil }
            do throws(JournalError) {
                _ = try WorkingTree.replay(
                    store.layout.container(record.id), bootID: store.bootID)
                return nil
            } catch {
                return StoreProblem(.brokenContainer, record.name, error.message)
            }
        }
    }
}
