import Builder
import Dockerfile
import FileTree
import Foundation
import ImageSpec
import LinuxIO
import Sandbox
import Store
import Synchronization
import Testing

@Suite("The build cache")
struct CacheTests {
    private static let dockerfile = """
        FROM base
        ARG unused=1
        WORKDIR /w
        COPY dir /x/
        RUN write made 1
        ENV e=1
        RUN write made2 2
        """

    private func fixture() throws -> BuildFixture {
        let fixture = try BuildFixture()
        try fixture.makeImage("base", files: ["f": "1"])
        try fixture.write("dir/a", "a")
        try fixture.write("dir/b", "b")
        try fixture.write("other", "o")
        return fixture
    }

    @Test("the second build runs nothing and gives the same image")
    func secondBuild() throws {
        let fixture = try fixture()
        let first = try fixture.build(Self.dockerfile)
        let second = try fixture.build(Self.dockerfile)
        #expect(first.observer.outcomes == ["done", "done", "done", "done", "done"])
        #expect(second.observer.outcomes == ["done", "cached", "cached", "cached", "cached"])
        #expect(second.result.image == first.result.image)
        #expect(second.result.cachedStepCount == 4)
        #expect(fixture.executor.commands.count == 2)
        let steps = try fixture.store.steps(ofBuild: second.result.build)
        #expect(steps.map(\.outcome) == [.done, .cached, .cached, .cached, .cached])
        #expect(steps.map(\.number) == [1, 2, 3, 4, 5])
        #expect(steps.dropFirst().allSatisfy { $0.key != nil })
    }

    struct Change: CustomTestStringConvertible {
        var what: String
        var outcomes: [String]
        var dockerfile = CacheTests.dockerfile
        var apply: @Sendable (BuildFixture) throws -> Void = { _ in }
        var options: @Sendable (inout BuildOptions) -> Void = { _ in }
        var testDescription: String { what }
    }

    static let changes: [Change] = [
        Change(what: "a time", outcomes: ["done", "cached", "cached", "cached", "cached"]) {
            try $0.setTime("dir/a", 1_700_000_000)
        },
        Change(
            what: "a file that nothing copies",
            outcomes: ["done", "cached", "cached", "cached", "cached"]
        ) {
            try $0.write("other", "changed")
        },
        Change(what: "a content", outcomes: ["done", "cached", "done", "done", "done"]) {
            try $0.write("dir/a", "A")
        },
        Change(what: "a mode", outcomes: ["done", "cached", "done", "done", "done"]) {
            try $0.write("dir/a", "a", mode: 0o600)
        },
        Change(what: "a name", outcomes: ["done", "cached", "done", "done", "done"]) {
            try HostDirectory.rename($0.context + "/dir/a", to: $0.context + "/dir/c")
        },
        Change(what: "a further file", outcomes: ["done", "cached", "done", "done", "done"]) {
            try $0.write("dir/c", "")
        },
        Change(what: "an ignored file", outcomes: ["done", "cached", "cached", "cached", "cached"])
        {
            try $0.write("dir/c", "")
            try $0.write(".dockerignore", "**/c")
        },
        Change(what: "the base image", outcomes: ["done", "done", "done", "done", "done"]) {
            try $0.makeImage("base", files: ["f": "2"])
        },
        Change(
            what: "a label", outcomes: ["done", "cached", "cached", "cached", "cached"],
            dockerfile: dockerfile + "\nLABEL a=b"),
        Change(
            what: "a variable between steps",
            outcomes: ["done", "cached", "cached", "cached", "done"],
            dockerfile: dockerfile.replacingOccurrences(of: "e=1", with: "e=2")),
        Change(
            what: "the text of a command",
            outcomes: ["done", "cached", "cached", "cached", "done"],
            dockerfile: dockerfile.replacingOccurrences(of: "made2 2", with: "made2 3")),
        Change(
            what: "the value of an ARG", outcomes: ["done", "cached", "cached", "done", "done"],
            options: { $0.buildArguments = [BuildArgument(name: "unused", value: "2")] }),
        Change(
            what: "the user of a command",
            outcomes: ["done", "cached", "cached", "cached", "done"],
            dockerfile: dockerfile.replacingOccurrences(of: "ENV e=1", with: "ENV e=1\nUSER 1")),
        Change(
            what: "the network", outcomes: ["done", "cached", "cached", "done", "done"],
            options: { $0.network = .none }),
        Change(
            what: "--no-cache", outcomes: ["done", "done", "done", "done", "done"],
            options: { $0.ignoresCache = true }),
    ]

