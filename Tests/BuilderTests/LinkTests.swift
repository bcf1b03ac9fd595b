import Builder
import FileTree
import Foundation
import ImageSpec
import Layers
import LinuxIO
import Store
import Testing

@Suite("COPY and ADD --link")
struct LinkTests {
    private func fixture() throws -> BuildFixture {
        let fixture = try BuildFixture()
        try fixture.makeImage("base", files: ["f": "1"])
        try fixture.write("dir/a", "a")
        try fixture.write("dir/sub/b", "b")
        return fixture
    }

    private static let text = """
        FROM base
        RUN write made 1
        COPY --link --chown=7:8 dir /x/y/
        RUN write made2 2
        """

    @Test("a step before it that changed leaves it a hit, and the result is that of a whole build")
    func otherParent() throws {
        let fixture = try fixture()
        try fixture.build(Self.text)
        let text = Self.text.replacingOccurrences(of: "made 1", with: "x/here other")
        let built = try fixture.build(text)
        #expect(built.observer.outcomes == ["done", "done", "cached", "done"])
        let fresh = try fixture.build(text) { $0.ignoresCache = true }
        #expect(built.tree == fresh.tree)
        #expect(
            try fixture.listing(built.tree) == [
                "/f 644 0:0 1", "/made2 644 0:0 2", "/x/ 755 0:0", "/x/here 644 0:0 other",
                "/x/y/ 755 7:8", "/x/y/a 644 7:8 a", "/x/y/sub/ 755 7:8", "/x/y/sub/b 644 7:8 b",
            ])
        // All is in the cache under its usual key now.
        #expect(
            try fixture.build(text).observer.outcomes == ["done", "cached", "cached", "cached"])
    }

    @Test("another base image leaves it a hit, and one without --link is none")
    func otherBase() throws {
        let fixture = try fixture()
        let text = "FROM base\nCOPY --link dir /x\nCOPY dir /y"
        let first = try fixture.build(text)
        try fixture.makeImage("base", files: ["f": "2", "x/": "", "x/a": "old", "x/kept": "k"])
        let second = try fixture.build(text)
        #expect(first.observer.outcomes == ["done", "done", "done"])
        #expect(second.observer.outcomes == ["done", "cached", "done"])
        #expect(
            try fixture.listing(second.tree) == [
                "/f 644 0:0 2", "/x/ 755 0:0", "/x/a 644 0:0 a", "/x/kept 644 0:0 k",
                "/x/sub/ 755 0:0", "/x/sub/b 644 0:0 b", "/y/ 755 0:0", "/y/a 644 0:0 a",
                "/y/sub/ 755 0:0", "/y/sub/b 644 0:0 b",
            ])
        #expect(second.observer.explanation(ofStep: 3).first?.contains("parent") == true)
    }

    @Test("what changed of its sources is told, and not that what is below is another")
    func otherSource() throws {
        let fixture = try fixture()
        try fixture.build(Self.text)
        try fixture.write("dir/a", "A")
        let built = try fixture.build(
            Self.text.replacingOccurrences(of: "made 1", with: "made 3"))
        #expect(built.observer.outcomes == ["done", "done", "done", "done"])
        let reasons = built.observer.explanation(ofStep: 3)
        #expect(reasons.count == 1)
        #expect(reasons.first?.hasPrefix("dir/a changed") == true, "\(reasons)")
    }

    @Test("a file goes into a directory of the image that has its name, whatever was made before")
    func existingDirectory() throws {
        let fixture = try fixture()
        let text = "FROM base\nCOPY --link dir/a /place"
        let first = try fixture.build(text)
        #expect(try fixture.node("place", in: first.tree)?.isDirectory == false)
        try fixture.makeImage("base", files: ["place/": ""])
        let second = try fixture.build(text)
        #expect(second.observer.outcomes == ["done", "done"])
        #expect(try fixture.listing(second.tree) == ["/place/ 755 0:0", "/place/a 644 0:0 a"])
    }

    @Test("symbolic links on the way are replaced on every root file system")
    func links() throws {
        let fixture = try fixture()
        let text = "FROM base\nCOPY --link dir/a /l/x\nCOPY --link dir/a /last"
        try fixture.build(text)
        try fixture.makeImage("base", files: ["real/": ""], links: ["l": "real", "last": "f"])
        let built = try fixture.build(text)
        #expect(built.observer.outcomes == ["done", "cached", "cached"])
        #expect(
            try fixture.listing(built.tree) == [
                "/l/ 755 0:0", "/l/x 644 0:0 a", "/last 644 0:0 a", "/real/ 755 0:0",
            ])
    }

    @Test("with --chmod the base counts, as without --link")
    func mode() throws {
        let fixture = try fixture()
        let text = "FROM base\nCOPY --link --chmod=600 dir/a /l/x"
        let built = try fixture.build(text)
        #expect(
            try fixture.build("FROM base\nCOPY --chmod=600 dir/a /l/x").observer.outcomes
                == ["done", "cached"])
        #expect(try fixture.node("l/x", in: built.tree)?.attributes.permissions == 0o600)
        try fixture.makeImage("base", files: ["f": "2"])
        #expect(try fixture.build(text).observer.outcomes == ["done", "done"])
    }

    @Test("names of one file stay names of one file on every root file system")
    func hardLinks() throws {
        let fixture = try fixture()
        try fixture.makeImage("linked", files: ["d/one": "1"], hardLinks: ["d/two": "d/one"])
        let text = "FROM base\nCOPY --link --from=linked /d /copy"
        try fixture.build(text)
        try fixture.makeImage("base", files: ["f": "2"])
        let built = try fixture.build(text)
        #expect(built.observer.outcomes == ["done", "cached"])
        let link = try #require(try fixture.node("copy/one", in: built.tree)?.hardLink)
        #expect(link.count == 2)
        #expect(try fixture.node("copy/two", in: built.tree)?.hardLink == link)
    }

    @Test("an archive goes where the image's links lead, so that it depends on the image")
    func archive() throws {
        let fixture = try fixture()
        let entry = TarEntry(
            path: Array("lib/file".utf8), kind: .regular, mode: 0o644, sizeBytes: 4)
        try fixture.write(
            "lib.tar",
            bytes: try TarWriter.header(for: entry) + Array("text".utf8)
                + TarWriter.padding(after: 4) + TarWriter.endMarker)
        let text = "FROM base\nADD --link lib.tar /"
        try fixture.build(text)
        try fixture.makeImage("base", files: ["usr/lib/": ""], links: ["lib": "usr/lib"])
        let built = try fixture.build(text)
        #expect(built.observer.outcomes == ["done", "done"])
        #expect(try fixture.node("usr/lib/file", in: built.tree) != nil)
        // What is no archive does not.
        let plain = "FROM base\nADD --link dir/a /"
        try fixture.build(plain)
        try fixture.makeImage("base", files: ["f": "3"])
        #expect(try fixture.build(plain).observer.outcomes == ["done", "cached"])
    }

    @Test("what is damaged is made again")
    func damage() throws {
        let fixture = try fixture()
        try fixture.build(Self.text)
        let digest = Digest(of: Array("b".utf8))
        try HostDirectory.unlink(fixture.store.layout.object(digest))
        let text = Self.text.replacingOccurrences(of: "made 1", with: "made 3")
        let built = try fixture.build(text)
        #expect(HostDirectory.exists(fixture.store.layout.object(digest)))
        #expect(try fixture.node("x/y/sub/b", in: built.tree) != nil)
    }

    @Test("--no-cache makes it anew, and SOURCE_DATE_EPOCH counts")
    func otherInputs() throws {
        let fixture = try fixture()
        let text = "FROM base\nCOPY --link dir /x"
        try fixture.build(text)
        try fixture.makeImage("base", files: ["f": "2"])
        #expect(try fixture.build(text) { $0.timestamp = 5 }.observer.outcomes == ["done", "done"])
        let built = try fixture.build(text) { $0.ignoresCache = true }
        #expect(built.observer.outcomes == ["done", "done"])
    }

    @Test("directories made on the way have the times of what they are made in")
    func times() throws {
        let fixture = try fixture()
        let text = "FROM base\nCOPY --link dir/a /p/q/a"
        try fixture.build(text)
        try fixture.makeImage("base", files: ["p/": ""])
        let built = try fixture.build(text)
        #expect(built.observer.outcomes == ["done", "cached"])
        let node = try #require(try fixture.node("p/q", in: built.tree))
        #expect(node.attributes.modificationTime == NodeTime(seconds: 7))
    }
}
