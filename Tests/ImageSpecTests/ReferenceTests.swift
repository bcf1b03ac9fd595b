import Testing

@testable import ImageSpec

private let digits = String(repeating: "0123456789abcdef", count: 4)

@Suite struct ReferenceTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let canonical: String
        let familiar: String
        var tag: String?
        var hasDigest = false
        var testDescription: String { text }

        init(
            _ text: String, _ canonical: String, _ familiar: String, tag: String? = "latest",
            hasDigest: Bool = false
        ) {
            self.text = text
            self.canonical = canonical
            self.familiar = familiar
            self.tag = tag
            self.hasDigest = hasDigest
        }
    }

    @Test(arguments: [
        Case("debian", "docker.io/library/debian:latest", "debian:latest"),
        Case(
            "debian:bookworm", "docker.io/library/debian:bookworm", "debian:bookworm",
            tag: "bookworm"),
        Case("library/debian", "docker.io/library/debian:latest", "debian:latest"),
        Case("docker.io/debian", "docker.io/library/debian:latest", "debian:latest"),
        Case("index.docker.io/debian", "docker.io/library/debian:latest", "debian:latest"),
        Case("docker.io/library/debian", "docker.io/library/debian:latest", "debian:latest"),
        Case("org/name", "docker.io/org/name:latest", "org/name:latest"),
        Case("library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"),
        Case("ghcr.io/org/name:tag", "ghcr.io/org/name:tag", "ghcr.io/org/name:tag", tag: "tag"),
        Case("localhost/name", "localhost/name:latest", "localhost/name:latest"),
        Case("localhost:5000/name", "localhost:5000/name:latest", "localhost:5000/name:latest"),
        Case("localhost", "docker.io/library/localhost:latest", "localhost:latest"),
        Case("localhost:5000", "docker.io/library/localhost:5000", "localhost:5000", tag: "5000"),
        Case("LOCAL/name", "LOCAL/name:latest", "LOCAL/name:latest"),
        Case("[::1]:5000/a/b", "[::1]:5000/a/b:latest", "[::1]:5000/a/b:latest"),
        Case("[2001:db8::1]/a", "[2001:db8::1]/a:latest", "[2001:db8::1]/a:latest"),
        Case(
            "192.168.1.1:80/a__b-c---d.e", "192.168.1.1:80/a__b-c---d.e:latest",
            "192.168.1.1:80/a__b-c---d.e:latest"),
        Case("a:_x.Y-9", "docker.io/library/a:_x.Y-9", "a:_x.Y-9", tag: "_x.Y-9"),
        Case(
            "debian@sha256:\(digits)", "docker.io/library/debian@sha256:\(digits)",
            "debian@sha256:\(digits)", tag: nil, hasDigest: true),
        Case(
            "debian:12@sha256:\(digits)", "docker.io/library/debian:12@sha256:\(digits)",
            "debian:12@sha256:\(digits)", tag: "12", hasDigest: true),
        Case("xn--7o8h.com/myimage", "xn--7o8h.com/myimage:latest", "xn--7o8h.com/myimage:latest"),
        Case("\(digits)0", "docker.io/library/\(digits)0:latest", "\(digits)0:latest"),
    ])
    func `a reference is completed as Docker completes it`(_ row: Case) throws {
        let reference = try Reference(parsing: row.text)
        #expect(reference.canonical == row.canonical)
        #expect(reference.familiarName == row.familiar)
        #expect(reference.tag == row.tag)
        #expect((reference.digest != nil) == row.hasDigest)
        #expect(try Reference(parsing: reference.canonical) == reference)
        #expect(try Reference(parsing: reference.familiarName) == reference)
    }

    @Test(
        arguments: [
            ("", ImageSpecError.Code.invalidReference, "the image reference is empty"),
            ("Debian", .invalidReference, "repository name (library/Debian) must be lowercase"),
            (
                "docker.io/Org/name", .invalidReference,
                "repository name (Org/name) must be lowercase"
            ),
            ("ghcr.io/a:", .invalidReference, "\"\" is no tag"),
            ("a:.x", .invalidReference, "\".x\" is no tag"),
            ("a:b:c", .invalidReference, "\"b:c\" is no tag"),
            ("a//b", .invalidReference, "\"a//b\" has an empty part in its name"),
            ("/a", .invalidReference, "\"/a\" has an empty part in its name"),
            ("a/", .invalidReference, "\"a/\" has an empty part in its name"),
            ("a_-b", .invalidReference, "\"a_-b\" is no part of a repository name"),
            ("a___b", .invalidReference, "\"a___b\" is no part of a repository name"),
            ("a..b/c/d", .invalidReference, "\"a..b\" is no registry's host name"),
            ("-a/b", .invalidReference, "\"-a\" is no part of a repository name"),
            ("a b", .invalidReference, "\"a b\" is no part of a repository name"),
            ("../etc", .invalidReference, "\"..\" is no registry's host name"),
            ("host:port/a", .invalidReference, "\"host:port\" is no registry's host name"),
            ("é", .invalidReference, "\"é\" is no part of a repository name"),
            (digits, .invalidReference, "\"\(digits)\" is an image ID, not a name"),
            ("a@sha256:12", .invalidDigest, "\"sha256:12\" is no digest"),
            ("a@", .invalidDigest, "\"\" is no digest"),
            (
                "a@sha256:\(digits.uppercased())", .invalidDigest,
                "\"sha256:\(digits.uppercased())\" is no digest"
            ),
            (
                "a@sha512:\(digits)\(digits)", .unsupportedDigest,
                "the digest algorithm sha512 is not supported"
            ),
        ] as [(String, ImageSpecError.Code, String)])
    func `a malformed reference is refused with its reason`(
        _ text: String, _ code: ImageSpecError.Code, _ message: String
    ) throws {
        let error = try #require(throws: ImageSpecError.self) { try Reference(parsing: text) }
        #expect(error.code == code)
        #expect(error.message == message)
        #expect(error.subject == text)
    }

    @Test func `names and tags have a greatest length`() throws {
        let name = String(repeating: "a", count: 247)
        #expect(try Reference(parsing: name).path.count == 255)
        #expect(throws: ImageSpecError.self) { try Reference(parsing: name + "a") }
        let tag = String(repeating: "t", count: 128)
        #expect(try Reference(parsing: "a:" + tag).tag == tag)
        #expect(throws: ImageSpecError.self) { try Reference(parsing: "a:t" + tag) }
    }
}

