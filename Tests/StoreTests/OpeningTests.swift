import FileTree
import Foundation
import GRDB
import LinuxIO
import Testing

@testable import Store

@Suite struct OpeningTests {
    @Test func `a foreign OCI layout is not adopted`() throws {
        try withStoreRoot { root in
            let layout = StoreLayout(root: root)
            try HostDirectory.makeAll(layout.blobs)
            let marker = Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)
            try HostDirectory.replaceFile(layout.ociLayout, with: marker)
            #expect { try Store(root: root) } throws: {
                ($0 as? StoreError)?.code == .cannotOpen
                    && ($0 as? StoreError)?.message.contains("no store") == true
            }
            #expect(!HostDirectory.exists(layout.objects))
        }
    }

    @Test func `a directory with anything in it is not adopted`() throws {
        try withStoreRoot { root in
            try HostDirectory.makeAll(root)
            try HostDirectory.replaceFile(root + "/letter", with: [1])
            #expect { try Store(root: root) } throws: {
                ($0 as? StoreError)?.code == .cannotOpen
            }
            #expect(try HostDirectory.names(ofPath: root).count == 1)
        }
    }

    @Test func `an empty directory, and the root of an empty file system, become a store`() throws {
        try withStoreRoot { root in
            try HostDirectory.makeAll(root + "/lost+found")
            #expect(try Store(root: root).images() == [])
        }
    }

    @Test func `a store whose making was cut off is made complete`() throws {
        try withStoreRoot { root in
            let layout = StoreLayout(root: root)
            try HostDirectory.makeAll(layout.blobs)
            try HostDirectory.replaceFile(layout.database, with: [])
            #expect(try Store(root: root).images() == [])
            #expect(HostDirectory.exists(layout.index))
        }
    }

    @Test func `a new store may be opened by several at once`() throws {
        for _ in 0..<4 {
            try withStoreRoot { root in
                let failures = inParallel(8) { _ in
                    try Store(root: root).lease("test").hold(.empty)
                }
                #expect(failures == [])
            }
        }
    }

    @Test func `a store of a later version is refused`() throws {
        try withStore { store in
            try store.write("a migration") { database in
                try database.execute(sql: "INSERT INTO grdb_migrations VALUES ('99')")
            }
            #expect { try Store(root: store.layout.root) } throws: {
                ($0 as? StoreError)?.code == .unsupportedVersion
            }
        }
    }
    @Test func `containers that had the host's namespaces by flags keep them`() throws {
        try withStoreRoot { root in
            let formers = [
                "{}", #"{"sharesHostProcesses":true,"user":"7"}"#,
                #"{"sharesHostInterprocess":true,"sharesHostProcesses":false}"#,
            ]
            try Store(root: root).write("former containers") { database in
                for (number, settings) in formers.enumerated() {
                    try database.execute(
                        sql: "INSERT INTO containers VALUES (?, ?, ?, '', '', 0, ?, '{}')",
                        arguments: [
                            ContainerID.random().text, "c\(number)",
                            Data(repeating: 0, count: 32), Data(settings.utf8),
                        ])
                }
                try database.execute(sql: "DELETE FROM grdb_migrations WHERE identifier = '8'")
            }
            let settings = try Store(root: root).containers().sorted { $0.name < $1.name }
                .map(\.settings)
            #expect(settings.map(\.processes) == [.own, .host, .own])
            #expect(settings.map(\.interprocess) == [.own, .own, .host])
            #expect(settings.map(\.user) == ["", "7", ""])
        }
    }
}
