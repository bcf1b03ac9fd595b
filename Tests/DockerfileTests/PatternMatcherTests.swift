import Dockerfile
import Testing

@Suite("What the build context leaves out")
struct PatternMatcherTests {
    @Test(
        "one pattern matches as Docker's",
        arguments: [
            ("**", "file", true), ("**", "dir/file", true), ("**/", "dir/file", true),
            ("**/**", "dir/file", true), ("dir/**", "dir/file", true), ("dir/**", "dir", false),
            ("dir/**", "dir/dir2/file", true), ("**/dir", "dir/file", true),
            ("**/dir", "a/dir/file", true),
            ("**/dir2/*", "dir/dir2/file", true), ("**/dir2/*", "dir/dir2/dir2/file", true),
            ("**/file", "file", true), ("**/file", "dir/dir/file", true),
            ("**/file", "afile", false),
            ("**file", "afile", true), ("**file", "dir/afile", true), ("**file*", "afile", false),
            ("**/file*", "dir/dir/file.txt", true), ("**/file*txt", "dir/dir/file.txt", true),
            ("**/**/*.txt", "dir/dir/file.txt", true), ("**/**/*.txt2", "dir/dir/file.txt", false),
            ("**/*.o", "a.o/b", true), ("**/*.o", "a.ob/c", false),
            ("**/*.o", "x/.o", true), ("**/*.o", "x/a.oo", false),
            ("**/*é", "x/é", true), ("**/*x/y", "a/bx/y", true), ("**/*x/y", "a/b/y", false),
            ("**/*.txt", "file.txt", true), ("a**/*.txt", "a/file.txt", true),
            ("a**/*.txt", "a/dir/file.txt", true), ("a/*.txt", "a/dir/file.txt", false),
            ("a/*.txt", "a/file.txt", true), ("a[b-d]e", "ae", false), ("a[b-d]e", "ace", true),
            ("a[b-d]e", "aae", false), ("a[^b-d]e", "aze", true), (".*", ".foo", true),
            (".*", "foo", false),
            ("abc.def", "abcdef", false), ("abc.def", "abc.def", true),
            ("abc?def", "abcZdef", true),
            ("abc?def", "abcdef", false), ("a\\\\", "a\\", true), ("**/foo/bar", "foo/bar", true),
            ("**/foo/bar", "dir/dir2/foo/bar", true), ("abc/**", "abc", false),
            ("abc/**", "abc/def/ghi", true),
            ("**/.foo", ".foo", true), ("**/.foo", "bar.foo", false),
            ("a(b)c/def", "a(b)c/def", true),
            ("a(b)c/def", "a(b)c/xyz", false), ("a.|)$(}+{bc", "a.|)$(}+{bc", true),
            ("/abc", "abc", true),
            ("abc", "abc/d/e", true), ("abc", "abcd", false), ("a*", "ab/c", true),
            ("*/x", "a/x/y", true),
            ("^a*", "^ab", true), ("./a/../b", "b/c", true), (".", "a", false), ("..", "a", false),
            ("dir/*", "dir/a/b", true), ("f**", "foo", true), ("f**", "f/o", true),
            ("a/**/z", "a/z", true),
            ("a/**/z", "a/b/c/z", true), ("a/**/z", "az", false), ("a**z", "a/b/z", true),
            ("a**z", "abz", false),
            ("***", "a", true), ("**/*", "a/b", true), ("é?", "éü", true),
        ])
    func single(pattern: String, path: String, expected: Bool) throws {
        let matcher = PatternMatcher(try IgnoreFile(parsing: Array(pattern.utf8)))
        #expect(matcher.match(Array(path.utf8)).isIgnored == expected)
    }

    @Test(
        "the last pattern that matches decides",
        arguments: [
            (["*", "!a"], "a", 1, false), (["*", "!a"], "b", 0, true),
            (["*", "!a"], "a/b", 1, false),
            (["a", "!a/b"], "a/b", 1, false), (["a", "!a/b"], "a/c", 0, true),
            (["!a", "a"], "a", 1, true),
            (["*", "!a", "a/b"], "a/b/c", 2, true), (["*", "!a", "a/b"], "a/c", 1, false),
            (["*.md", "!README*.md", "README-secret.md"], "README.md", 1, false),
            (["*.md", "!README*.md", "README-secret.md"], "README-secret.md", 2, true),
            (["*.md", "README-secret.md", "!README*.md"], "README-secret.md", 2, false),
            (["!a"], "a", nil, false), (["x"], "a", nil, false),
            (["**", "!util/docker/web"], "util/docker/web/foo", 1, false),
            (["**", "!util/docker/web", "util/docker/web/foo"], "util/docker/web/foo", 2, true),
            (["**", "!dist/proxy.py.zip"], "dist/proxy.py", 0, true),
            // Not remembered for the children, since it changed nothing for the directory.
            (["n", "!n/keep", "**/n"], "n/keep", 1, false),
        ] as [([String], String, Int?, Bool)])
    func several(patterns: [String], path: String, deciding: Int?, isIgnored: Bool) throws {
        let verdict = try PatternMatcher(patterns).match(Array(path.utf8))
        #expect(verdict.isIgnored == isIgnored)
        #expect(verdict.decidingPattern == deciding)
    }

    @Test(
        "a directory is skipped when nothing in it could be taken back",
        arguments: [
            (["a"], "a", true), (["a"], "b", false), (["a", "!a/b"], "a", false),
            (["a", "!b"], "a", true),
            (["!a/b", "a"], "a", true), (["*", "!src"], "docs", true),
            (["*", "!**/x"], "docs", false),
            (["*", "!src/*.go"], "src", false), (["*", "!src/*.go"], "src/x", true),
            (["**/n", "!n/k/**"], "n", false), (["**/n", "!n/k/**"], "n/j", true),
            (["**/n", "!n/k/**"], "a/n", true),
        ] as [([String], String, Bool)])
    func skipping(patterns: [String], directory: String, expected: Bool) throws {
        let matcher = try PatternMatcher(patterns)
        let path = Array(directory.utf8)
        #expect(matcher.canSkip(path, matcher.match(path).state) == expected)
    }

    @Test("a walk that skips finds exactly what a walk that looks everywhere finds")
    func walks() throws {
        var random = SeededGenerator(seed: 20)
        let names = ["a", "b", "ab", ".x"]
        let pieces = ["a", "b", "*", "**", "/", "/", "?", "[ab]", "[^a]", "ab", ".x", "a*"]
        for _ in 0..<300 {
            let patterns = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                let pattern = (0..<Int.random(in: 1...4, using: &random))
                    .map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
                return Bool.random(using: &random) ? pattern : "!a" + pattern
            }
            let matcher = try PatternMatcher(patterns)
            var everything: [String] = []
            var found: [String] = []
            func walk(
                _ directory: String, _ state: PatternMatcher.State, _ depth: Int, _ isSkipped: Bool
            ) {
                for name in names {
                    let path = directory.isEmpty ? name : "\(directory)/\(name)"
                    let bytes = Array(path.utf8)
                    let verdict = matcher.match(bytes, in: state)
                    if !verdict.isIgnored {
                        everything.append(path)
                        if !isSkipped { found.append(path) }
                    }
                    #expect(matcher.match(bytes) == verdict)
                    guard depth < 3 else { continue }
                    let skips = isSkipped || matcher.canSkip(bytes, verdict.state)
                    walk(path, verdict.state, depth + 1, skips)
                }
            }
            walk("", matcher.root, 1, false)
            #expect(found == everything, "\(patterns)")
        }
    }
}
