import Foundation
import GRDB
import LinuxIO
import Testing

@testable import Store

/// The connections to the database: one that reads, until more are needed.
@Suite struct StateDatabaseTests {
    private func withDatabase(_ body: (StateDatabase, String) throws -> Void) throws {
        try withStoreRoot { root in
            try HostDirectory.makeAll(root)
            let path = root + "/state.sqlite"
            try HostDirectory.replaceFile(path, with: [])
            let database = try StateDatabase(path: path)
            try database.write {
                try $0.execute(sql: "CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1)")
            }
            try body(database, path)
        }
    }

    private func sum(_ database: Database) throws -> Int? {
        try Int.fetchOne(database, sql: "SELECT sum(n) FROM t")
    }

    /// The connections that this process has to the file.
    private func connectionCount(_ path: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))
                == path
        }
    }

    @Test func `who only reads has one connection, and a read sees all writes before it`() throws {
        try withDatabase { _, path in
            let database = try StateDatabase(path: path)
            let before = try connectionCount(path)
            for _ in 1...3 { #expect(try database.read(sum) == 1) }
            #expect(try connectionCount(path) == before)
            try database.write { try $0.execute(sql: "INSERT INTO t VALUES (2)") }
            #expect(try database.read(sum) == 3)
        }
    }

    @Test func `reads do not wait for each other, nor for a write`() throws {
        try withDatabase { database, path in
            let other = try StateDatabase(path: path)
            let failures = try other.read { first in
                let one = try sum(first)
                #expect(one == 1)
                return inParallel(1) { _ in
                    let second = try other.read { try Int.fetchOne($0, sql: "SELECT n FROM t") }
                    guard second == 1 else { throw DatabaseError(message: "another sum") }
                }
            }
            #expect(failures == [])
            let reader = try StateDatabase(path: path)
            try database.write {
                try $0.execute(sql: "INSERT INTO t VALUES (2)")
                // Not yet there for others.
                #expect(try reader.read(sum) == 1)
            }
            #expect(try reader.read(sum) == 3)
        }
    }

    @Test func `many threads read and write at once`() throws {
        try withDatabase { _, path in
            let database = try StateDatabase(path: path)
            let failures = inParallel(16) { index in
                if index % 4 == 3 {
                    try database.write { try $0.execute(sql: "INSERT INTO t VALUES (1)") }
                } else {
                    let sum = try database.read {
                        try Int.fetchOne($0, sql: "SELECT sum(n) FROM t")
                    }
                    guard let sum, 1...5 ~= sum else { throw DatabaseError(message: "a wrong sum") }
                }
            }
            #expect(failures == [])
            #expect(try database.read(sum) == 5)
        }
    }

    @Test func `what is written through the one that reads is refused`() throws {
        try withDatabase { _, path in
            let database = try StateDatabase(path: path)
            #expect(throws: (any Error).self) {
                try database.read { try $0.execute(sql: "DELETE FROM t") }
            }
            #expect(try database.read(sum) == 1)
        }
    }
}
