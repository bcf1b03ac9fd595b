import Builder
import Dockerfile
import FileTree
import Foundation
import ImageSpec
import LinuxIO
import Store
import Testing

@Suite("COPY and ADD")
struct CopyTests {
    /// A context and what an instruction makes of it.
    struct Case: CustomTestStringConvertible {
        var line: String
        var expected: [String]
        /// Of the base image: paths with a slash at the end are directories.
        var image: [String: String] = [:]
        var links: [String: String] = [:]
        var testDescription: String { line }
    }

    @Test func `a link that leads out of the context is not suggested in its own place`() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        try fixture.link("abs", to: "/nowhere/at/all")
        let error = try fixture.failure("FROM base\nCOPY abs /x")
        #expect(error.code == .sourceNotFound)
        #expect(error.hint == "\"/abs\" is a symbolic link, and what it leads to is not there")
    }

    static let cases: [Case] = [
        Case(line: "COPY a.txt /", expected: ["/a.txt 644 0:0 A"]),
        Case(line: "COPY a.txt /b", expected: ["/b 644 0:0 A"]),
        Case(
            line: "COPY a.txt /x/y/b",
            expected: ["/x/ 755 0:0", "/x/y/ 755 0:0", "/x/y/b 644 0:0 A"]),
        Case(line: "COPY a.txt /x/", expected: ["/x/ 755 0:0", "/x/a.txt 644 0:0 A"]),
        Case(line: "COPY a.txt /x/.", expected: ["/x/ 755 0:0", "/x/a.txt 644 0:0 A"]),
        Case(line: "COPY a.txt .", expected: ["/a.txt 644 0:0 A"]),
        Case(line: "COPY ../../a.txt ../up", expected: ["/up 644 0:0 A"]),
        Case(
            line: "COPY a.txt run.sh /x/",
            expected: ["/x/ 755 0:0", "/x/a.txt 644 0:0 A", "/x/run.sh 755 0:0 R"]),
        Case(
            line: "COPY *.txt /x/",
            expected: ["/x/ 755 0:0", "/x/a.txt 644 0:0 A", "/x/b.txt 644 0:0 B"]),
        Case(
            line: "COPY [\"a.txt\", \"/with space/\"]",
            expected: ["/with space/ 755 0:0", "/with space/a.txt 644 0:0 A"]),
        Case(
            line: "COPY ?.txt /x/",
            expected: ["/x/ 755 0:0", "/x/a.txt 644 0:0 A", "/x/b.txt 644 0:0 B"]),
        Case(line: "COPY dir/*/deep /x/", expected: ["/x/ 755 0:0", "/x/deep 644 0:0 D"]),
        Case(line: "COPY nothing*.here a.txt /", expected: ["/a.txt 644 0:0 A"]),
        // The content of a directory, not the directory; its own attributes stay behind.
        Case(
            line: "COPY dir /x",
            expected: ["/x/ 755 0:0", "/x/f 600 0:0 F", "/x/sub/ 700 0:0", "/x/sub/deep 644 0:0 D"]),
        Case(
            line: "COPY dir/ /x/",
            expected: ["/x/ 755 0:0", "/x/f 600 0:0 F", "/x/sub/ 700 0:0", "/x/sub/deep 644 0:0 D"]),
        Case(
            line: "COPY d* /x/",
            expected: ["/x/ 755 0:0", "/x/f 600 0:0 F", "/x/sub/ 700 0:0", "/x/sub/deep 644 0:0 D"]),
        Case(
            line: "COPY dir empty /x",
            expected: ["/x/ 755 0:0", "/x/f 600 0:0 F", "/x/sub/ 700 0:0", "/x/sub/deep 644 0:0 D"]),
        Case(line: "COPY empty /x", expected: ["/x/ 755 0:0"]),
        // Links: one that is named is followed, one inside a directory is copied.
        Case(line: "COPY link /x", expected: ["/x 644 0:0 A"]),
        Case(line: "COPY link /x/", expected: ["/x/ 755 0:0", "/x/link 644 0:0 A"]),
        Case(
            line: "COPY dirlink /x",
            expected: ["/x/ 755 0:0", "/x/f 600 0:0 F", "/x/sub/ 700 0:0", "/x/sub/deep 644 0:0 D"]),
        Case(line: "COPY links /x", expected: ["/x/ 755 0:0", "/x/in 777 0:0 -> ../a.txt"]),
        // Owners and modes.
        Case(line: "COPY --chown=7 a.txt /x/", expected: ["/x/ 755 7:7", "/x/a.txt 644 7:7 A"]),
        Case(
            line: "COPY --chown=7:8 dir /x",
            expected: ["/x/ 755 7:8", "/x/f 600 7:8 F", "/x/sub/ 700 7:8", "/x/sub/deep 644 7:8 D"]),
        Case(
            line: "COPY --chmod=750 dir /x",
            expected: ["/x/ 750 0:0", "/x/f 750 0:0 F", "/x/sub/ 750 0:0", "/x/sub/deep 750 0:0 D"]),
        Case(
            line: "COPY --chmod=1666 a.txt /x/y/",
            expected: ["/x/ 644 0:0", "/x/y/ 644 0:0", "/x/y/a.txt 1666 0:0 A"]),
        Case(
            line: "COPY --chmod=u=rwX,go= dir /x",
            expected: ["/x/ 755 0:0", "/x/f 600 0:0 F", "/x/sub/ 700 0:0", "/x/sub/deep 600 0:0 D"]),
        Case(line: "COPY --chmod=4755 a.txt /x", expected: ["/x 4755 0:0 A"]),
        Case(line: "COPY --chmod=$no --chown=$no a.txt /x", expected: ["/x 644 0:0 A"]),
        Case(line: "COPY --exclude=sub dir /x", expected: ["/x/ 755 0:0", "/x/f 600 0:0 F"]),
        Case(line: "COPY --exclude=b* *.txt /", expected: ["/a.txt 644 0:0 A"]),
        // A directory that a wildcard found loses what is in it, never itself.
        Case(
            line: "COPY --exclude=d* d* /x/",
            expected: [
                "/x/ 755 0:0", "/x/f 600 0:0 F", "/x/sub/ 700 0:0", "/x/sub/deep 644 0:0 D",
            ]),
        Case(
            line: "COPY --exclude=d* --exclude=**/d* di* /x/",
            expected: [
                "/x/ 755 0:0", "/x/f 600 0:0 F", "/x/sub/ 700 0:0",
            ]),
        Case(line: "ADD --exclude=* dir* /x", expected: ["/x/ 755 0:0"]),
        Case(line: "COPY --exclude=* e* /x/", expected: ["/x/ 755 0:0"]),
        Case(
            line: "COPY --chown=4294967294:3000000000 a.txt /x",
            expected: ["/x 644 4294967294:3000000000 A"]),
        // Heredocs.
        Case(
            line: "COPY <<one <<two /x/\n1\none\n2\ntwo",
            expected: ["/x/ 755 0:0", "/x/one 644 0:0 1\n", "/x/two 644 0:0 2\n"]),
        Case(line: "COPY <<EOF /x\nhello\nEOF", expected: ["/x 644 0:0 hello\n"]),
        Case(line: "COPY << EOF /x\nhello\nEOF", expected: ["/x 644 0:0 hello\n"]),
        // Into what is there.
        Case(
            line: "COPY a.txt /d", expected: ["/d/ 755 0:0", "/d/a.txt 644 0:0 A"],
            image: ["d/": ""]),
        Case(line: "COPY a.txt /f", expected: ["/f 644 0:0 A"], image: ["f": "old"]),
        Case(
            line: "COPY dir /d",
            expected: [
                "/d/ 755 0:0", "/d/f 600 0:0 F", "/d/kept 644 0:0 k", "/d/sub/ 700 0:0",
                "/d/sub/deep 644 0:0 D", "/d/sub/old 644 0:0 o",
            ], image: ["d/kept": "k", "d/f": "old", "d/sub/old": "o"]),
        Case(
            line: "COPY a.txt /l/b",
            expected: ["/l 777 0:0 -> real", "/real/ 755 0:0", "/real/b 644 0:0 A"],
            image: ["real/": ""], links: ["l": "real"]),
        Case(
            line: "COPY a.txt /l",
            expected: ["/l 777 0:0 -> real", "/real/ 755 0:0", "/real/a.txt 644 0:0 A"],
            image: ["real/": ""], links: ["l": "real"]),
        Case(
            line: "COPY a.txt /l", expected: ["/l 777 0:0 -> /real", "/real 644 0:0 A"],
            links: ["l": "/real"]),
        Case(
            line: "COPY a.txt /l/x",
            expected: ["/l 777 0:0 -> ../../out", "/out/ 755 0:0", "/out/x 644 0:0 A"],
            links: ["l": "../../out"]),
        Case(
            line: "COPY --link a.txt /l/x",
            expected: ["/l/ 755 0:0", "/l/x 644 0:0 A", "/real/ 755 0:0"], image: ["real/": ""],
            links: ["l": "real"]),
        // With a mode it is an ordinary copy.
        Case(
            line: "COPY --link --chmod=640 a.txt /l/x",
            expected: ["/l 777 0:0 -> real", "/real/ 755 0:0", "/real/x 640 0:0 A"],
            image: ["real/": ""], links: ["l": "real"]),
        // A link at the place of a copied file is replaced, not written through.
        Case(
            line: "COPY a.txt b.txt /d/",
            expected: ["/d/ 755 0:0", "/d/a.txt 644 0:0 A", "/d/b.txt 644 0:0 B", "/t 644 0:0 t"],
            image: ["d/": "", "t": "t"], links: ["d/b.txt": "/t"]),
    ]

    private func fixture(_ example: Case? = nil) throws -> BuildFixture {
        let fixture = try BuildFixture()
        try fixture.write("a.txt", "A")
        try fixture.write("b.txt", "B")
        try fixture.write("run.sh", "R", mode: 0o755)
        try fixture.write("dir/f", "F", mode: 0o600)
        try fixture.write("dir/sub/deep", "D")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o700], ofItemAtPath: fixture.context + "/dir/sub")
        try FileManager.default.createDirectory(
            atPath: fixture.context + "/empty", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(
            atPath: fixture.context + "/links", withIntermediateDirectories: true)
        try fixture.link("links/in", to: "../a.txt")
        try fixture.link("link", to: "a.txt")
        try fixture.link("dirlink", to: "dir")
        try fixture.makeImage("base", files: example?.image ?? [:], links: example?.links ?? [:])
        return fixture
    }

    @Test("what is where afterwards", arguments: cases)
    func matrix(_ example: Case) throws {
        let fixture = try fixture(example)
        let built = try fixture.build("FROM base\n\(example.line)")
        #expect(try fixture.listing(built.tree) == example.expected)
        #expect(built.config.diffIDs.count == 2)
    }

    @Test(
        "what cannot be",
        arguments: [
            (
                "COPY missing /x", BuildError.Code.sourceNotFound,
                "\"/missing\" is not in the build context"
            ),
            (
                "COPY missing/sub/*.txt /x/", .sourceNotFound,
                "\"/missing/sub\" is not in the build context"
            ),
            ("COPY A.txt /x", .sourceNotFound, "\"/A.txt\" is not in the build context"),
            ("COPY a.txt/x /x", .sourceNotFound, "\"/a.txt/x\" is not in the build context"),
            ("COPY a.txt /f/x", .invalidDestination, "/f is no directory"),
            ("COPY dir /f", .invalidDestination, "cannot copy to non-directory: /f"),
            ("COPY dir /", .invalidDestination, "cannot copy to non-directory: /sub"),
            (
                "COPY --chown=nobody a.txt /x", .invalidArgument,
                "the image has no user \"nobody\" in its /etc/passwd"
            ),
            (
                "COPY --chown=4294967295 a.txt /x", .invalidArgument,
                "4294967295 is out of range: ids go up to 4294967294"
            ),
            (
                "COPY --chmod=9 a.txt /x", .invalidArgument,
                "invalid chmod parameter: '9'. it should be octal string and between 0 and 07777"
            ),
            ("COPY --from=ghost a /x", .imageNotFound, "the store has no image ghost:latest"),
        ])
    func refusals(_ line: String, _ code: BuildError.Code, _ message: String) throws {
        let fixture = try fixture(
            Case(line: line, expected: [], image: ["f": "file"], links: ["sub": "/tmp"]))
        let error = try fixture.failure("FROM base\n\(line)")
        #expect(error.code == code)
        #expect(error.message == message)
        #expect(error.range?.start.line == 2)
    }

    @Test("a misspelt source has a suggestion, an ignored one its line")
    func hints() throws {
        let fixture = try fixture()
        #expect(try fixture.failure("FROM base\nCOPY A.txt /").hint == "did you mean /a.txt?")
        #expect(try fixture.failure("FROM base\nCOPY dir/g /").hint == nil)
        try fixture.write(".dockerignore", "# nothing\n*.txt\n!b.txt\n")
        #expect(
            try fixture.failure("FROM base\nCOPY a.txt /").hint
                == ".dockerignore leaves it out: \"*.txt\" on line 2")
        _ = try fixture.build("FROM base\nCOPY b.txt /")
    }

    @Test("names of --chown are the image's own")
    func accounts() throws {
        let fixture = try fixture(
            Case(
                line: "", expected: [],
                image: [
                    "etc/passwd": "root:x:0:0::/:/bin/sh\napp:x:1000:1001::/:/bin/sh\n",
                    "etc/group": "staff:x:50:\n",
                ]))
        let built = try fixture.build(
            """
            FROM base
            COPY --chown=app a.txt /1
            COPY --chown=app:staff a.txt /2
            COPY --chown=root:9 a.txt /3
            COPY --chown=:staff a.txt /4
            """)
        let owners = try ["1", "2", "3", "4"].map { name in
            let attributes = try fixture.node(name, in: built.tree)?.attributes
            return "\(attributes?.userID ?? 99):\(attributes?.groupID ?? 99)"
        }
        #expect(owners == ["1000:1001", "1000:50", "0:9", "0:50"])
    }

    @Test(
        "what would stand deeper than a path may be is refused, shared or copied one by one",
        arguments: ["", "--chown=7 "])
    func depth(_ flag: String) throws {
        let fixture = try BuildFixture()
        // The longest path there is.
        let deep = Array(repeating: "d", count: TreePath.maximumDepth - 1) + ["f"]
        try fixture.makeImage("deep", files: [deep.joined(separator: "/"): "F"])
        let built = try fixture.build("FROM scratch\nCOPY \(flag)--from=deep /d /e")
        let moved = (["e"] + deep.dropFirst()).joined(separator: "/")
        #expect(try fixture.node(moved, in: built.tree) != nil)
        let error = try fixture.failure("FROM scratch\nCOPY \(flag)--from=deep /d /x/d")
        #expect((error.cause as? FileTreeError)?.code == .tooDeep, "\(error)")
    }

    @Test("files keep their time, made directories have that of their parent")
    func times() throws {
        let fixture = try fixture(Case(line: "", expected: [], image: ["d/": ""]))
        try fixture.write("old", "x", mtime: 1_234_567_890)
        let tree = try fixture.build("FROM base\nCOPY old /d/e/old").tree
        #expect(
            try fixture.node("d/e/old", in: tree)?.attributes.modificationTime
                == NodeTime(seconds: 1_234_567_890))
        #expect(
            try fixture.node("d/e", in: tree)?.attributes.modificationTime == NodeTime(seconds: 7))
    }

    @Test("a directory whose content is copied gives the destination its time, a root does not")
    func directoryTimes() throws {
        let fixture = try fixture(Case(line: "", expected: [], image: ["d/": "", "e/": ""]))
        try fixture.write("dir/f", "x")
        try fixture.setTime("dir", 1_234_567_890)
        let tree = try fixture.build(
            """
            FROM base
            COPY dir /d
            COPY dir /made
            COPY . /e
            COPY --link dir /linked/here
            """
        ).tree
        func time(_ path: String) throws -> Int64? {
            try fixture.node(path, in: tree)?.attributes.modificationTime.seconds
        }
        #expect(try time("d") == 1_234_567_890)
        #expect(try time("made") == 1_234_567_890)
        #expect(try time("e") == 7)
        #expect(try time("linked/here") == 1_234_567_890)
        #expect(try time("linked") == time(""))
    }

    @Test("SOURCE_DATE_EPOCH is the time of everything that is copied or made")
    func epoch() throws {
        let fixture = try fixture()
        func build() throws -> BuildFixture.Outcome {
            try fixture.build("FROM scratch\nCOPY dir /x\nWORKDIR /w") {
                $0.buildArguments = [BuildArgument(name: "SOURCE_DATE_EPOCH", value: "99")]
            }
        }
        let built = try build()
        for path in ["x", "x/f", "x/sub", "w"] {
            #expect(
                try fixture.node(path, in: built.tree)?.attributes.modificationTime
                    == NodeTime(seconds: 99))
        }
        #expect(built.config.created == Timestamp(unixSeconds: 99))
        #expect(built.observer.warnings.isEmpty)
        let error = try fixture.failure("FROM scratch") {
            $0.buildArguments = [BuildArgument(name: "SOURCE_DATE_EPOCH", value: "context")]
        }
        #expect(error.code == .invalidArgument)
        #expect(error.hint?.contains("times of contexts and stages") == true)
    }

    @Test("hard links within a directory of the context stay links in the image")
    func directoryLinks() throws {
        let fixture = try fixture()
        for name in ["dir/again", "dir/sub/third"] {
            try FileManager.default.linkItem(
                atPath: fixture.context + "/dir/f", toPath: fixture.context + "/" + name)
        }
        let built = try fixture.build("FROM scratch\nCOPY dir /x\nCOPY dir/sub /y")
        func link(_ path: String) throws -> HardLink? {
            try fixture.node(path, in: built.tree)?.hardLink
        }
        #expect(try link("x/f")?.count == 3)
        #expect(try link("x/again") == link("x/f"))
        #expect(try link("x/sub/third") == link("x/f"))
        // The only name of its file that this COPY brings.
        #expect(try link("y/third") == nil)
        #expect(try fixture.node("y/third", in: built.tree) != nil)
    }

    @Test("hard links of a stage stay links among what one source brings, and join no others")
    func hardLinks() throws {
        let fixture = try fixture()
        try fixture.makeImage("linked", files: ["d/one": "1"], hardLinks: ["d/two": "d/one"])
        let built = try fixture.build(
            """
            FROM linked
            COPY --from=linked /d /copy
            COPY --from=linked /d/one /alone
            """)
        func group(_ path: String) throws -> HardLink? {
            try fixture.node(path, in: built.tree)?.hardLink
        }
        #expect(try group("d/one")?.count == 2)
        #expect(try group("d/one") == group("d/two"))
        #expect(try group("copy/one")?.count == 2)
        #expect(try group("copy/one") == group("copy/two"))
        #expect(try group("copy/one") != group("d/one"))
        #expect(try group("alone") == nil)
    }

    @Test("names need not be UTF-8, also where patterns leave some out")
    func bytes() throws {
        let fixture = try fixture()
        let name: [UInt8] = [0x66, 0xFF]
        let directory = try OwnedDescriptor(
            opening: fixture.context + "/empty", [.readOnly, .directory])
        for name in [name, [0xFE]] {
            _ = try OwnedDescriptor(
                opening: name, in: directory.rawValue, [.writeOnly, .create])
        }
        let built = try fixture.build("FROM scratch\nCOPY --exclude=f* empty /x\nCOPY empty /y")
        func names(_ path: String) throws -> [[UInt8]] {
            guard let reference = try fixture.node(path, in: built.tree)?.directory else {
                return []
            }
            return try fixture.store.directory(reference.id).entries.map(\.name.bytes)
        }
        #expect(try names("x") == [[0xFE]])
        #expect(try names("y") == [name, [0xFE]])
    }

    @Test("a large file comes from another file system too", .enabled(if: Self.hasSharedMemory))
    func otherFileSystem() throws {
        let fixture = try fixture()
        let place = "/dev/shm/vitrine-builder-\(UInt64.random(in: .min ... .max))"
        try HostDirectory.makeAll(place)
        defer { try? HostDirectory.removeAll(place) }  // it is in memory
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let file = try OwnedDescriptor(opening: place + "/big", [.writeOnly, .create])
        try DescriptorIO.writeAll(file.rawValue, bytes)
        let built = try fixture.build("FROM scratch\nCOPY big /", context: .directory(place))
        #expect(
            try fixture.node("big", in: built.tree)?.content
                == .file(FileContent(digest: Digest(of: bytes), sizeBytes: 3_000_000)))
    }

    private static let hasSharedMemory = HostDirectory.exists("/dev/shm")

    @Test("history names flags, sources and destination as they were after expansion")
    func history() throws {
        let fixture = try fixture()
        let built = try fixture.build(
            """
            FROM base
            ARG to=/x/
            COPY --chown=1:2 --chmod=0640 a.txt b.txt $to
            ADD <<EOF /y
            text
            EOF
            """)
        #expect(
            built.history == [
                "ARG to=/x/", "COPY --chown=1:2 --chmod=0640 a.txt b.txt /x/ # buildkit",
                "ADD <<EOF /y # buildkit",
            ])
    }

    @Test("a wildcard without a match copies nothing and says so")
    func noMatch() throws {
        let fixture = try fixture()
        let built = try fixture.build("FROM base\nCOPY *.none /x/")
        #expect(built.observer.warnings == ["nothing in the build context matches \"*.none\""])
        #expect(try fixture.listing(built.tree).isEmpty)
    }

    @Test func `of several sources that become one file the last is left, which is told`() throws {
        let fixture = try BuildFixture()
        try fixture.write("a", "A")
        try fixture.write("b", "B")
        let built = try fixture.build("FROM scratch\nCOPY a b /x")
        #expect(try fixture.listing(built.tree) == ["/x 644 0:0 B"])
        #expect(built.observer.warnings.count == 1)
        #expect(
            built.observer.warnings.first?.contains("several sources became the one file") == true)
    }

    @Test func `attributes that say something of a file of the context are kept`() throws {
        let fixture = try BuildFixture()
        try fixture.write("dir/f", "F")
        for path in ["dir", "dir/f"] {
            let file = try OwnedDescriptor(opening: fixture.context + "/" + path, .readOnly)
            try HostAttributes.set(Array("user.k".utf8), to: [1, 2], on: file.rawValue)
        }
        for _ in 0..<2 {
            let tree = try fixture.build("FROM scratch\nCOPY . /to/").tree
            for path in ["/to/dir", "/to/dir/f"] {
                let node = try fixture.store.resolve(try TreePath(path), in: tree)?.node
                #expect(node?.attributes.extendedAttributes[Array("user.k".utf8)] == [1, 2])
            }
        }
    }
}
