internal import CSQLite
internal import GRDB
internal import Synchronization

/// The connections to `state.sqlite`, no more than are used: most commands read a little and end.
///
///     one that only reads ──▶ a pool
///                        the first write, or a read while another one runs
///
/// Thread-safe. A read sees all writes of this process that ended before it.
final class StateDatabase: Sendable {
    private enum Connections {
        case one(DatabaseQueue, isReading: Bool)
        case pool(DatabasePool)
    }

    private let path: String
    private let connections: Mutex<Connections>

    /// - Parameter path: an existing file; an empty one is a database without tables.
    init(path: String) throws {
        self.path = path
        var configuration = Self.configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        connections = Mutex(.one(queue, isReading: false))
    }

    private static func configuration() -> Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(60)
        configuration.maximumReaderCount = 8
        configuration.prepareDatabase { database in
            // Commits reach the disk with those of images and names, as the files they refer to do.
            try database.execute(sql: "PRAGMA synchronous = NORMAL")
            try database.execute(sql: "PRAGMA mmap_size = 268435456")
            // A command would end with two fsyncs, and the next one begin with two; see trimLog().
            let result = unsafe vitrine_keep_log_on_close(database.sqliteConnection)
            guard result == SQLITE_OK else {
                throw DatabaseError(resultCode: ResultCode(rawValue: result))
            }
        }
        return configuration
    }

    /// Runs `body` in a read transaction.
    func read<T>(_ body: (Database) throws -> T) throws -> T {
        guard let queue = beginReading() else { return try pool().read(body) }
        defer { endReading() }
        return try queue.read(body)
    }

    /// Runs `body`, which is one statement, without a transaction of its own: beginning and ending one
    /// costs more than most statements.
    func readAtOnce<T>(_ body: (Database) throws -> T) throws -> T {
        guard let queue = beginReading() else { return try pool().unsafeRead(body) }
        defer { endReading() }
        return try queue.unsafeRead(body)
    }

    /// Runs `body` in a write transaction: all of it happens or nothing.
    func write<T>(_ body: (Database) throws -> T) throws -> T { try pool().write(body) }

    /// Runs `body`, which makes its own transactions, while nobody else of this process writes.
    func writeWithoutTransaction<T>(_ body: (Database) throws -> T) throws -> T {
        try pool().writeWithoutTransaction(body)
    }

    func migrate(by migrator: DatabaseMigrator) throws { try migrator.migrate(pool()) }

    /// - Returns: nil where the pool is to be used.
    private func beginReading() -> DatabaseQueue? {
        connections.withLock { connections in
            guard case .one(let queue, isReading: false) = connections else { return nil }
            connections = .one(queue, isReading: true)
            return queue
        }
    }

    private func endReading() {
        connections.withLock { connections in
            guard case .one(let queue, _) = connections else { return }
            connections = .one(queue, isReading: false)
        }
    }

    private func pool() throws -> DatabasePool {
        try connections.withLock { connections in
            if case .pool(let pool) = connections { return pool }
            let pool = try DatabasePool(path: path, configuration: Self.configuration())
            connections = .pool(pool)
            return pool
        }
    }
}
