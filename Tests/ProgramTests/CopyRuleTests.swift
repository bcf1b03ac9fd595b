import Foundation
import Glibc
import Testing

/// What `cp` does with every kind of source and destination: Docker's rules.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct CopyRuleTests {
    /// Both sides of a copy, and what it leads to: where a path is to be found then, with its content;
    /// or what is said.
    struct Rule: CustomTestStringConvertible, Sendable {
        var source: String
        var destination: String
        var options: [String] = []
        /// Paths and contents; of a directory nil.
        var result: [String: String?] = [:]
        var error: String?
        /// Whether podman has the same rule.
        var isPodmans = true
        var testDescription: String { "cp \(options.joined()) \(source) \(destination)" }
    }

    private static func copies(
        _ source: String, _ destination: String, _ result: [String: String?],
        _ options: [String] = [], podman: Bool = true
    ) -> Rule {
        Rule(
            source: source, destination: destination, options: options, result: result,
            isPodmans: podman)
    }

    private static func fails(
        _ source: String, _ destination: String, _ error: String, _ options: [String] = [],
        podman: Bool = true
    ) -> Rule {
        Rule(
            source: source, destination: destination, options: options, error: error,
            isPodmans: podman)
    }

    static let inward: [Rule] = [
        // A file.
        copies("file", "web:/tmp/new", ["tmp/new": "hello"]),
        fails("file", "web:/tmp/new/", "no such directory"),
        copies("file", "web:/etc/passwd", ["etc/passwd": "hello"]),
        copies("file", "web:/tmp", ["tmp/file": "hello"]),
        copies("file", "web:/tmp/", ["tmp/file": "hello"]),
        copies("file", "web:/tmp/.", ["tmp/file": "hello"]),
        copies("file", "web:tmp", ["tmp/file": "hello"]),
        copies("file", "web:/", ["file": "hello"]),
        fails("file", "web:/no/new", "Could not find the file /no in container web"),
        fails("file", "web:/no/new/", "no such directory"),
        fails("file", "web:/etc/passwd/x", "not a directory", podman: false),
        fails("file", "web:/etc/passwd/", "no such directory"),
        copies("file", "web:/tmp/../etc/x", ["etc/x": "hello"]),
        // A directory.
        copies("dir", "web:/tmp/new", ["tmp/new/a": "a", "tmp/new/sub/b": "b"]),
        copies("dir", "web:/tmp/new/", ["tmp/new/a": "a"], podman: false),
        copies("dir/.", "web:/tmp/new", ["tmp/new/a": "a"]),
        fails("dir", "web:/etc/passwd", "cannot copy directory"),
        copies("dir", "web:/tmp", ["tmp/dir/a": "a", "tmp/dir/sub/b": "b"]),
        copies("dir/", "web:/tmp", ["tmp/dir/a": "a"]),
        copies("dir/.", "web:/tmp", ["tmp/a": "a", "tmp/sub/b": "b"]),
        copies("dir/.", "web:/opt/app/.", ["opt/app/a": "a"]),
        // What is there already.
        fails("dir", "web:/opt", "cannot overwrite non-directory", podman: false),
        fails("app", "web:/opt", "cannot overwrite directory", podman: false),
        // Links inside the container.
        copies("file", "web:/link", ["etc/file": "hello"]),
        copies("file", "web:/link/", ["etc/file": "hello"]),
        copies("file", "web:/link/passwd", ["etc/passwd": "hello"]),
        copies("file", "web:/etc/plink", ["etc/passwd": "hello"], podman: false),
        copies("file", "web:/etc/dangling", ["etc/nowhere": "hello"], podman: false),
        copies("file", "web:/abs", ["etc/secret": "hello"], podman: false),
        copies("file", "web:/dots", ["etc/secret": "hello"], podman: false),
        fails("file", "web:/loop1", "Too many levels of symbolic links", podman: false),
        // Sources.
        fails("nothing", "web:/tmp", "nothing: no such file or directory"),
        fails("file/", "web:/tmp", "not a directory"),
        copies("hostlink", "web:/tmp", ["tmp/hostlink": nil], podman: false),
        copies("hostlink", "web:/tmp", ["tmp/hostlink": "hello"], ["-L"], podman: false),
        copies("hostlink", "web:/tmp/n", ["tmp/n": "hello"], ["-L"], podman: false),
        copies("dirlink/", "web:/tmp", ["tmp/dirlink/a": "a"], podman: false),
        copies("./with:colon", "web:/tmp", ["tmp/with:colon": "colon"]),
        fails("with:colon", "web:/tmp", "there is no container and no image \"with\""),
    ]

    /// Beside the files of the fixture.
    private static let preparation = """
        ln -s file hostlink; ln -s dir dirlink; printf colon > with:colon; printf app > app
        ln -s loop2 loop1; ln -s loop1 loop2
        printf x > opt-dir
        """

    @Test(arguments: inward)
    func `into a container`(_ rule: Rule) throws {
        try withCopyFixture { program in
            _ = try program.run(shell: Self.preparation)
            try program.run("cp", "loop1", "web:/loop1")
            try program.run("cp", "loop2", "web:/loop2")
            try program.run("cp", "opt-dir", "web:/opt/dir")
            let copied = try program.run(
                arguments: ["cp"] + rule.options + [rule.source, rule.destination])
            if let error = rule.error {
                #expect(copied.status == 1)
                #expect(copied.errors.contains(error), "\(copied.errors)")
            } else {
                #expect(copied.status == 0, "\(copied.errors)")
                #expect(copied.errors.contains("Successfully copied "))
                #expect(copied.errors.contains(" to web:/"), "\(copied.errors)")
            }
            for (path, content) in rule.result {
                let text = try program.run(
                    shell: "$VITRINE cp -q 'web:/\(path)' out && if test -h out; then echo link; "
                        + "else cat out; fi"
                ).text
                #expect(text == content ?? "link\n", "\(path)")
            }
        }
    }

    static let outward: [Rule] = [
        copies("web:/etc/passwd", "new", ["new": "passwd\n"]),
        fails("web:/etc/passwd", "new/", "no such directory"),
        copies("web:/etc/passwd", "file", ["file": "passwd\n"]),
        copies("web:/etc/passwd", "dir", ["dir/passwd": "passwd\n"]),
        copies("web:/etc/passwd", ".", ["passwd": "passwd\n"]),
        copies("web:etc/passwd", "./", ["passwd": "passwd\n"]),
        fails("web:/etc/passwd", "no/new", "invalid output path: directory \""),
        fails("web:/etc/passwd", "file/", "not a directory"),
        fails("web:/etc/passwd", "/dev/null", "must be a directory or a regular file"),
        copies("web:/etc", "new", ["new/passwd": "passwd\n"]),
        copies("web:/etc", "dir", ["dir/etc/passwd": "passwd\n"]),
        copies("web:/etc/", "dir", ["dir/etc/passwd": "passwd\n"]),
        copies("web:/etc/.", "dir", ["dir/passwd": "passwd\n"]),
        copies("web:/", "new", ["new/etc/passwd": "passwd\n"]),
        copies("web:/", "dir", ["dir/etc/passwd": "passwd\n"]),
        fails("web:/etc", "file", "cannot copy directory"),
        fails("web:/nothing", ".", "Could not find the file /nothing in container web"),
        fails("web:/etc/passwd/", ".", "could not open web:/etc/passwd/: Not a directory"),
        // A link is copied as it is, unless -L or a slash follows it.
        copies("web:/etc/plink", "new", ["new": nil]),
        copies("web:/etc/plink", "new", ["new": "passwd\n"], ["-L"]),
        copies("web:/etc/plink", "dir", ["dir/plink": "passwd\n"], ["--follow-link"]),
        copies("web:/link", "new", ["new": nil]),
        copies("web:/link/", "dir", ["dir/link/passwd": "passwd\n"]),
        copies("web:/link", "dir", ["dir/link/passwd": "passwd\n"], ["-L"]),
        copies("web:/link/passwd", "new", ["new": "passwd\n"]),
        copies("web:/abs", "new", ["new": nil]),
        fails("web:/abs", "new", "Could not find the file /abs in container web", ["-L"]),
        fails("web:/dots", "new", "Could not find the file /dots in container web", ["-L"]),
        // A link of the host's at the destination is followed.
        copies("web:/etc/passwd", "dirlink", ["dir/passwd": "passwd\n"]),
        copies("web:/etc/passwd", "hostlink", ["file": "passwd\n"]),
        // Out of an image.
        copies("base:/etc/passwd", ".", ["passwd": "passwd\n"]),
        copies("base:latest:/etc", "new", ["new/passwd": "passwd\n"]),
        fails("base:/etc/nothing", ".", "Could not find the file /etc/nothing in container base"),
        fails("nobody:/x", ".", "there is no container and no image \"nobody\""),
        fails("a", "b", "must specify at least one container source"),
        fails("file", "base:/tmp", "\"base\" is an image, which nothing can be copied into"),
        // From container to container.
        copies("web:/etc/passwd", "web:/tmp/copy", [:]),
        fails("web:/etc", "web:/etc/new", "cannot copy a directory into itself"),
    ]

    @Test(arguments: outward)
    func `out of a container and an image`(_ rule: Rule) throws {
        try withCopyFixture { program in
            _ = try program.run(shell: Self.preparation)
            let copied = try program.run(
                arguments: ["cp"] + rule.options + [rule.source, rule.destination])
            #expect(copied.status == (rule.error == nil ? 0 : 1), "\(copied.errors)")
            if let error = rule.error {
                #expect(copied.errors.contains(error), "\(copied.errors)")
            }
            for (path, content) in rule.result {
                let text = try program.run(
                    shell: "if test -h '\(path)'; then echo link; else cat '\(path)'; fi"
                ).text
                #expect(text == content ?? "link\n", "\(path)")
            }
        }
    }

    @Test func `quiet says nothing, and a container's name wins over an image's`() throws {
        try withCopyFixture { program in
            try program.run("create", "--name", "base", "base")
            let copied = try program.run("cp", "--quiet", "file", "base:/etc/new")
            #expect(copied.status == 0 && copied.text == "" && copied.errors == "")
            #expect(try program.run("cp", "base:/etc/new", "new").status == 0)
            #expect(try program.read("new") == "hello")
        }
    }

    /// On the same files, where podman can be run here: what is there afterwards, and whether it failed.
    @Test(.enabled(if: Podman.isThere, "there is no podman that works"))
    func `the rules are podman's, but where Docker's are others`() throws {
        try withCopyFixture { program in
            _ = try program.run(shell: Self.preparation)
            let podman = Podman()
            defer { podman.remove() }
            for rule in Self.inward where rule.isPodmans && rule.options.isEmpty {
                let made = try program.run(
                    shell: """
                        set -e
                        $VITRINE rm web > /dev/null; $VITRINE create --name web base > /dev/null
                        \(podman.command) rm -f web > /dev/null 2>&1 || true
                        if ! \(podman.command) image exists base; then
                            tar -C root -c . | \(podman.command) import - base > /dev/null 2>&1
                        fi
                        \(podman.command) create --name web base true > /dev/null
                        """)
                try #require(made.status == 0, "\(made.errors)")
                let ours = try program.run("cp", rule.source, rule.destination)
                let theirs = try program.run(
                    shell: "\(podman.command) cp '\(rule.source)' '\(rule.destination)'")
                #expect((ours.status == 0) == (theirs.status == 0), "\(rule.testDescription)")
                let listing = """
                    find . -mindepth 1 -printf '%P %y %m %U:%G %l\\n' | LC_ALL=C sort; \
                    find . -type f | LC_ALL=C sort | xargs -r cat
                    """
                let found = try program.run(
                    shell: "rm -rf o && $VITRINE cp -q -a web:/ o && cd o && \(listing)")
                // Podman makes some places for mounts.
                let expected = try program.run(
                    shell: """
                        rm -rf p && mkdir p && \(podman.command) export web | tar -C p -x \
                        && cd p && rmdir dev proc sys run 2>/dev/null; rm -rf dev run; \(listing)
                        """)
                #expect(found.text == expected.text, "\(rule.testDescription)")
            }
        }
    }
}

/// Podman with a store of its own.
struct Podman {
    private let directory: String
    let command: String

    /// Looked at once.
    static let isThere: Bool = {
        guard let program = try? Program() else { return false }
        defer { program.remove() }
        let podman = Podman()
        defer { podman.remove() }
        let tried = try? program.run(
            shell: """
                mkdir r && touch r/f && tar -C r -c . | \(podman.command) import - t && \
                \(podman.command) create --name c t true && \(podman.command) cp c:/f got
                """)
        return tried?.status == 0
    }()

    init() {
        // Podman takes no longer paths.
        directory = "/tmp/vitrine-peer-\(UInt32.random(in: .min ... .max))"
        command =
            "podman --root \(directory)/root --runroot \(directory)/run --storage-driver vfs "
            + "--cgroup-manager=cgroupfs"
    }

    func remove() {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = [
            "-c",
            "\(command) rm -fa >/dev/null 2>&1; umount -l \(directory)/root/vfs 2>/dev/null; "
                + "rm -rf \(directory)",
        ]
        // Without a shell there is nothing to remove.
        try? process.run()
        process.waitUntilExit()
    }
}
