import Builder
import FileTree
import Foundation
import ImageSpec
import LinuxIO
import Testing

@Suite("COPY --parents, --link, and names of one file")
struct ParentsTests {
    private func fixture(image: [String: String] = [:]) throws -> BuildFixture {
        let fixture = try BuildFixture()
        try fixture.write("top.txt", "T")
        try fixture.write("a/one/package.json", "1")
        try fixture.write("a/one/src/main.c", "M")
        try fixture.write("a/two/package.json", "2")
        try fixture.write("b/deep/er/x.log", "L", mode: 0o600)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o750], ofItemAtPath: fixture.context + "/a/one")
        try fixture.setTime("a/one", 1_234_567)
        try fixture.link("link", to: "a")
        try fixture.makeImage("base", files: image)
        return fixture
    }

    static let cases: [(String, [String])] = [
        (
            "COPY --parents a/one/package.json /d",
            [
                "/d/ 755 0:0", "/d/a/ 755 0:0", "/d/a/one/ 750 0:0",
                "/d/a/one/package.json 644 0:0 1",
            ]
        ),
        (
            "COPY --parents ./a/*/package.json top.txt /d/",
            [
                "/d/ 755 0:0", "/d/a/ 755 0:0", "/d/a/one/ 750 0:0",
                "/d/a/one/package.json 644 0:0 1", "/d/a/two/ 755 0:0",
                "/d/a/two/package.json 644 0:0 2", "/d/top.txt 644 0:0 T",
            ]
        ),
        (
            "COPY --parents **/*.log /d/",
            [
                "/d/ 755 0:0", "/d/b/ 755 0:0", "/d/b/deep/ 755 0:0", "/d/b/deep/er/ 755 0:0",
                "/d/b/deep/er/x.log 600 0:0 L",
            ]
        ),
        (
            "COPY --parents a/./one/src /d/",
            [
                "/d/ 755 0:0", "/d/one/ 750 0:0", "/d/one/src/ 755 0:0",
                "/d/one/src/main.c 644 0:0 M",
            ]
        ),
        (
            "COPY --parents --exclude=**/package.json a/o*/./ /d/",
            ["/d/ 755 0:0", "/d/src/ 755 0:0", "/d/src/main.c 644 0:0 M"]
        ),
        (
            "COPY --parents --chown=7 --chmod=u=rwX,go= a/*/src /d/",
            [
                "/d/ 755 7:7", "/d/a/ 700 7:7", "/d/a/one/ 700 7:7", "/d/a/one/src/ 700 7:7",
                "/d/a/one/src/main.c 600 7:7 M",
            ]
        ),
        ("COPY --parents nothing* top.txt /", ["/top.txt 644 0:0 T"]),
        ("COPY --parents nothing* /d/e", ["/d/ 755 0:0", "/d/e/ 755 0:0"]),
        ("COPY --parents --chown=7 a/./nothing* /d/", ["/d/ 755 7:7"]),
        ("COPY --parents --link nothing/* /d/", ["/d/ 755 0:0"]),
        ("COPY --parents nothing*/./x /d/", []), ("COPY nothing* /d/", []),
    ]

    @Test(arguments: cases)
    func `the directories on the way are kept`(_ line: String, _ expected: [String]) throws {
        let fixture = try fixture()
        let built = try fixture.build("FROM base\n\(line)")
        #expect(try fixture.listing(built.tree) == expected)
    }

    @Test func `of the context, --parents reads what it takes and no more`() throws {
        let fixture = try fixture()
        let line = "FROM base\nCOPY --parents a/*/package.json /"
        try fixture.build(line)
        try fixture.write("a/one/src/main.c", "changed")
        #expect(try fixture.build(line).observer.outcomes == ["done", "cached"])
        try fixture.write("a/one/package.json", "changed")
        #expect(try fixture.build(line).observer.outcomes == ["done", "done"])
    }

    @Test func `--parents takes from stages too, with their times`() throws {
        let fixture = try fixture()
        let built = try fixture.build(
            """
            FROM base AS one
            COPY --parents a/one/package.json /s/
            FROM base
            COPY --parents --from=one /s/./a/**/*.json /d/

            """)
        let node = try #require(try fixture.node("/d/a/one", in: built.tree))
        #expect(node.attributes.permissions == 0o750)
        #expect(node.attributes.modificationTime == NodeTime(seconds: 1_234_567))
        #expect(built.history.last == "COPY --parents /s/./a/**/*.json /d/ # buildkit")
    }

    @Test func `a plain path that is not there is an error, a pattern is a warning`() throws {
        let fixture = try fixture()
        let error = try fixture.failure("FROM base\nCOPY --parents a/nine/x /")
        #expect(error.code == .sourceNotFound)
        #expect(error.message == "\"/a/nine/x\" is not in the build context")
        #expect(
            try fixture.failure("FROM base\nCOPY --parents link/one/package.json /").code
                == .sourceNotFound)
        let built = try fixture.build("FROM base\nCOPY --parents a/nine/* /")
        #expect(
            built.observer.warnings == ["nothing in the build context matches \"a/nine/*\""])
    }

    @Test func `names of one file stay one file, however many sources name them`() throws {
        let fixture = try fixture()
        let manager = FileManager.default
        try fixture.write("x", "same")
        try manager.linkItem(atPath: fixture.context + "/x", toPath: fixture.context + "/y")
        try manager.linkItem(atPath: fixture.context + "/x", toPath: fixture.context + "/a/z")
        let built = try fixture.build("FROM base\nCOPY x y a /d/")
        let links = try ["/d/x", "/d/y", "/d/z"].map {
            try #require(try fixture.node($0, in: built.tree)?.hardLink)
        }
        #expect(Set(links.map(\.identifier)).count == 1)
        #expect(links[0].count == 3)
    }

    /// The first name is replaced by another file before the second one comes.
    @Test func `a name that was overwritten lends its content to no other`() throws {
        let fixture = try fixture()
        try fixture.write("p/x", "linked")
        try fixture.write("q/x", "other")
        try FileManager.default.linkItem(
            atPath: fixture.context + "/p/x", toPath: fixture.context + "/y")
        let built = try fixture.build("FROM base\nCOPY p q y /d/")
        #expect(
            try fixture.listing(built.tree) == [
                "/d/ 755 0:0", "/d/x 644 0:0 other", "/d/y 644 0:0 linked",
            ])
    }

    @Test func `--link keeps the directories that are there`() throws {
        let fixture = try fixture(image: ["etc/kept": "k"])
        let built = try fixture.build("FROM base\nCOPY --link --chown=5 top.txt /etc/new/")
        #expect(
            try fixture.listing(built.tree) == [
                "/etc/ 755 0:0", "/etc/kept 644 0:0 k", "/etc/new/ 755 5:5",
                "/etc/new/top.txt 644 5:5 T",
            ])
    }

    @Test func `SOURCE_DATE_EPOCH holds for what RUN changes, not for what was there`() throws {
        let fixture = try fixture(image: ["old": "o"])
        // The base's files are of second 5 and 7, the executor's of second 1,000,000.
        let built = try fixture.build("FROM base\nRUN write /d/new x") {
            $0.timestamp = 6
        }
        #expect(
            try fixture.node("/d/new", in: built.tree)?.attributes.modificationTime
                == NodeTime(seconds: 6))
        #expect(
            try fixture.node("/old", in: built.tree)?.attributes.modificationTime
                == NodeTime(seconds: 5))
        #expect(built.config.created?.unixSeconds == 6)
        let other = try fixture.build("FROM base\nRUN write /d/new x") { $0.timestamp = 7 }
        #expect(other.observer.outcomes == ["done", "done"])
    }
}
