import Testing

@testable import Engine

@Suite("Paths and names that cp is given")
struct CopyPathTests {
    @Test(
        "are cleaned as text, and say by their end what is meant",
        arguments: [
            ("/", [], .slash), ("/.", [], .dot), ("/a/b", ["a", "b"], .name),
            ("/a//b/", ["a", "b"], .slash), ("/a/.", ["a"], .dot), ("/a/./", ["a"], .dot),
            ("/a/../b", ["b"], .name), ("/../..", [], .name), ("/a/..", [], .name),
            ("/./a", ["a"], .name), ("/a:b/c.", ["a:b", "c."], .name),
        ] as [(String, [String], CopyPath.Ending)])
    func cleaning(_ text: String, _ names: [String], _ ending: CopyPath.Ending) {
        let path = CopyPath(text)
        #expect(path.names == names.map { Array($0.utf8) })
        #expect(path.ending == ending)
        #expect(path.bytes == Array(("/" + names.joined(separator: "/")).utf8))
    }

    @Test func `a root and a dot mean what is in the directory`() {
        #expect(CopyPath("/").meansContents)
        #expect(CopyPath("/a/.").meansContents)
        #expect(!CopyPath("/a/").meansContents)
        #expect(CopyPath("/a/").assertsDirectory && CopyPath("/a/.").assertsDirectory)
        #expect(!CopyPath("/a").assertsDirectory)
        #expect(CopyPath("/a/b/").description == "/a/b/")
        #expect(CopyPath("/.").description == "/.")
    }

    @Test(
        "are the host's when they begin with a slash or a dot, whatever colons they have",
        arguments: ["/a:b", "./a:b", "../a:b", ".hidden:x", "plain", "a/b", ""])
    func host(_ text: String) {
        #expect(CopyArgument(text) == .host(text))
    }

    @Test(
        "name a container before the first colon, or an image before others",
        arguments: [
            ("web:/etc", [("web", "/etc")]), ("web:etc", [("web", "etc")]),
            ("web:", [("web", "")]),
            ("web:/a:b", [("web", "/a:b"), ("web:/a", "b")]),
            ("debian:12:/etc", [("debian", "12:/etc"), ("debian:12", "/etc")]),
            (
                "localhost:5000/a:1:/b",
                [
                    ("localhost", "5000/a:1:/b"), ("localhost:5000/a:1", "/b"),
                    ("localhost:5000/a", "1:/b"),
                ]
            ),
            (
                "debian:12:etc/passwd",
                [("debian", "12:etc/passwd"), ("debian:12", "etc/passwd")]
            ),
        ] as [(String, [(String, String)])])
    func places(_ text: String, _ splits: [(String, String)]) {
        #expect(
            CopyArgument(text)
                == .place(splits.map { CopyArgument.Split(owner: $0.0, path: $0.1) }))
    }

    @Test func `a dash is a stream`() { #expect(CopyArgument("-") == .stream) }
}
