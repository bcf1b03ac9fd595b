import Foundation
import Glibc
import ImageSpec
import Testing

/// Stages, builds and caches beside each other, with real containers.
@Suite(
    .serialized, .timeLimit(.minutes(30)),
    .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct BuildGraphTests {
    private func withBase(_ body: (Program) throws -> Void) throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try body(program)
        let mounts = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
        #expect(!mounts.contains(program.directory))
    }

    private func locks(_ program: Program) throws -> [String] {
        try program.names(in: "store/locks").filter { $0.hasPrefix("step-") }
    }

    private func finish(_ process: Process) -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }

    // MARK: - Stages

    private static let sleepers = """
        FROM base AS a
        RUN echo be''gun-a; sleep 1000
        FROM base AS b
        RUN echo be''gun-b; sleep 1000
        FROM base
        COPY --from=a / /a
        COPY --from=b / /b

        """

    @Test func `containers of two stages run at once, and an interruption ends both`() throws {
        try withBase { program in
            try program.write(Self.sleepers, to: "context/Dockerfile")
            let process = try program.start(
                ["build", "--jobs", "2", "--progress=plain", "context"],
                errors: try program.file("progress"))
            try program.wait(for: " begun-a\n", in: "progress")
            try program.wait(for: " begun-b\n", in: "progress")
            process.interrupt()
            #expect(finish(process) == 130)
            #expect(try program.names(in: "store/work") == [])
            #expect(try locks(program) == [])
        }
    }

    @Test func `a step that fails ends the containers of other stages and is what is told`() throws
    {
        try withBase { program in
            try program.write(
                Self.sleepers.replacingOccurrences(
                    of: "RUN echo be''gun-b; sleep 1000", with: "RUN sleep 1; exit 3"),
                to: "context/Dockerfile")
            let build = try program.run("build", "--jobs=2", "--progress=plain", "context")
            #expect(build.status == 1)
            #expect(build.errors.contains("exit code 3"))
            #expect(build.errors.contains("CANCELED"))
            #expect(try program.names(in: "store/work") == [])
        }
    }

    // MARK: - Sharing

    private static let shared = """
        FROM base
        RUN echo be''gun; sleep 2; cat /proc/sys/kernel/random/uuid > /x

        """

    @Test func `two processes run a step that both need once`() throws {
        try withBase { program in
            try program.write(Self.shared, to: "context/Dockerfile")
            let first = try program.start(
                ["build", "--progress=plain", "--iidfile", "first", "context"],
                errors: try program.file("one"))
            try program.wait(for: " begun\n", in: "one")
            let second = try program.start(
                ["build", "--progress=plain", "--iidfile", "second", "context"],
                errors: try program.file("two"))
            try program.wait(for: "waiting for another build that runs this step", in: "two")
            #expect(finish(first) == 0)
            #expect(finish(second) == 0)
            #expect(try program.read("first") == program.read("second"))
            #expect(try program.read("two").contains("#2 CACHED"))
            #expect(try locks(program) == [])
        }
    }

    @Test func `a step whose process is killed is run by the one that waited for it`() throws {
        try withBase { program in
            try program.write(Self.shared, to: "context/Dockerfile")
            let first = try program.start(
                ["build", "--progress=plain", "context"], errors: try program.file("one"))
            try program.wait(for: " begun\n", in: "one")
            let second = try program.start(
                ["build", "--progress=plain", "context"], errors: try program.file("two"))
            try program.wait(for: "waiting for another build that runs this step", in: "two")
            kill(first.processIdentifier, SIGKILL)
            #expect(finish(second) == 0)
            #expect(try program.read("two").contains(" begun\n"))
            first.waitUntilExit()
            try program.run("gc")
            #expect(try locks(program) == [])
        }
    }

    // MARK: - Explaining

    @Test func `the cache tells which input changed, from what to what`() throws {
        try withBase { program in
            try program.write(
                "FROM base\nARG VERSION=1\nCOPY src /app/\nRUN echo $VERSION > /v\n",
                to: "context/Dockerfile")
            try program.write("a", to: "context/src/main.c")
            try program.run("build", "-t", "app", "context")
            try program.write("b", to: "context/src/main.c")
            let build = try program.run(
                "build", "--progress=plain", "-t", "app", "--build-arg", "VERSION=2", "context")
            let change = "src/main.c changed: 1 byte ca978112ca1b → 1 byte 3e23e8160039"
            #expect(build.errors.contains("#2 not cached: \(change)\n"))
            #expect(build.errors.contains("#3 not cached: parent changed by step 2\n"))
            #expect(build.errors.contains("#3 not cached: argument VERSION: 1 → 2\n"))
            let answer = try program.run("cache", "explain", "app", "3")
            #expect(answer.status == 0)
            #expect(answer.text.contains(" app:latest (done)\n#3 [stage-0 3] RUN |1 VERSION=2"))
            #expect(answer.text.contains("    not cached: argument VERSION: 1 → 2\n"))
            let json = try JSONParser.parse(
                Array(try program.run("cache", "explain", "--json").text.utf8))
            #expect(json["Title"] == "app:latest")
            let changes = json["Steps"]?[1]?["Explanation"]?["Changes"]
            #expect(changes?[0]?["Subject"] == "src/main.c")
            #expect(changes?[0]?["Text"] == JSONValue.string(change))
            #expect(try program.run("cache", "explain", "nothing").status == 1)
            #expect(try program.run("serve", "--detach").status == 0)
            defer { _ = try? program.run("umount", "gallery") }
            let told = try program.names(in: "gallery/builds").map {
                try program.read("gallery/builds/\($0)/why")
            }
            #expect(told.contains { $0.contains("not cached: argument VERSION: 1 → 2\n") })
        }
    }

    @Test func `rawjson is an object a line, with the steps, their output and their ends`() throws {
        try withBase { program in
            try program.write("FROM base\nRUN echo hi\n", to: "context/Dockerfile")
            let build = try program.run("build", "--progress=rawjson", "context")
            #expect(build.status == 0)
            let lines = try build.errors.split(separator: "\n").map {
                try JSONParser.parse(Array($0.utf8))
            }
            let names = lines.compactMap { $0["vertexes"]?[0]?["name"]?.stringValue }
            #expect(Set(names).count == 3)
            #expect(lines.contains { $0["logs"]?[0]?["data"] == "aGkK" })
            #expect(lines.count { $0["vertexes"]?[0]?["completed"] != nil } == 3)
        }
    }

    @Test func `a build that stops after a step tells where its result is`() throws {
        try withBase { program in
            try program.write(
                "FROM base\nRUN echo a > /a\nRUN exit 1\n", to: "context/Dockerfile")
            let build = try program.run("build", "--target-step=2", "context")
            #expect(build.status == 0, "\(build.errors)")
            #expect(build.text.hasPrefix("step    2 [2/3] RUN echo a > /a\ntree    sha256:"))
            let path = try #require(
                build.text.split(separator: "\n").last?.dropFirst("gallery ".count))
            #expect(path.hasPrefix(program.directory + "/gallery/cache/"))
            #expect(try program.run("serve", "--detach").status == 0)
            defer { _ = try? program.run("umount", "gallery") }
            #expect(try String(contentsOfFile: path + "/a", encoding: .utf8) == "a\n")
            #expect(try program.run("images", "-q").text.split(separator: "\n").count == 1)
        }
    }

    // MARK: - The cache elsewhere, and its budget

    @Test func `an exported cache gives hits for all steps in an empty store`() throws {
        try withBase { program in
            try program.write(
                """
                FROM base AS tools
                RUN mkdir /out && seq 10 > /out/n && ln /out/n /out/m
                FROM base
                COPY f /f
                COPY --from=tools /out /out
                WORKDIR /w
                RUN echo x > y && rm /etc/passwd

                """, to: "context/Dockerfile")
            try program.write("content", to: "context/f")
            let export = "type=local,dest=\(program.directory)/cache,mode=max"
            let first = try program.run("build", "-q", "--cache-to", export, "context")
            #expect(first.status == 0, "\(first.errors)")
            try program.run("save", "-o", "base.tar", "base")
            let other = ["--root", program.directory + "/other"]
            #expect(try program.run(arguments: other + ["load", "-i", "base.tar"]).status == 0)
            let second = try program.run(
                arguments: other + [
                    "build", "--progress=plain", "--iidfile", "id", "--cache-from",
                    "type=local,src=\(program.directory)/cache", "context",
                ])
            #expect(second.status == 0, "\(second.errors)")
            #expect(second.errors.components(separatedBy: "CACHED").count == 6)
            #expect(try program.read("id") + "\n" == first.text)
            #expect(try program.run(arguments: other + ["fsck"]).status == 0)
        }
    }

    @Test func `of a damaged exported cache nothing wrong is taken`() throws {
        try withBase { program in
            try program.write("FROM base\nRUN echo x > /x\n", to: "context/Dockerfile")
            let place = "\(program.directory)/cache"
            try program.run("build", "--cache-to", "type=local,dest=\(place)", "context")
            try program.run("cache", "prune", "-af")
            for name in try program.names(in: "cache/blobs/sha256") {
                let path = place + "/blobs/sha256/" + name
                let size = try #require(
                    FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
                // The layer's tar is the largest blob.
                guard size >= 1024, size % 512 == 0 else { continue }
                var data = try Data(contentsOf: URL(filePath: path))
                data[1] ^= 1
                try data.write(to: URL(filePath: path))
            }
            let build = try program.run(
                "build", "--progress=plain", "--cache-from", "type=local,src=\(place)", "context")
            #expect(build.status == 0)
            #expect(build.errors.contains("was left out"))
            #expect(!build.errors.contains("CACHED"))
            try program.write("{}", to: "cache/index.json")
            let other = try program.run(
                "build", "--cache-from", "type=local,src=\(place)", "context")
            #expect(other.status == 0)
            #expect(other.errors.contains("nothing was taken from the cache at \(place)"))
            #expect(try program.run("fsck").status == 0)
        }
    }

    @Test(arguments: [
        ("type=registry,ref=x", "registry client, which is not there yet"),
        ("x/y:z", "registry client, which is not there yet"),
        ("type=inline", "type=inline"), ("type=gha", "type=gha"),
        ("type=local", "names no directory"), ("type=local,dest=d,mode=all", "no mode"),
        ("type=local,dest=d,ignore-error=perhaps", "neither true nor false"),
    ])
    func `a cache that is not to be had is refused before the build`(
        _ text: String, _ message: String
    ) throws {
        let program = try Program()
        defer { program.remove() }
        try program.write("FROM scratch\n", to: "context/Dockerfile")
        let build = try program.run("build", "--cache-to", text, "context")
        #expect(build.status == 64)
        #expect(build.errors.contains(message), "\(build.errors)")
    }

    @Test func `an export does not write over what is not its own`() throws {
        try withBase { program in
            try program.write("FROM base\nRUN true\n", to: "context/Dockerfile")
            try program.write("mine", to: "place/file")
            let build = try program.run("build", "--cache-to", "type=local,dest=place", "context")
            #expect(build.status == 1)
            #expect(build.errors.contains("something else than an exported cache"))
            let ignored = try program.run(
                "build", "-t", "app", "--cache-to", "type=local,dest=place,ignore-error=true",
                "context")
            #expect(ignored.status == 0, "\(ignored.errors)")
            #expect(ignored.errors.contains("the cache was not exported"), "\(ignored.errors)")
            #expect(try program.names(in: "place") == ["file"])
        }
    }

    @Test func `what was used last stays when the cache is over its budget`() throws {
        try withBase { program in
            for (name, first) in [("one", 1), ("two", 2)] {
                try program.write(
                    "FROM base\nRUN seq \(first) 200000 > /\(name)\n",
                    to: "\(name)/Dockerfile")
            }
            // What an image has too is none of the cache's.
            try program.run("build", "--target-step=2", "one")
            let second = try program.run(
                shell: "VITRINE_CACHE_BUDGET=2MB \"$VITRINE\" build --target-step=2 two")
            #expect(second.status == 0)
            #expect(second.errors.contains("1 cache entry removed"))
            let left = try program.run("cache", "ls", "--format", "{{.Instruction}}").text
            #expect(left == "RUN /bin/sh -c seq 2 200000 > /two # buildkit\n")
            let wrong = try program.run(
                shell: "VITRINE_CACHE_BUDGET=much \"$VITRINE\" build two")
            #expect(wrong.status == 1)
            #expect(wrong.errors.contains("VITRINE_CACHE_BUDGET is \"much\", which is no size"))
            let pruned = try program.run("cache", "prune", "-af", "--keep-storage", "1kB")
            #expect(
                pruned.text.wholeMatch(
                    of: #/Deleted build cache objects:\nsha256:\w{64}\n\nTotal .*: 1.\d+MB\n/#)
                    != nil, "\(pruned.text)")
            #expect(try program.run("fsck").status == 0)
        }
    }

    @Test func `what a failed build left drives nothing out of the cache`() throws {
        try withBase { program in
            func write(_ name: String, _ command: String) throws {
                try program.write("FROM base\nRUN \(command)\n", to: "\(name)/Dockerfile")
            }
            for number in 1...3 { try write("\(number)", "seq \(number) 200000 > /\(number)") }
            try write("failing", "seq 1 900000 > /large; false")
            // What an image has too is none of the cache's.
            try program.run("build", "--target-step=2", "1")
            try program.run("build", "--target-step=2", "2")
            #expect(try program.run("build", "failing").status == 1)
            let last = try program.run(
                shell: "VITRINE_CACHE_BUDGET=3MB \"$VITRINE\" build --target-step=2 3")
            #expect(last.errors.contains("1 cache entry removed"), "\(last.errors)")
            let left = try program.run("cache", "ls", "--format", "{{.Instruction}}").text
            #expect(left.contains("/3") && left.contains("/2") && !left.contains("/1"), "\(left)")
            #expect(try program.run("fsck").status == 0)
        }
    }

    @Test func `entries are listed by what they are and when they were used`() throws {
        try withBase { program in
            try program.write("FROM base\nWORKDIR /w\nRUN true\n", to: "context/Dockerfile")
            try program.run("build", "context")
            func list(_ filter: String) throws -> Program.Output {
                try program.run("cache", "ls", "--filter", filter, "--format", "{{.Instruction}}")
            }
            #expect(try list("instruction=WORKDIR").text == "WORKDIR /w\n")
            #expect(try list("inuse=true").text == "")
            #expect(try list("until=1h").text == "")
            try program.run("build", "context")
            #expect(try list("inuse=true").text.split(separator: "\n").count == 2)
            #expect(try list("size=1").status == 64)
        }
    }

    // MARK: - Looking where a step failed

    @Test func `a shell for a failed step needs a terminal, before anything is built`() throws {
        try withBase { program in
            try program.write("FROM base\nRUN exit 1\n", to: "context/Dockerfile")
            let build = try program.run("build", "--debug-on-failure", "context")
            #expect(build.status == 64)
            #expect(build.errors.contains("--debug-on-failure needs a terminal"))
            #expect(!build.errors.contains("RUN"))
        }
    }

    @Test func `the shell of a failed step has its files, environment, directory and terminal`()
        throws
    {
        try withBase { program in
            try program.write(
                """
                FROM base
                ENV GREETING=hello
                WORKDIR /place
                RUN echo left > file; exit 7

                """, to: "context/Dockerfile")
            let terminal = try PseudoTerminal(columns: 91, rows: 33)
            let before = terminal.modes
            let process = try program.start(
                shell: "exec setsid --ctty --wait \"$VITRINE\" build --debug context",
                input: terminal.slave, output: terminal.slave, errors: terminal.slave)
            try terminal.wait(for: "ended with exit code 7")
            try terminal.wait(for: "# ")
            terminal.type("cat file; echo $GREETING-$(pwd)\n")
            try terminal.wait(for: "left\r\n")
            try terminal.wait(for: "hello-/place\r\n")
            terminal.type("test -t 0 && echo it is a term''inal\n")
            try terminal.wait(for: "it is a terminal\r\n")
            terminal.type("/bin/busybox stty size\n")
            try terminal.wait(for: "33 91\r\n")
            terminal.resize(columns: 120, rows: 40)
            terminal.type("until [ \"$(/bin/busybox stty size)\" = '40 120' ]; do :; done\n")
            terminal.type("echo it fit''s\n")
            try terminal.wait(for: "fits\r\n")
            // Ctrl-C is for the shell, not for the build.
            terminal.type("sleep 1000\n")
            try terminal.wait(for: "sleep 1000")
            usleep(300_000)
            terminal.type("\u{3}")
            try terminal.wait(for: "# ")
            terminal.type("echo more > added; exit 0\n")
            let rest = try terminal.finish(process)
            #expect(process.terminationStatus == 1)
            #expect(rest.contains("exit code 7"))
            #expect(terminal.modes == before)
            #expect(try program.names(in: "store/work") == [])
            #expect(try program.run("serve", "--detach").status == 0)
            defer { _ = try? program.run("umount", "gallery") }
            let build = try #require(try program.names(in: "gallery/builds").first)
            #expect(try program.read("gallery/builds/\(build)/failed/place/added") == "more\n")
        }
    }

    @Test func `a copy that fails is looked at in the state before it, as its stage's user`() throws
    {
        try withBase { program in
            try program.write("content", to: "context/f")
            try program.write(
                """
                FROM base
                ENV GREETING=hello
                WORKDIR /place
                RUN echo before > file
                COPY f /place/file/below

                """, to: "context/Dockerfile")
            let terminal = try PseudoTerminal(columns: 91, rows: 33)
            let process = try program.start(
                shell: "exec setsid --ctty --wait \"$VITRINE\" build --debug context",
                input: terminal.slave, output: terminal.slave, errors: terminal.slave)
            try terminal.wait(for: "This is a shell where it failed")
            try terminal.wait(for: "# ")
            terminal.type("cat file; echo $GREETING-$(pwd); echo more > added\n")
            try terminal.wait(for: "before\r\n")
            try terminal.wait(for: "hello-/place\r\n")
            terminal.type("exit 0\n")
            let rest = try terminal.finish(process)
            #expect(process.terminationStatus == 1)
            #expect(rest.contains("is no directory"), "\(rest)")
            #expect(try program.names(in: "store/work") == [])
            #expect(try program.run("serve", "--detach").status == 0)
            defer { _ = try? program.run("umount", "gallery") }
            let build = try #require(try program.names(in: "gallery/builds").first)
            #expect(try program.read("gallery/builds/\(build)/failed/place/added") == "more\n")
        }
    }

    @Test func `a terminal that cannot move its cursor is shown plain lines`() throws {
        try withBase { program in
            try program.write("FROM base\nRUN echo said\n", to: "context/Dockerfile")
            let terminal = try PseudoTerminal()
            let process = try program.start(
                shell: "TERM=dumb exec \"$VITRINE\" build context",
                input: terminal.slave, output: terminal.slave, errors: terminal.slave)
            let shown = try terminal.finish(process)
            #expect(process.terminationStatus == 0)
            #expect(shown.contains("said"))
            #expect(!shown.contains("\u{1B}"), "\(shown)")
        }
    }

    @Test func `a copy of what is not there is looked at, too`() throws {
        try withBase { program in
            try program.write(
                "FROM base AS one\nFROM base\nRUN echo here > /f\nCOPY --from=one /absent /x\n",
                to: "context/Dockerfile")
            let terminal = try PseudoTerminal(columns: 91, rows: 33)
            let process = try program.start(
                shell: "exec setsid --ctty --wait \"$VITRINE\" build --debug context",
                input: terminal.slave, output: terminal.slave, errors: terminal.slave)
            try terminal.wait(for: "This is a shell where it failed")
            try terminal.wait(for: "# ")
            terminal.type("echo $(cat /f)-seen\n")
            try terminal.wait(for: "here-seen\r\n")
            terminal.type("exit 0\n")
            _ = try terminal.finish(process)
            #expect(process.terminationStatus == 1)
            #expect(try program.names(in: "store/work") == [])
        }
    }

    @Test func `an image without a shell is looked at with the host's, in its directory`() throws {
        try withBase { program in
            try program.write("content", to: "context/f")
            try program.write(
                "FROM scratch\nCOPY f /there\nCOPY f /there/below\n", to: "context/Dockerfile")
            let terminal = try PseudoTerminal(columns: 200, rows: 33)
            let process = try program.start(
                shell: "SHELL=/bin/sh exec setsid --ctty --wait \"$VITRINE\" build --debug context",
                input: terminal.slave, output: terminal.slave, errors: terminal.slave)
            try terminal.wait(for: "The image has no /bin/sh")
            try terminal.wait(for: "This is the host's /bin/sh instead")
            try terminal.wait(for: "# ")
            terminal.type("ls; echo $(cat there)-seen\n")
            try terminal.wait(for: "content-seen\r\n")
            terminal.type("exit 0\n")
            let rest = try terminal.finish(process)
            #expect(process.terminationStatus == 1)
            #expect(rest.contains("/there is no directory"), "\(rest)")
            #expect(try program.names(in: "store/work") == [])
        }
    }
}