@Suite struct ImageSelectorTests {
    @Test func `a whole ID is an ID`() throws {
        let id = ImageID(try #require(Digest(hex: digits)))
        for text in [digits, "sha256:\(digits)"] {
            let selector = try ImageSelector(parsing: text)
            #expect(selector.imageID == id)
            #expect(selector.reference == nil)
            #expect(selector.matches(id))
        }
    }

    @Test(arguments: [("0", true), ("0123", true), ("1", false)])
    func `hex digits are both a name and the start of an ID`(_ text: String, _ matches: Bool) throws
    {
        let id = ImageID(try #require(Digest(hex: digits)))
        let selector = try ImageSelector(parsing: text)
        #expect(selector.idPrefix == text)
        #expect(selector.reference?.familiarName == "\(text):latest")
        #expect(selector.matches(id) == matches)
    }

    @Test func `the start of an ID with its algorithm is no name`() throws {
        let selector = try ImageSelector(parsing: "sha256:0123")
        #expect(selector.reference == nil)
        #expect(selector.idPrefix == "0123")
    }

    @Test func `a name is no ID`() throws {
        let selector = try ImageSelector(parsing: "debian")
        #expect(selector.idPrefix == nil)
        #expect(!selector.matches(ImageID(Digest(of: []))))
        #expect(throws: ImageSpecError.self) { try ImageSelector(parsing: "Debian") }
    }
}
