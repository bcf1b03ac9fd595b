import FileTree
import Foundation
import ImageSpec
import LinuxIO
import Testing

@testable import Store

struct VolumeTests {
    private func tree(
        _ names: [String], permissions: UInt16 = 0o755, userID: UInt32 = 0
    ) throws -> (Tree, PendingDirectories) {
        let directories = PendingDirectories(base: NoDirectories())
        let entries = try names.map {
            DirectoryEntry(
                name: try EntryName(Array($0.utf8)),
                node: Node(
                    attributes: NodeAttributes(
                        permissions: 0o640, userID: 7,
                        modificationTime: NodeTime(seconds: 1000, nanoseconds: 5)),
                    content: .symbolicLink(target: Array("to-\($0)".utf8))))
        }
        let reference = directories.insert(Directory(entries))
        let attributes = NodeAttributes(
            permissions: permissions, userID: userID, groupID: userID,
            modificationTime: NodeTime(seconds: 2000, nanoseconds: 0))
        return (Tree(attributes: attributes, directory: reference), directories)
    }

    private func names(_ store: Store, _ volume: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: store.layout.volumeData(volume))
            .sorted()
    }

    @Test(arguments: ["ab", "a.b-c_D1", "0x", VolumeRecord.randomName()])
    func `names that are Docker's are names`(_ name: String) {
        #expect(VolumeRecord.isValid(name: name))
    }

    @Test(arguments: ["", "a", ".a", "-ab", "a/b", "..", "ä_b", "a b", "a\u{0}b"])
    func `others are none`(_ name: String) { #expect(!VolumeRecord.isValid(name: name)) }

    @Test func `a name that is longer than a file's may be is none`() {
        #expect(VolumeRecord.isValid(name: String(repeating: "a", count: 255)))
        #expect(!VolumeRecord.isValid(name: String(repeating: "a", count: 256)))
    }

    @Test func `making a volume again leaves it as it is`() throws {
        try withStore { store in
            let first = try store.makeVolume(name: "data", labels: ["a": "b"])
            try "kept".write(
                toFile: store.layout.volumeData("data") + "/f", atomically: false, encoding: .utf8)
            let second = try store.makeVolume(name: "data", isAnonymous: true, labels: ["c": "d"])
            #expect(second == first)
            #expect(try store.volumes() == [first])
            #expect(try names(store, "data") == ["f"])
            #expect(try FileStatus(ofPath: store.layout.volumeData("data")).mode & 0o7777 == 0o755)
            #expect(try store.events(after: 0).map(\.action) == ["create"])
        }
    }

    @Test func `collections and verifications know volumes, and remove what is none`() throws {
        try withStore { store in
            _ = try store.makeVolume(name: "kept")
            try FileManager.default.createDirectory(
                atPath: store.layout.volumes + "/left/data", withIntermediateDirectories: true)
            #expect(try Collector(store).run(dryRun: true).volumes == 1)
            #expect(try Collector(store).run().volumes == 1)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: store.layout.volumes)
                    == ["kept"])
            let report = try Verifier(store).run()
            #expect(report.volumes == 1 && report.problems == [])
            try HostDirectory.removeAll(store.layout.volumeData("kept"))
            let problems = try Verifier(store).run().problems
            #expect(problems.map(\.kind) == [.brokenVolume])
            #expect(problems.map(\.subject) == ["kept"])
        }
    }

    @Test func `removing takes the files and the row, and nothing of what is not there`() throws {
        try withStore { store in
            _ = try store.makeVolume(name: "data")
            try store.removeVolume("data")
            #expect(try store.volumes() == [])
            #expect(!HostDirectory.exists(store.layout.volume("data")))
            for name in ["data", "../objects", "never"] {
                #expect {
                    try store.removeVolume(name)
                } throws: {
                    ($0 as? StoreError)?.code == .notFound
                }
            }
        }
    }

    @Test func `a new volume is filled once, with the directory's own owner and mode`() throws {
        try withStore { store in
            _ = try store.makeVolume(name: "data")
            let data = store.layout.volumeData("data")
            let inode = try FileStatus(ofPath: data).inode
            let (tree, directories) = try tree(["a", "b"], permissions: 0o1770, userID: 12)
            try store.fillVolume("data", with: tree, directories: directories)
            #expect(try names(store, "data") == ["a", "b"])
            let status = try FileStatus(ofPath: data)
            // A container that has it mounted already sees it, too.
            #expect(status.inode == inode)
            #expect(status.mode & 0o7777 == 0o1770)
            #expect(status.userID == 12 && status.groupID == 12)
            #expect(status.modificationTime == FileTimestamp(seconds: 2000))
            let link = try FileStatus(ofPath: data + "/a", followsLinks: false)
            #expect(link.userID == 7)
            // What was emptied on purpose stays empty.
            for name in ["a", "b"] { try HostDirectory.unlink("\(data)/\(name)") }
            try store.fillVolume("data", with: tree, directories: directories)
            #expect(try names(store, "data") == [])
        }
    }

    @Test func `one that somebody wrote to is not filled, one that got nothing still is`() throws {
        try withStore { store in
            let (tree, directories) = try tree(["a"])
            for name in ["own", "later"] { _ = try store.makeVolume(name: name) }
            try "x".write(
                toFile: store.layout.volumeData("own") + "/x", atomically: false, encoding: .utf8)
            try store.fillVolume("own", with: tree, directories: directories)
            #expect(try names(store, "own") == ["x"])
            let (empty, none) = try self.tree([], permissions: 0o700)
            try store.fillVolume("later", with: empty, directories: none)
            #expect(
                try FileStatus(ofPath: store.layout.volumeData("later")).mode & 0o7777 == 0o700)
            try store.fillVolume("later", with: tree, directories: directories)
            #expect(try names(store, "later") == ["a"])
            #expect {
                try store.fillVolume("never", with: tree, directories: directories)
            } throws: {
                ($0 as? StoreError)?.code == .notFound
            }
        }
    }

    @Test func `what a killed process had begun is begun anew, or gone on with`() throws {
        try withStore { store in
            let (tree, directories) = try tree(["a", "b"])
            let manager = FileManager.default
            // Killed while it wrote.
            _ = try store.makeVolume(name: "draft")
            try manager.createDirectory(
                atPath: store.layout.volumeDraft("draft") + "/half",
                withIntermediateDirectories: true)
            try store.fillVolume("draft", with: tree, directories: directories)
            #expect(try names(store, "draft") == ["a", "b"])
            // Killed while it gave the entries their place: whoever comes next goes on.
            _ = try store.makeVolume(name: "moved")
            try manager.createDirectory(
                atPath: store.layout.volumeFilling("moved") + "/second",
                withIntermediateDirectories: true)
            try manager.createDirectory(
                atPath: store.layout.volumeData("moved") + "/first",
                withIntermediateDirectories: true)
            try store.fillVolume("moved", with: nil, directories: store)
            #expect(try names(store, "moved") == ["first", "second"])
            try store.fillVolume("moved", with: tree, directories: directories)
            #expect(try names(store, "moved") == ["first", "second"])
            for name in ["draft", "moved"] {
                #expect(
                    try manager.contentsOfDirectory(atPath: store.layout.volume(name)).sorted()
                        == ["data", "lock"])
            }
        }
    }

    @Test(.timeLimit(.minutes(30)))
    func `many who make and fill one at once do it once, and all find it whole`() throws {
        try withStore { store in
            for round in 0..<10 {
                let name = "data-\(round)"
                let all = (0..<50).map { "e\($0)" }
                let (tree, directories) = try tree(all)
                let failures = inParallel(6) { number in
                    _ = try store.makeVolume(name: name)
                    try store.fillVolume(name, with: tree, directories: directories)
                    guard try names(store, name).count == 50 else {
                        throw StoreError(.corrupt, "thread \(number) found it half filled")
                    }
                    // A thread that fills it again would bring this back.
                    try? HostDirectory.unlink(store.layout.volumeData(name) + "/never")
                }
                #expect(failures == [])
            }
            #expect(try store.events(after: 0).count { $0.action == "create" } == 10)
        }
    }

    @Test(.timeLimit(.minutes(30)))
    func `making and removing at once leave a whole volume or none`() throws {
        try withStore { store in
            let failures = inParallel(4) { number in
                for _ in 0..<25 {
                    if number % 2 == 0 {
                        _ = try store.makeVolume(name: "data")
                    } else {
                        do { try store.removeVolume("data") } catch let error as StoreError
                            where error.code == .notFound
                        {}
                    }
                }
            }
            #expect(failures == [])
            _ = try store.makeVolume(name: "data")
            #expect(HostDirectory.exists(store.layout.volumeData("data")))
            #expect(try Verifier(store).run().problems == [])
        }
    }
}

/// Nothing to fall back on: all directories are the pending ones.
private struct NoDirectories: DirectorySource {
    func directory(_ id: DirectoryID) throws(FileTreeError) -> Directory {
        throw FileTreeError(.missingDirectory, "there is no directory \(id)")
    }
}
