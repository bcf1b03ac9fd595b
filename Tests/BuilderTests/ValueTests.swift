import Dockerfile
import FileTree
import ImageSpec
import LinuxIO
import Testing

@testable import Builder

@Suite("Values of the builder")
struct ValueTests {
    @Test(
        "strings are quoted as Go does",
        arguments: [
            ("plain", "\"plain\""), ("a\"b\\c", "\"a\\\"b\\\\c\""),
            ("tab\tnl\n", "\"tab\\tnl\\n\""),
            ("\u{1}\u{7F}", "\"\\x01\\x7f\""), ("ä…", "\"ä…\""), ("\u{200B}", "\"\\u200b\""),
            ("\u{A0}", "\"\\u00a0\""), ("\u{E0001}", "\"\\U000e0001\""),
        ])
    func quoting(_ text: String, _ quoted: String) {
        #expect(text.quoted == quoted)
    }

    @Test(
        "durations are written as Go does",
        arguments: [
            (Duration.zero, "0s"), (.nanoseconds(1), "1ns"), (.microseconds(1500), "1.5ms"),
            (.nanoseconds(1100), "1.1\u{B5}s"), (.seconds(1), "1s"), (.milliseconds(1500), "1.5s"),
            (.seconds(90), "1m30s"), (.seconds(3600), "1h0m0s"), (.seconds(-3661), "-1h1m1s"),
            (.milliseconds(60_001), "1m0.001s"),
        ])
    func durations(_ duration: Duration, _ text: String) {
        #expect(duration.goText == text)
    }

    @Test(
        "modes, octal and as chmod writes them",
        arguments: [
            ("755", 0o644, false, 0o755), ("0", 0o644, false, 0), ("u+x", 0o644, false, 0o744),
            ("+x", 0o644, false, 0o755), ("go-r", 0o644, false, 0o600),
            ("a=r", 0o755, false, 0o444),
            ("u=rwX,go=rX", 0o600, false, 0o644), ("u=rwX,go=rX", 0o700, false, 0o755),
            ("u=rwX,go=rX", 0o600, true, 0o755), ("g=u", 0o640, false, 0o660),
            ("u+s", 0o755, false, 0o4755), ("+t", 0o777, true, 0o1777),
            ("g+s,o-x", 0o775, true, 0o2774),
            ("u-w+x", 0o644, false, 0o544),
        ])
    func modes(_ text: String, _ before: UInt16, _ isDirectory: Bool, _ after: UInt16) throws {
        let change = try ModeChange(parsing: text)
        #expect(change.applied(to: before, isDirectory: isDirectory) == after)
    }

    @Test(
        "what is no mode", arguments: ["", "8", "10000", "u", "u+", "u+q", "x", "u+x,", "-1", "+7"])
    func wrongModes(_ text: String) {
        if text == "u+" {
            // As chmod(1): nothing is added.
            #expect(throws: Never.self) { try ModeChange(parsing: text) }
        } else {
            #expect(throws: BuildError.self) { try ModeChange(parsing: text) }
        }
    }

    @Test(
        "destinations",
        arguments: [
            ("/a/b", "/a/b", false), ("a", "/w/a", false), ("a/", "/w/a", true), (".", "/w", true),
            ("./", "/w", true), ("..", "/", true), ("../../x", "/x", false), ("/", "/", true),
            ("/a/.", "/a", true), ("//a//b", "/a/b", false),
        ])
    func destinations(_ text: String, _ path: String, _ isDirectory: Bool) throws {
        let place = try DestinationPath(text, workingDirectory: "/w")
        #expect(place.text == path)
        #expect(place.isDirectory == isDirectory)
    }

    @Test(
        "signals",
        arguments: [
            ("SIGTERM", true), ("term", true), ("9", true), ("0", false), ("-1", false),
            ("RTMIN+3", true), ("SIGRTMAX-14", true), ("RTMIN+16", false), ("NOPE", false),
            ("", false),
        ])
    func signals(_ text: String, _ isValid: Bool) {
        #expect(StopSignal.isValid(text) == isValid)
    }

    @Test("a build's identifier sorts by time")
    func identifiers() {
        let time = FileTimestamp(seconds: 1_777_636_981)
        #expect(BuildRecorder.newID(now: time, random: 0xab12) == "20260501-120301-00ab12")
    }

    private func entry(_ seconds: Int64?) -> HistoryEntry {
        HistoryEntry(created: seconds.flatMap { Timestamp(unixSeconds: $0) })
    }

    @Test(
        "history entries without a time get that of a layer near them",
        arguments: [
            ([1, nil, 3, nil], [1, 3, 3, 3]), ([1, nil, nil], [1, 1, 1]), ([nil, 2], [2, 2]),
            ([nil], [nil]), ([], []), ([1, 2, nil, 5, nil, 7], [1, 2, 5, 5, 5, 7]),
        ] as [([Int64?], [Int64?])])
    func times(_ before: [Int64?], _ after: [Int64?]) {
        let history = ImageAssembly.timed(before.map(entry), nil)
        #expect(history.map { $0.created?.unixSeconds } == after)
    }

    @Test("SOURCE_DATE_EPOCH takes the place of missing times only")
    func epoch() {
        let history = ImageAssembly.timed([entry(1), entry(nil)], Timestamp(unixSeconds: 9))
        #expect(history.map { $0.created?.unixSeconds } == [1, 9])
    }

    @Test("times and other names of a file do not count, all else does")
    func contentDigest() throws {
        let directories = PendingDirectories(base: NoDirectories())
        func digest(_ change: (inout Node) -> Void) throws -> Digest {
            var node = Node(
                attributes: NodeAttributes(permissions: 0o644), content: .file(.empty))
            change(&node)
            let name = try EntryName("f".utf8)
            let reference = directories.insert(Directory([DirectoryEntry(name: name, node: node)]))
            return try ContentDigest(directories).digest(of: reference)
        }
        let plain = try digest { _ in }
        #expect(plain == (try digest { $0.attributes.modificationTime = NodeTime(seconds: 9) }))
        #expect(plain == (try digest { $0.hardLink = HardLink(identifier: 1, count: 2) }))
        func attribute(_ name: String) throws -> Digest {
            try digest { $0.attributes.extendedAttributes[Array(name.utf8)] = [1] }
        }
        #expect(plain == (try attribute("security.selinux")))
        #expect(plain == (try attribute("system.posix_acl_access")))
        #expect(plain != (try attribute("security.capability")))
        #expect(plain != (try attribute("user.x")))
        #expect(plain != (try digest { $0.attributes.permissions = 0o600 }))
        #expect(plain != (try digest { $0.attributes.userID = 1 }))
        #expect(plain != (try digest { $0.content = .symbolicLink(target: [1]) }))
    }
}