    @Test("what a change makes run again", arguments: changes)
    func invalidation(_ change: Change) throws {
        let fixture = try fixture()
        try fixture.build(Self.dockerfile)
        try change.apply(fixture)
        let built = try fixture.build(change.dockerfile, change.options)
        #expect(built.observer.outcomes == change.outcomes)
    }

    @Test("what --exclude leaves out does not count")
    func excludedFiles() throws {
        let fixture = try fixture()
        try fixture.write("dir/sub/log", "1")
        try fixture.write("dir/sub/kept", "1")
        let text = "FROM base\nCOPY --exclude=**/log dir /x"
        let first = try fixture.build(text)
        #expect(try fixture.node("x/sub/kept", in: first.tree) != nil)
        #expect(try fixture.node("x/sub/log", in: first.tree) == nil)
        try fixture.write("dir/sub/log", "changed")
        #expect(try fixture.build(text).observer.outcomes == ["done", "cached"])
        try fixture.write("dir/sub/kept", "changed")
        #expect(try fixture.build(text).observer.outcomes == ["done", "done"])
    }

    @Test("an equal result of a changed step stops the invalidation there")
    func earlyCutoff() throws {
        let fixture = try fixture()
        try fixture.build("FROM base\nRUN write a 1\nRUN write b 2")
        let built = try fixture.build("FROM base\nRUN true && write a 1\nRUN write b 2")
        #expect(built.observer.outcomes == ["done", "done", "cached"])
    }

    @Test("a copy hits whatever the stage it copies from did otherwise")
    func copyFromStage() throws {
        let fixture = try fixture()
        let text = "FROM base AS one\nRUN write a 1 && write b 1st\nFROM base\nCOPY --from=one a /"
        try fixture.build(text)
        let built = try fixture.build(text.replacingOccurrences(of: "1st", with: "2nd"))
        #expect(built.observer.outcomes == ["done", "done", "done", "cached"])
    }

