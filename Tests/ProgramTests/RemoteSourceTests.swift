import Foundation
import Glibc
import LoopbackServer
import Testing

/// ADD and contexts of other hosts, with servers on the loopback.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct RemoteSourceTests {
    private func withServer(_ body: (Program, LoopbackServer, String) throws -> Void) throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        let server = try LoopbackServer()
        try body(program, server, "http://127.0.0.1:\(server.port)")
    }

    /// Builds `FROM base` and a line, and gives what `RUN` then sees.
    private func build(
        _ program: Program, _ line: String, _ arguments: String...
    ) throws -> Program.Output {
        try program.write("FROM base\n\(line)\n", to: "context/Dockerfile")
        return try program.run(
            arguments: ["build", "--progress=plain", "-t", "app"] + arguments + ["context"])
    }

    private func stat(_ program: Program, _ path: String) throws -> String {
        #expect(try program.run("mount", "app", "m").status == 0)
        defer { _ = try? program.run("umount", "m") }
        return try program.run(shell: "stat -c '%a %u:%g %Y %s' m\(path)").text
            .trimmingCharacters(in: .newlines)
    }

    // MARK: - Files

    @Test func `ADD of a URL brings the file with its owner's mode and the server's time`() throws {
        try withServer { program, server, base in
            try server.write("content", to: "a.txt", modified: 1_000_000_000)
            let build = try build(program, "ADD \(base)/a.txt /x/\nRUN cat /x/a.txt")
            #expect(build.status == 0, "\(build.errors)")
            #expect(build.errors.contains("content"))
            #expect(try stat(program, "/x/a.txt") == "600 0:0 1000000000 7")
        }
    }

    @Test func `a file without a time is of 1970, with --chmod and --chown as they say`() throws {
        try withServer { program, server, base in
            try server.write("content", to: "a.txt")
            let build = try build(
                program, "ADD --chmod=u=rwx,go=rx --chown=7:8 \(base)/plain/a.txt /b")
            #expect(build.status == 0, "\(build.errors)")
            #expect(try stat(program, "/b") == "755 7:8 0 7")
        }
    }

    @Test func `an unchanged file is asked for and not sent again, a changed one is`() throws {
        try withServer { program, server, base in
            try server.write("one", to: "a.txt", modified: 1_000_000_000)
            let line = "ADD \(base)/a.txt /a\nRUN cat /a"
            #expect(try build(program, line).status == 0)
            let again = try build(program, line)
            #expect(again.errors.components(separatedBy: "CACHED").count == 4, "\(again.errors)")
            try server.write("two", to: "a.txt", modified: 1_000_000_001)
            #expect(try build(program, line).errors.contains("two"))
            #expect(
                try server.requests() == ["200 /a.txt", "304 /a.txt", "200 /a.txt"])
        }
    }

    @Test func `a file that is written twice within a second is brought twice`() throws {
        try withServer { program, server, base in
            let now = Int(time(nil))
            try server.write("one", to: "a.txt", modified: now)
            let line = "ADD \(base)/dated/a.txt /a\nRUN cat /a"
            #expect(try build(program, line).errors.contains("one"))
            try server.write("two", to: "a.txt", modified: now)
            #expect(try build(program, line).errors.contains("two"))
        }
    }

    @Test func `names that are not found end in one error each, and nothing of the loop's`() throws
    {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        for number in 0..<8 {
            let build = try build(
                program, "ADD https://nosuch.invalid/\(number) http://nosuch.invalid/ /x/")
            #expect(build.status == 1)
            #expect(build.errors.contains("nosuch.invalid"), "\(build.errors)")
            #expect(!build.errors.contains("EventLoop"), "\(build.errors)")
        }
    }

    @Test func `a file of a known checksum is asked for once`() throws {
        try withServer { program, server, base in
            try server.write("content", to: "a.txt")
            let digest = "sha256:ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
            let line = "ADD --checksum=\(digest) \(base)/a.txt /a"
            #expect(try build(program, line).status == 0)
            try server.write("changed", to: "a.txt")
            #expect(try build(program, line).status == 0)
            #expect(try server.requests() == ["200 /a.txt"])
        }
    }

    @Test func `a file that a server compresses for the way comes as what it is`() throws {
        try withServer { program, server, base in
            try server.write("content", to: "a.txt")
            let digest = "sha256:ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
            let build = try build(
                program, "ADD --checksum=\(digest) \(base)/gzipped/a.txt /a\nRUN cat /a")
            #expect(build.status == 0, "\(build.errors)")
            #expect(build.errors.contains("content"), "\(build.errors)")
            #expect(try server.requests() == ["200 /gzipped/a.txt gzip"])
        }
    }

    static let failures: [(String, [String])] = [
        (
            "ADD --checksum=sha256:\(String(repeating: "0", count: 64)) BASE/a.txt /",
            ["is not what it should be", "ed7002b439e9ac84", "--checksum"]
        ),
        ("ADD --checksum=sha256:12 BASE/a.txt /", ["is no digest"]),
        ("ADD --checksum=sha256:12 f /", ["checksum requires HTTP(S) or Git sources"]),
        (
            "ADD --checksum=sha256:12 BASE/a.txt BASE/b /",
            ["can't be specified for multiple sources"]
        ),
        ("ADD BASE/missing /", ["could not download", "404"]),
        ("ADD BASE/loop /", ["could not download", "in a circle"]),
        ("ADD BASE/short /", ["could not download", "ended before"]),
        ("ADD http://no-such-host.invalid/a /", ["could not download", "no-such-host.invalid"]),
        ("ADD http://ho^st/a /", ["is no address"]),
        ("COPY BASE/a.txt /", ["source can't be a URL for COPY", "ADD takes"]),
        ("COPY BASE/a.git /", ["source can't be a git ref for COPY"]),
        ("ADD http://127.0.0.1:1/a.git?branch=x&tag=y /", ["is named wrongly"]),
    ]

    @Test(arguments: failures)
    func `what cannot be had ends in an error that says why, and leaves nothing`(
        _ line: String, _ words: [String]
    ) throws {
        try withServer { program, server, base in
            try server.write("content", to: "a.txt")
            try program.write("f", to: "context/f")
            let build = try build(program, line.replacingOccurrences(of: "BASE", with: base))
            #expect(build.status == 1)
            for word in words { #expect(build.errors.contains(word), "\(build.errors)") }
            #expect(try program.names(in: "store/work") == [])
        }
    }

    @Test func `a tar by URL is unpacked when it is asked for`() throws {
        try withServer { program, server, base in
            _ = try program.run(
                shell: "mkdir in; echo x > in/file; tar -C in -czf \(server.directory)/a.tgz file")
            let packed = try build(program, "ADD \(base)/a.tgz /x/\nRUN test -f /x/a.tgz")
            #expect(packed.status == 0, "\(packed.errors)")
            let unpacked = try build(
                program, "ADD --unpack=true \(base)/a.tgz /x/\nRUN cat /x/file")
            #expect(unpacked.status == 0, "\(unpacked.errors)")
        }
    }

    @Test(arguments: ["gzip", "xz", "zstd"])
    func `an archive that breaks off early is an error, other files are what they are`(
        _ program: String
    ) throws {
        let compress = program
        try withServer { program, server, base in
            _ = try program.run(
                shell: """
                    head -c 200000 /dev/urandom > noise; tar -cf noise.tar noise; mkdir context
                    for name in noise noise.tar; do \(compress) -c $name | head -c 5000 > cut; \
                    cp cut context/$name.x; cp cut \(server.directory)/$name.x; done
                    """)
            let cut = try build(program, "ADD noise.tar.x /x/")
            #expect(cut.status == 1, "\(cut.errors)")
            #expect(
                cut.errors.contains("cut short"), "\(cut.errors)")
            let loaded = try build(program, "ADD --unpack=true \(base)/noise.tar.x /x/")
            #expect(loaded.status == 1, "\(loaded.errors)")
            let plain = try build(program, "ADD noise.x /x/\nRUN test -f /x/noise.x")
            #expect(plain.status == 0, "\(plain.errors)")
        }
    }

    @Test func `import takes an address, whatever the server does to the bytes`() throws {
        try withServer { program, server, base in
            let made = try program.run(
                shell: "mkdir r && echo hi > r/f && tar -C r -cf r.tar . && gzip -kn r.tar && "
                    + "cp r.tar r.tar.gz '\(server.directory)'")
            #expect(made.status == 0, "\(made.errors)")
            for path in ["r.tar", "plain/r.tar.gz", "gzipped/r.tar", "gzipped/r.tar.gz"] {
                let address = "\(base)/\(path)"
                let imported = try program.run("import", "--change", "CMD [\"f\"]", address, "r")
                #expect(imported.status == 0, "\(path): \(imported.errors)")
                let history = try program.run("history", "--no-trunc", "r").text
                #expect(history.contains("Imported from \(address)"))
                let saved = try program.run(shell: "\"$VITRINE\" save --format rootfs r | tar -xO")
                #expect(saved.text == "hi\n")
            }
            let lost = try program.run("import", "\(base)/none.tar", "lost")
            #expect(lost.status == 1)
            #expect(lost.errors.contains("could not download \(base)/none.tar"))
            #expect(lost.errors.contains("404"))
            let page = try program.run("import", "\(base)/status/200", "lost")
            #expect(page.status == 1)
            #expect(try program.run("images", "-q", "lost").text == "")
            #expect(try program.names(in: "store/work") == [])
            #expect(try program.run("import", "http://", "lost").errors.contains("no address"))
        }
    }

    @Test func `a context may be a tar or a Dockerfile of a server`() throws {
        try withServer { program, server, base in
            _ = try program.run(
                shell: """
                    mkdir in; echo x > in/file; printf 'FROM base\\nCOPY file /f\\n' > in/Dockerfile
                    printf 'FROM base\\nRUN echo other\\n' > in/Other
                    tar -C in -czf \(server.directory)/context.tar.gz .
                    cp in/Other \(server.directory)/Plain
                    """)
            let tar = try program.run("build", "-t", "app", "\(base)/context.tar.gz")
            #expect(tar.status == 0, "\(tar.errors)")
            #expect(try program.run("diff", "app").text == "A /f\n")
            let other = try program.run(
                "build", "--progress=plain", "-f", "Other", "\(base)/context.tar.gz")
            #expect(other.errors.contains("other"), "\(other.errors)")
            let plain = try program.run("build", "--progress=plain", "\(base)/Plain")
            #expect(plain.status == 0, "\(plain.errors)")
            #expect(try program.run("build", "\(base)/missing").errors.contains("404"))
        }
    }

    @Test func `the Dockerfile of a context may be a server's`() throws {
        try withServer { program, server, base in
            _ = try program.run(
                shell: """
                    mkdir in; echo x > in/file; tar -C in -czf \(server.directory)/context.tar.gz .
                    printf 'FROM base\\nCOPY file /f\\n' > \(server.directory)/Plain
                    """)
            for context in ["in", "\(base)/context.tar.gz"] {
                let build = try program.run(
                    "build", "--progress=plain", "-t", "app", "-f", "\(base)/Plain", context)
                #expect(build.status == 0, "\(build.errors)")
                #expect(build.errors.contains("#1 [remote] \(base)/Plain\n"))
                #expect(try program.run("diff", "app").text == "A /f\n")
            }
            #expect(try program.run("build", "--check", "-f", "\(base)/Plain", "in").status == 0)
            for call in ["check", "outline", "targets"] {
                let told = try program.run(
                    "build", "--call=\(call)", "-f", "\(base)/Plain", "\(base)/context.tar.gz")
                #expect(told.status == 0, "\(told.errors)")
            }
            let missing = try program.run("build", "-f", "\(base)/missing", "in")
            #expect(missing.status == 1)
            #expect(missing.errors.contains("404"))
            let repository = try program.run("build", "-f", "\(base)/x.git", "in")
            #expect(repository.errors.contains("is a repository, and no Dockerfile"))
        }
    }

    // MARK: - Repositories

    /// A bare repository at `repo.git` of a `git daemon`, made by the script in its work tree.
    private func withRepository(
        _ script: String, format: String = "sha1", _ body: (Program, String) throws -> Void
    ) throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        let made = try program.run(
            shell: """
                set -e
                export HOME=/nonexistent GIT_CONFIG_GLOBAL=/dev/null
                export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a
                export GIT_COMMITTER_EMAIL=a@b GIT_COMMITTER_DATE='1000000000 +0000'
                export GIT_AUTHOR_DATE='1000000000 +0000'
                git init -q --object-format=\(format) -b main work; cd work
                \(script)
                cd ..; git clone -q --bare work served/repo.git
                """)
        #expect(made.status == 0, "\(made.errors)")
        let daemon = try GitDaemon(serving: program.directory + "/served")
        let port = daemon.port
        for _ in 0..<6000 {
            let ping = try program.run(shell: "git ls-remote git://127.0.0.1:\(port)/repo.git")
            if ping.status == 0 { break }
            usleep(10_000)
        }
        try body(program, "git://127.0.0.1:\(port)/repo.git")
        withExtendedLifetime(daemon) {}
    }

    private static let plain = """
        mkdir sub; echo one > sub/file; echo '#!/bin/sh' > run; chmod 755 run; ln -s run link
        printf 'sub export-ignore\\n' > .gitattributes
        printf 'FROM base\\nCOPY sub/file /f\\n' > Dockerfile
        git add .; git commit -qm one; git tag -a -m tag v1
        echo two > sub/file; git commit -qam two
        git checkout -q -b other; echo three > sub/file; git commit -qam three; git checkout -q main
        """

    @Test func `ADD of a repository brings a commit's files with its time`() throws {
        try withRepository(Self.plain) { program, address in
            let build = try build(program, "ADD \(address) /x\nRUN cat /x/sub/file")
            #expect(build.status == 0, "\(build.errors)")
            #expect(build.errors.contains("two"))
            #expect(try stat(program, "/x/run") == "755 0:0 1000000000 10")
            #expect(
                try program.run("diff", "app").text == """
                    A /x
                    A /x/.gitattributes
                    A /x/Dockerfile
                    A /x/link
                    A /x/run
                    A /x/sub
                    A /x/sub/file

                    """)
        }
    }

    @Test func `a reference, a subdirectory and a commit choose what is brought`() throws {
        try withRepository(Self.plain) { program, address in
            let commit = try program.run(shell: "git -C served/repo.git rev-parse v1^{commit}")
                .text.trimmingCharacters(in: .newlines)
            for (line, words) in [
                ("ADD \(address)#v1 /x\nRUN cat /x/sub/file", "one"),
                ("ADD \(address)#other:sub /x\nRUN cat /x/file", "three"),
                ("ADD \(address)#:sub /x\nRUN cat /x/file", "two"),
                ("ADD \(address)?branch=other&subdir=sub /x\nRUN cat /x/file", "three"),
                ("ADD \(address)?tag=v1 /x\nRUN cat /x/sub/file", "one"),
                ("ADD \(address)#\(commit) /x\nRUN cat /x/sub/file", "one"),
                ("ADD --checksum=\(commit) \(address)#v1 /x\nRUN cat /x/sub/file", "one"),
            ] {
                // Two names of one commit share its tree, and what was made of it.
                let build = try build(program, line, "--no-cache")
                #expect(build.status == 0, "\(line): \(build.errors)")
                #expect(build.errors.contains(" \(words)\n"), "\(line): \(build.errors)")
            }
            // The first digits of a commit, of a tag's and of one in between.
            _ = try program.run(
                shell: """
                    cd work; git push -q ../served/repo.git $(git commit-tree -m four -p other \
                    'other^{tree}'):refs/heads/other
                    """)
            let middle = try program.run(shell: "git -C served/repo.git rev-parse other^")
                .text.trimmingCharacters(in: .newlines)
            for (line, words) in [
                ("ADD --checksum=\(commit.prefix(1)) \(address)#v1 /x\nRUN cat /x/sub/file", "one"),
                ("ADD \(address)?commit=\(commit.prefix(8)) /x\nRUN cat /x/sub/file", "one"),
                ("ADD --checksum=\(middle.prefix(8)) \(address) /x\nRUN cat /x/sub/file", "three"),
                ("ADD \(address)?commit=\(middle.prefix(12)) /x\nRUN cat /x/sub/file", "three"),
            ] {
                let build = try build(program, line, "--no-cache")
                #expect(build.status == 0, "\(line): \(build.errors)")
                #expect(build.errors.contains(" \(words)\n"), "\(line): \(build.errors)")
            }
            let again = try self.build(program, "ADD \(address)#v1 /x\nRUN cat /x/sub/file")
            #expect(again.errors.components(separatedBy: "CACHED").count == 4, "\(again.errors)")
        }
    }

    @Test func `a repository that cannot be had ends in an error that says why`() throws {
        try withRepository(Self.plain) { program, address in
            for (line, words) in [
                ("ADD \(address)#none /x", "has no branch or tag \"none\""),
                ("ADD \(address)#abcdef1 /x", "all its 40 digits"),
                ("ADD \(address)?commit=abcdef123456 /x", "no commit, or several"),
                ("ADD \(address)#v1:none /x", "has no directory \"none\""),
                ("ADD \(address)#v1:../sub /x", "has no directory \"../sub\""),
                ("ADD \(address)#v1:sub/../../sub /x", "has no directory"),
                ("ADD \(address)#\(String(repeating: "1", count: 40)) /x", "could not fetch"),
                (
                    "ADD --checksum=\(String(repeating: "1", count: 40)) \(address)#v1 /x",
                    "is not what it should be"
                ),
                ("ADD \(address.dropLast(8))none.git /x", "could not fetch"),
                ("ADD git://127.0.0.1:1/x.git /x", "could not fetch"),
                ("ADD ssh://-oProxyCommand=x/x.git /x", "is named wrongly"),
                ("ADD \(address)#--upload-pack=x /x", "is named wrongly"),
                ("ADD \(address)?what=x /x", "\"what\" means nothing"),
            ] {
                let build = try build(program, line)
                #expect(build.status == 1, "\(line)")
                #expect(build.errors.contains(words), "\(line): \(build.errors)")
            }
            #expect(try program.names(in: "store/work") == [])
            let without = try program.run(
                shell: "PATH=/nowhere $VITRINE build \(address)")
            #expect(without.status == 1)
            #expect(without.errors.contains("git is not installed"), "\(without.errors)")
        }
    }

    @Test func `repositories whose commits have names of SHA-256 are repositories, too`() throws {
        let script = """
            \(Self.plain)
            git checkout -q other; git commit -q --allow-empty -m four; git checkout -q main
            """
        try withRepository(script, format: "sha256") { program, address in
            let server = try LoopbackServer()
            let commit = try program.run(
                shell: """
                    git clone -q --bare served/repo.git \(server.directory)/repo.git
                    git -C \(server.directory)/repo.git update-server-info
                    git -C served/repo.git rev-parse v1^{commit}
                    """
            ).text.trimmingCharacters(in: .newlines)
            let middle = try program.run(shell: "git -C served/repo.git rev-parse other^").text
            #expect(commit.utf8.count == 64)
            let files = "http://127.0.0.1:\(server.port)/repo.git"
            for (line, words) in [
                ("ADD \(address) /x\nRUN cat /x/sub/file", "two"),
                ("ADD \(address)#v1:sub /x\nRUN cat /x/file", "one"),
                ("ADD \(address)#\(commit) /x\nRUN cat /x/sub/file", "one"),
                ("ADD --checksum=\(commit.prefix(8)) \(address) /x\nRUN cat /x/sub/file", "one"),
                ("ADD --checksum=\(middle.prefix(8)) \(address) /x\nRUN cat /x/sub/file", "three"),
                ("ADD --keep-git-dir=true \(address)#other /x\nRUN cat /x/sub/file", "three"),
                ("ADD \(files)#other /x\nRUN cat /x/sub/file", "three"),
            ] {
                let build = try build(program, line, "--no-cache")
                #expect(build.status == 0, "\(line): \(build.errors)")
                #expect(build.errors.contains(" \(words)\n"), "\(line): \(build.errors)")
            }
            let context = try program.run("build", "-t", "app", address)
            #expect(context.status == 0, "\(context.errors)")
            #expect(try program.run("diff", "app").text == "A /f\n")
            let kept = try build(program, "ADD --keep-git-dir=true \(address)#main /x")
            #expect(kept.status == 0, "\(kept.errors)")
            let seen = try inImage(
                program, "git -C m/x log --format=%s -1; git -C m/x status --porcelain")
            #expect(seen.text == "two\n", "\(seen.errors)")
        }
    }

    /// Runs git on the image `app` at `m`.
    private func inImage(_ program: Program, _ script: String) throws -> Program.Output {
        #expect(try program.run("mount", "app", "m").status == 0)
        defer { _ = try? program.run("umount", "m") }
        return try program.run(
            shell: """
                export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
                export GIT_OPTIONAL_LOCKS=0
                \(script)
                """)
    }

    @Test func `--keep-git-dir keeps a repository that git takes for one`() throws {
        try withRepository(Self.plain) { program, address in
            let build = try build(program, "ADD --keep-git-dir=true \(address)#main /x")
            #expect(build.status == 0, "\(build.errors)")
            let seen = try inImage(
                program,
                """
                git -C m/x log --format=%s -1; git -C m/x status --porcelain
                git -C m/x config remote.origin.url; ls m/x/.git/hooks 2>/dev/null
                """)
            #expect(seen.text == "two\n\(address)\n", "\(seen.text) \(seen.errors)")
        }
    }

    @Test(arguments: ["v1", "refs/tags/v1", "light"])
    func `--keep-git-dir keeps the tag that the commit was named by`(_ name: String) throws {
        let script = Self.plain + "\ngit tag light v1^{commit}"
        try withRepository(script) { program, address in
            let build = try build(program, "ADD --keep-git-dir=true \(address)#\(name) /x")
            #expect(build.status == 0, "\(build.errors)")
            let described = try inImage(program, "git -C m/x describe --tags")
            let tag = name.split(separator: "/").last ?? ""
            #expect(described.text == tag + "\n", "\(described.errors)")
        }
    }

    @Test func `submodules come along, but none of the host's own`() throws {
        try withRepository(
            Self.plain + """

                git clone -q --bare . ../served/inner.git
                git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),lib
                printf '[submodule "lib"]\\n\\tpath = lib\\n\\turl = ../inner.git\\n' > .gitmodules
                git add .gitmodules; git commit -qm modules
                git checkout -q -b bad
                printf '[submodule "lib"]\\n\\tpath = lib\\n\\turl = /etc\\n' > .gitmodules
                git add .gitmodules; git commit -qm bad; git checkout -q main
                """
        ) { program, address in
            let build = try build(program, "ADD \(address) /x\nRUN cat /x/lib/sub/file")
            #expect(build.status == 0, "\(build.errors)")
            let bad = try self.build(program, "ADD \(address)#bad /x")
            #expect(bad.status == 1)
            #expect(bad.errors.contains("no repository of another host"), "\(bad.errors)")
            let without = try self.build(
                program, "ADD \(address)?ref=bad&submodules=false /x\nRUN test -d /x/lib")
            #expect(without.status == 0, "\(without.errors)")
        }
    }

    @Test func `a repository with git's own names in it is refused`() throws {
        try withRepository(
            Self.plain + """

                blob=$(echo evil | git hash-object -w --stdin)
                tree=$(printf '100644 blob %s\\tconfig\\n' $blob | git mktree)
                root=$(printf '040000 tree %s\\t.GIT\\n' $tree | git mktree)
                git update-ref refs/heads/evil $(git commit-tree -m evil $root)
                """
        ) { program, address in
            let build = try build(program, "ADD \(address)#evil /x")
            #expect(build.status == 1)
            // git's own words where it sees it, else ours.
            #expect(
                build.errors.contains("invalid path '.GIT/config'")
                    || build.errors.contains("which no repository may"), "\(build.errors)")
        }
    }

    @Test func `a context may be a repository, or a directory of one`() throws {
        try withRepository(Self.plain) { program, address in
            let whole = try program.run("build", "-t", "app", "\(address)#v1")
            #expect(whole.status == 0, "\(whole.errors)")
            #expect(try program.run("diff", "app").text == "A /f\n")
            let named = try program.run(
                "build", "--progress=plain", "--build-context", "lib=\(address)#other:sub", "-",
                shellInput: "FROM base\nCOPY --from=lib file /x\nRUN cat /x\n")
            #expect(named.errors.contains("three"), "\(named.errors)")
        }
    }
}

extension Program {
    /// Runs the program with this on its standard input.
    fileprivate func run(_ arguments: String..., shellInput text: String) throws -> Output {
        try write(text, to: "input")
        let words = arguments.map { "'\($0)'" }.joined(separator: " ")
        return try run(shell: "$VITRINE \(words) < input")
    }
}
