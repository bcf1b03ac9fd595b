import Testing

@testable import Dockerfile

@Suite("Glob patterns")
struct GlobPatternTests {
    @Test(
        "a file name pattern matches as Go's filepath.Match",
        arguments: [
            ("abc", "abc", true), ("*", "abc", true), ("*c", "abc", true), ("a*", "a", true),
            ("a*", "abc", true), ("a*", "ab/c", false), ("a*/b", "abc/b", true),
            ("a*/b", "a/c/b", false), ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true), ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", false), ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false), ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[e-g]", "abc", false), ("ab[^c]", "abc", false), ("ab[^b-d]", "abc", false),
            ("ab[^e-g]", "abc", true), ("a\\*b", "a*b", true), ("a\\*b", "ab", false),
            ("a?b", "a☺b", true), ("a[^a]b", "a☺b", true), ("a???b", "a☺b", false),
            ("a[^a][^a][^a]b", "a☺b", false), ("[a-ζ]*", "α", true), ("*[a-ζ]", "A", false),
            ("a?b", "a/b", false), ("a*b", "a/b", false), ("[\\]a]", "]", true),
            ("[\\-]", "-", true),
            ("[x\\-]", "x", true), ("[x\\-]", "-", true), ("[x\\-]", "z", false),
            ("[\\-x]", "-", true),
            ("[\\-x]", "a", false), ("*x", "xxx", true), ("a[^b]c", "a/c", true),
            ("[z-a]", "m", false),
            ("**", "a", true), ("**", "a/b", false), ("a/**/b", "a/x/b", true),
            ("a/**/b", "a/b", false),
            ("", "", true), ("", "a", false), ("]", "]", true), ("a\\b", "ab", true),
            ("{a,b}", "a", false),
        ])
    func fileName(pattern: String, path: String, expected: Bool) throws {
        let glob = try GlobPattern(parsing: Array(pattern.utf8))
        #expect(glob.matches(Array(path.utf8)) == expected)
    }

    @Test(
        "a malformed pattern is refused",
        arguments: [
            "[]a]", "[-]", "[x-]", "[-x]", "a[", "[", "[^", "[^bc", "[a-b-c]", "a\\", "[a", "[a-",
            "[\\",
            "[a\\", "*[", "[^]", "[]",
        ])
    func refusal(pattern: String) {
        for dialect in [GlobPattern.Dialect.fileName, .ignoreFile] {
            let error = #expect(throws: DockerfileError.self) {
                try GlobPattern(parsing: Array(pattern.utf8), dialect: dialect)
            }
            #expect(error?.code == .invalidPattern)
        }
    }

    @Test("bytes that are not UTF-8 match themselves, and count as one character")
    func foreignBytes() throws {
        let literal = try GlobPattern(parsing: [0x61, 0xFF])
        #expect(literal.matches([0x61, 0xFF]))
        #expect(!literal.matches([0x61, 0xFE]))
        #expect(!literal.matches(Array("a\u{FFFD}".utf8)))
        #expect(try GlobPattern(parsing: Array("a?*".utf8)).matches([0x61, 0xFF, 0xC3]))
        #expect(try GlobPattern(parsing: Array("a[^b]".utf8)).matches([0x61, 0xFF]))
        #expect(throws: DockerfileError.self) { try GlobPattern(parsing: [0x5B, 0xFF, 0x5D]) }
    }

    @Test("a long pattern full of stars takes time in proportion, not a lifetime")
    func manyStars() throws {
        let pattern = String(repeating: "*a", count: 100) + "*b"
        let glob = try GlobPattern(parsing: Array(pattern.utf8))
        #expect(!glob.matches(Array(repeating: UInt8(ascii: "a"), count: 1_000)))
        #expect(glob.matches(Array(repeating: UInt8(ascii: "a"), count: 100) + [UInt8(ascii: "b")]))
    }

    @Test(
        "what a pattern could match below a directory",
        arguments: [
            ("a", "a", false), ("a", "b", false), ("a/b", "a", true), ("a/b", "a/b", false),
            ("a/b/c", "a", true), ("a/b/c", "x", false), ("*/b", "a", true), ("*", "a", false),
            ("**/x", "a/b", true), ("a/**", "a", true), ("a/**", "b", false),
            ("a/*/c", "a/b", true),
            ("a/*/c", "a/b/c", false), ("[ab]/c", "b", true), ("[ab]/c", "c", false),
            ("ab/c", "a", false),
            ("**x", "a", true), ("?/?", "a", true), ("?/?", "ab", false),
        ])
    func below(pattern: String, directory: String, expected: Bool) throws {
        let glob = try GlobPattern(parsing: Array(pattern.utf8), dialect: .ignoreFile)
        #expect(glob.couldMatch(below: Array(directory.utf8)[...]) == expected)
    }

    @Test(
        "a path is cleaned as Go's filepath.Clean",
        arguments: [
            ("", "."), (".", "."), ("/", "/"), ("a//b/", "a/b"), ("./a", "a"), ("a/./b", "a/b"),
            ("a/../b", "b"), ("../a", "../a"), ("a/../../b", "../b"), ("/../a", "/a"), ("/..", "/"),
            ("a/..", "."), ("...", "..."), ("//a", "/a"), ("a/b/../..", "."),
            ("../../x", "../../x"),
        ])
    func cleaning(path: String, expected: String) {
        #expect(Array(path.utf8)[...].cleanedPath() == Array(expected.utf8))
    }
}