    @Test("an entry whose files are gone or damaged is a miss, and is made again")
    func damage() throws {
        let fixture = try fixture()
        let first = try fixture.build("FROM base\nRUN write a some text\nRUN true")
        let digest = Digest(of: Array("some text".utf8))
        try HostDirectory.unlink(fixture.store.layout.object(digest))
        let second = try fixture.build("FROM base\nRUN write a some text\nRUN true")
        // Taken at first, found out before the image is made, and begun anew.
        #expect(
            second.observer.outcomes
                == ["done", "cached", "cached", "done", "done", "cached"])
        #expect(second.observer.warnings.count == 1)
        #expect(second.result.stepCount == 3)
        #expect(second.result.cachedStepCount == 1)
        #expect(second.tree == first.tree)
        let node = try fixture.node("a", in: second.tree)
        if case .file(let content)? = node?.content {
            #expect(try fixture.text(content) == "some text")
        } else {
            Issue.record("the file is not there")
        }
    }

    @Test("a missing file is found out among thousands")
    func damageAmongMany() throws {
        let fixture = try fixture()
        for index in 0..<4200 { try fixture.write("many/\(index)", "file \(index)") }
        try fixture.build("FROM base\nCOPY many /m")
        // From the next build on, the files' times are trusted, and they are not read again.
        Thread.sleep(forTimeInterval: 3.1)
        let hit = try fixture.build("FROM base\nCOPY many /m")
        #expect(hit.observer.outcomes == ["done", "cached"])
        let digest = Digest(of: Array("file 4000".utf8))
        try HostDirectory.unlink(fixture.store.layout.object(digest))
        let built = try fixture.build("FROM base\nCOPY many /m")
        #expect(built.observer.outcomes == ["done", "cached", "done", "done"])
        #expect(HostDirectory.exists(fixture.store.layout.object(digest)))
    }

    @Test("the key is the digest of its inputs, which name everything that counts")
    func inputs() throws {
        let fixture = try fixture()
        try fixture.build(
            "FROM base\nARG v=x\nUSER 7\nCOPY --chown=1:2 dir/a other /x/\nRUN [\"a b\", \"c\\nd\"]"
        )
        let entries = try fixture.store.cacheEntries()
        for entry in entries {
            #expect(entry.key.digest == Digest(of: Array(entry.inputs.utf8)))
        }
        let copy = try #require(entries.first { $0.instruction.hasPrefix("COPY") })
        #expect(
            copy.inputs == """
                COPY v1
                parent \(copy.parentTree.id)
                destination /x /
                chown 1:2
                source /dir/a 644 0:0 file 1 \(Digest(of: Array("a".utf8)))
                source /other 644 0:0 file 1 \(Digest(of: Array("o".utf8)))

                """)
        let run = try #require(entries.first { $0.instruction.hasPrefix("RUN") })
        #expect(
            run.inputs == """
                RUN v1
                parent \(copy.tree.id)
                argument a b
                argument "c\\nd"
                environment PATH=/usr/bin:/bin
                environment v=x
                directory /
                user 7
                network host

                """)
    }

    @Test("a file that changed within the clock's resolution is read again")
    func racilyClean() throws {
        let fixture = try fixture()
        // Written now: not to be trusted by its times.
        let path = fixture.context + "/dir/now"
        try fixture.write("dir/now", "1", mtime: Int(Date().timeIntervalSince1970))
        let first = try fixture.build("FROM base\nCOPY dir/now /")
        let before = try FileStatus(ofPath: path)
        let file = try OwnedDescriptor(opening: path, .writeOnly)
        try DescriptorIO.writeAll(file.rawValue, Array("2".utf8))
        try fixture.setTime("dir/now", Int(before.modificationTime.seconds))
        let second = try fixture.build("FROM base\nCOPY dir/now /")
        #expect(first.result.image != second.result.image)
    }

    @Test("a context in which nothing changed, empty files among it, leaves its record alone")
    func unchangedRecord() throws {
        let fixture = try fixture()
        try fixture.write("empty/file", "")
        try fixture.write("future", "x", mtime: 4_000_000_000)
        // Older than the two seconds for which times are not trusted.
        Thread.sleep(forTimeInterval: 3.1)
        let text = "FROM base\nCOPY . /c"
        func record() throws -> FileStatus {
            let directory = fixture.store.layout.root + "/context-cache"
            let name = try #require(try HostDirectory.names(ofPath: directory).first)
            return try FileStatus(ofPath: "\(directory)/\(String(decoding: name, as: UTF8.self))")
        }
        try fixture.build(text)
        let before = try record()
        #expect(try fixture.build(text).observer.outcomes == ["done", "cached"])
        // A record that is written anew is another file.
        #expect(try record().inode == before.inode)
    }

    @Test("an unchanged file is known by its status, and found again in the store")
    func statCache() throws {
        let fixture = try fixture()
        try fixture.build("FROM base\nCOPY other /")
        // Older than the two seconds for which times are not trusted.
        Thread.sleep(forTimeInterval: 3.1)
        try fixture.build("FROM base\nCOPY other /other2")
        // The record made by the second build is trusted by the third: take the file's bytes away
        // by making it unreadable to anybody but its status.
        let content = Digest(of: Array("o".utf8))
        try HostDirectory.unlink(fixture.store.layout.object(content))
        let third = try fixture.build("FROM base\nCOPY other /other3")
        #expect(third.observer.outcomes == ["done", "done"])
        #expect(HostDirectory.exists(fixture.store.layout.object(content)))
    }
}
