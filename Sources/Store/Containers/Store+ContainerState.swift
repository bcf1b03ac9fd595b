internal import Foundation
internal import GRDB

extension Store {
    /// What of a container's state is true: one that is written down as running, but held by nobody,
    /// lost the process that ran it, by `kill -9` or with the host.
    package func currentState(of record: ContainerRecord) -> ContainerState {
        guard record.state.isRunning, holder(of: record.id) == nil else { return record.state }
        // It may have ended in order since the record was read.
        if let fresh = (try? container(record.id)) ?? nil, !fresh.state.isRunning {
            return fresh.state
        }
        return Self.lost(record.state)
    }

    /// What is true of a container whose process is gone. Its exit code is as Docker's after a crash.
    package static func lost(_ state: ContainerState) -> ContainerState {
        var state = state
        state.status = .exited
        state.processID = 0
        state.exitCode = lostExitCode
        state.error = "the process that ran it was killed"
        state.health = nil
        state.rootfs = ""
        state.sharedMemory = ""
        state.publishedPorts = []
        return state
    }

    private static let lostExitCode: Int32 = 255

    /// One container, as it is now; nil if it is gone.
    package func container(_ id: ContainerID) throws(StoreError) -> ContainerRecord? {
        try read("a container") { database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM containers WHERE id = ?", arguments: [id.text]
            ).map(ContainerRecord.init(row:))
        }
    }

    /// The containers that a text may mean: the one of that name or ID, else those whose IDs begin so.
    package func containers(matching text: String) throws(StoreError) -> [ContainerRecord] {
        try read("the containers") { database in
            let exact = try Row.fetchAll(
                database, sql: "SELECT * FROM containers WHERE name = ? OR id = ?",
                arguments: [text, text])
            if !exact.isEmpty { return try exact.map(ContainerRecord.init(row:)) }
            guard !text.isEmpty, text.utf8.allSatisfy({ 48...57 ~= $0 || 97...102 ~= $0 }) else {
                return []
            }
            return try Row.fetchAll(
                database, sql: "SELECT * FROM containers WHERE id LIKE ? ORDER BY id",
                arguments: [text + "%"]
            ).map(ContainerRecord.init(row:))
        }
    }

    /// The names of all containers.
    package func containerNames() throws(StoreError) -> Set<String> {
        try read("the containers") { database in
            try String.fetchSet(database, sql: "SELECT name FROM containers")
        }
    }

    /// Changes a container's state.
    /// - Returns: nil if it is gone.
    @discardableResult
    package func updateState(
        of id: ContainerID, _ change: (inout ContainerState) -> Void
    ) throws(StoreError) -> ContainerState? {
        // How a container ended is to be told, above all where it filled the disk.
        try writeRemoval("a container's state") { database in
            guard var record = try Self.container(id, in: database) else { return nil }
            change(&record.state)
            try database.execute(
                sql: "UPDATE containers SET state = ? WHERE id = ?",
                arguments: [try ContainerCoding.encode(record.state), id.text])
            try database.bumpGeneration()
            return record.state
        }
    }

    /// Changes what a container was asked to be. Durable when it returns.
    /// - Throws: `notFound`.
    package func updateSettings(
        of id: ContainerID, _ change: (inout ContainerSettings) throws -> Void
    ) throws {
        try write("a container's settings") { database in
            guard var record = try Self.container(id, in: database) else {
                throw StoreError(.notFound, "container \(id.short) is no longer there")
            }
            try change(&record.settings)
            try database.execute(
                sql: "UPDATE containers SET settings = ? WHERE id = ?",
                arguments: [try ContainerCoding.encode(record.settings), id.text])
            try database.bumpGeneration()
        }
        try synchronizeLog()
    }

    /// Gives a container another name. Durable when it returns.
    /// - Throws: `inUse` for a name that another has, `notFound`.
    package func rename(_ id: ContainerID, to name: String) throws(StoreError) {
        try write("a container's name") { database in
            let owner = try String.fetchOne(
                database, sql: "SELECT id FROM containers WHERE name = ?", arguments: [name])
            if let owner, owner != id.text {
                throw StoreError(
                    .inUse, "the name \"\(name)\" is that of container \(owner.prefix(12))")
            }
            try database.execute(
                sql: "UPDATE containers SET name = ? WHERE id = ?", arguments: [name, id.text])
            guard database.changesCount == 1 else {
                throw StoreError(.notFound, "container \(id.short) is no longer there")
            }
            try database.bumpGeneration()
        }
        try synchronizeLog()
    }

    private static func container(
        _ id: ContainerID, in database: Database
    ) throws -> ContainerRecord? {
        try Row.fetchOne(
            database, sql: "SELECT * FROM containers WHERE id = ?", arguments: [id.text]
        ).map(ContainerRecord.init(row:))
    }
}
