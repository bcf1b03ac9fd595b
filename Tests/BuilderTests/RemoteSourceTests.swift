import Builder
import Testing

@Suite("Sources of other hosts")
struct RemoteSourceTests {
    static let repositories: [(String, String, String?, String?)] = [
        ("https://h/r.git", "https://h/r.git", nil, nil),
        ("https://h/r.git#main", "https://h/r.git", "main", nil),
        ("https://h/r.git#main:a/b", "https://h/r.git", "main", "a/b"),
        ("http://h/r.git#:a", "http://h/r.git", nil, "a"),
        ("git://h/r", "git://h/r", nil, nil), ("ssh://git@h/r#x", "ssh://git@h/r", "x", nil),
        ("git@h:o/r.git#x:y", "git@h:o/r.git", "x", "y"), ("me@h:r", "me@h:r", nil, nil),
        (
            "https://h/r.git?branch=b&subdir=s", "https://h/r.git", "refs/heads/b", "s"
        ),
        ("https://h/r.git?tag=t", "https://h/r.git", "refs/tags/t", nil),
        ("https://h/r.git?checksum=1234567", "https://h/r.git", "1234567", nil),
        ("https://h/r.git?commit=1#main", "https://h/r.git", "main", nil),
    ]

    @Test(arguments: repositories)
    func `a repository with its reference and directory`(
        _ text: String, _ remote: String, _ reference: String?, _ directory: String?
    ) throws {
        let found = try #require(try GitReference(parsing: text))
        #expect(found.remote == remote)
        #expect(found.reference == reference)
        #expect(found.subdirectory == directory)
    }

    @Test(arguments: [
        "https://h/r.tar", "https://h/r.git/x", "a/b", "./git@h:x", "file:///r.git", "@h:r", "a@:r",
        "https://r.git", "ftp://h/r.git",
    ])
    func `what is no repository`(_ text: String) throws {
        #expect(try GitReference(parsing: text) == nil)
    }

    @Test(arguments: [
        ("https://h/r.git?a=b", "\"a\" means nothing"),
        ("https://h/r.git?branch=", "\"branch\" has no value"),
        ("https://h/r.git?ref=a&ref=b", "\"ref\" is given twice"),
        ("https://h/r.git?ref=a#b", "ref is both \"b\" and \"a\""),
        ("https://h/r.git?tag=a&branch=b", "ref is both"),
        ("https://h/r.git?submodules=maybe", "submodules is true or false"),
        ("https://h/r.git?commit=xyz", "\"xyz\" is no commit"),
        ("https://h/r.git#-x", "it holds what no name"), ("https://h/r.git#a b", "it holds what"),
        ("ssh://-oProxyCommand=x/r", "it holds what"), ("-x@h:r", "it holds what"),
        ("https://h/r.git#a..b", "it holds what"),
    ])
    func `a repository that is named wrongly`(_ text: String, _ words: String) throws {
        let error = try #require(throws: BuildError.self) { try GitReference(parsing: text) }
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(words), "\(error)")
    }

    @Test func `passwords are in no message`() throws {
        let reference = try #require(try GitReference(parsing: "https://u:secret@h/r.git#x"))
        #expect("\(reference)" == "https://u:xxxxx@h/r.git#x")
        let error = try #require(throws: BuildError.self) {
            try GitReference(parsing: "https://u:secret@h/r.git?a=b")
        }
        #expect(!error.message.contains("secret"))
    }

    @Test func `a context may be named as Docker's users do`() throws {
        guard case .repository(let short)? = try RemoteSource(context: "github.com/o/r#v1:d") else {
            Issue.record("it is no repository")
            return
        }
        #expect(short.remote == "https://github.com/o/r.git")
        #expect(short.reference == "v1")
        #expect(try RemoteSource("github.com/o/r") == nil)
        guard case .file(let address)? = try RemoteSource("https://h/r.tar.gz") else {
            Issue.record("it is no file")
            return
        }
        #expect("\(address)" == "https://h/r.tar.gz")
        #expect(throws: BuildError.self) { try RemoteSource("http://a b/") }
    }
}
