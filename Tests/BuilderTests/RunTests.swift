import Builder
import Dockerfile
import FileTree
import ImageSpec
import LinuxIO
import Sandbox
import Store
import Synchronization
import Testing

@Suite("RUN and WORKDIR")
struct RunTests {
    @Test("a command sees the environment, the ARGs, the user and the directory")
    func request() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base") { $0.config.user = "1000" }
        try fixture.build(
            """
            FROM base
            ARG one=1 two
            ARG three
            ENV four=4
            WORKDIR /w
            WORKDIR x
            RUN true
            """
        ) { $0.buildArguments = [BuildArgument(name: "two", value: "2")] }
        let request = try #require(fixture.executor.requests.withLock { $0 }.first)
        #expect(request.environment == ["PATH=/usr/bin:/bin", "one=1", "two=2", "four=4"])
        #expect(request.arguments == ["/bin/sh", "-c", "true"])
        #expect(request.workingDirectory == "/w/x")
        #expect(request.user == "1000")
        #expect(request.network == .host)
        #expect(request.hostname == "buildkitsandbox")
        #expect(request.files.isEmpty)
    }

    @Test("proxies are seen by commands, and not by history and cache")
    func proxies() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        let first = try fixture.build("FROM base\nRUN true") {
            $0.buildArguments = [BuildArgument(name: "http_proxy", value: "http://p")]
        }
        let request = try #require(fixture.executor.requests.withLock { $0 }.first)
        #expect(
            request.environment == [
                "PATH=/usr/bin:/bin", "HTTP_PROXY=http://p", "http_proxy=http://p",
            ])
        #expect(first.history == ["RUN /bin/sh -c true # buildkit"])
        #expect(first.observer.warnings.isEmpty)
        let second = try fixture.build("FROM base\nRUN true")
        #expect(second.observer.outcomes == ["done", "cached"])
    }

    struct Form: CustomTestStringConvertible {
        var lines: String
        var arguments: [String]
        var history: String
        var testDescription: String { lines }
    }

    @Test(
        "each form of a command line",
        arguments: [
            Form(
                lines: "RUN [\"a\", \"b c\"]", arguments: ["a", "b c"],
                history: "RUN a b c # buildkit"),
            Form(
                lines: "SHELL [\"/bin/bash\", \"-c\"]\nRUN x  y",
                arguments: ["/bin/bash", "-c", "x  y"],
                history: "RUN /bin/bash -c x  y # buildkit"),
            Form(
                lines: "RUN a \\\n  && b", arguments: ["/bin/sh", "-c", "a   && b"],
                history: "RUN /bin/sh -c a   && b # buildkit"),
            Form(
                lines: "RUN <<EOF\necho 1\necho 2\nEOF",
                arguments: ["/bin/sh", "-c", "echo 1\necho 2\n"],
                history: "RUN /bin/sh -c echo 1\necho 2\n # buildkit"),
            Form(
                lines: "RUN cat <<EOF\nx\nEOF", arguments: ["/bin/sh", "-c", "cat <<EOF\nx\nEOF"],
                history: "RUN /bin/sh -c cat <<EOF\nx\nEOF # buildkit"),
            Form(
                lines: "RUN <<EOF\n#!/usr/bin/env python3\nprint()\nEOF",
                arguments: ["/bin/sh", "-c", "/dev/pipes/EOF"],
                history: "RUN /bin/sh -c /dev/pipes/EOF # buildkit"),
            Form(
                lines: "ARG a=1\nARG b\nRUN x", arguments: ["/bin/sh", "-c", "x"],
                history: "RUN |2 a=1 b= /bin/sh -c x # buildkit"),
        ])
    func forms(_ form: Form) throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        let built = try fixture.build("FROM base\n\(form.lines)")
        let request = try #require(fixture.executor.requests.withLock { $0 }.first)
        #expect(request.arguments == form.arguments)
        #expect(built.history.last == form.history)
    }

    @Test("a heredoc with an interpreter is a file that the step sees")
    func script() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        try fixture.build("FROM base\nRUN <<EOF\n#!/bin/sh\necho\nEOF")
        let request = try #require(fixture.executor.requests.withLock { $0 }.first)
        #expect(
            request.files == [
                StepFile(
                    path: "/dev/pipes/EOF", permissions: 0o755,
                    content: Array("#!/bin/sh\necho\n".utf8))
            ])
    }

    @Test(
        "the network of a step is its own, or the build's",
        arguments: [
            ("RUN true", Network.none), ("RUN --network=host true", .host),
            ("RUN --network=none true", .none), ("RUN --network=default true", .none),
        ])
    func network(_ line: String, _ expected: Network) throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        try fixture.build("FROM base\n\(line)") { $0.network = .none }
        #expect(fixture.executor.requests.withLock { $0.first?.network } == expected)
    }

    @Test("a command that changes nothing makes a layer with an empty tar")
    func emptyLayer() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        let built = try fixture.build("FROM base\nRUN true")
        #expect(
            built.config.diffIDs.last?.description
                == "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef")
        #expect(built.config.history.last?.emptyLayer == false)
    }

    @Test("WORKDIR makes the directory as USER's, and is a layer even where it exists")
    func workingDirectory() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage(
            "base",
            files: ["etc/passwd": "app:x:5:6::/:/bin/sh\n", "there/": "", "real/": ""],
            links: ["link": "real"])
        let built = try fixture.build(
            """
            FROM base
            WORKDIR /a/b
            USER app
            WORKDIR c
            WORKDIR /there
            WORKDIR /link/d
            """)
        #expect(
            try fixture.listing(built.tree).filter { !$0.hasPrefix("/etc") } == [
                "/a/ 755 0:0", "/a/b/ 755 0:0", "/a/b/c/ 755 5:6", "/link 777 0:0 -> real",
                "/real/ 755 0:0", "/real/d/ 755 5:6", "/there/ 755 0:0",
            ])
        #expect(
            built.history == [
                "WORKDIR /a/b", "USER app", "WORKDIR /a/b/c", "WORKDIR /there", "WORKDIR /link/d",
            ])
        #expect(
            built.config.history.map(\.emptyLayer) == [false, false, true, false, false, false])
        #expect(built.config.config.workingDirectory == "/link/d")
    }

    @Test("an absolute WORKDIR is kept as it is written, and commands begin in the clean one")
    func workingDirectoryAsWritten() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base", files: ["f": ""])
        let built = try fixture.build(
            """
            FROM base
            WORKDIR /a/./b/../c/
            RUN true
            WORKDIR d/
            WORKDIR //
            """)
        #expect(
            built.history.filter { $0.hasPrefix("WORKDIR") } == [
                "WORKDIR /a/./b/../c/", "WORKDIR /a/c/d", "WORKDIR //",
            ])
        #expect(built.config.config.workingDirectory == "//")
        let request = try #require(fixture.executor.requests.withLock { $0 }.first)
        #expect(request.workingDirectory == "/a/c")
        #expect(
            try fixture.listing(built.tree).prefix(3) == [
                "/a/ 755 0:0", "/a/c/ 755 0:0", "/a/c/d/ 755 0:0",
            ])
    }

    @Test("a failed command tells its code, its place, its output, and keeps its state")
    func failure() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        let error = try fixture.failure(
            "FROM base\n\nRUN write x 1 && echo so far && exit 3\nRUN true")
        #expect(error.code == .commandFailed)
        #expect(error.command?.exitCode == 3)
        #expect(error.command?.step == 2)
        #expect(error.command?.outputTail == ["so far"])
        #expect(
            error.rendered() == """
                ------
                   > so far
                ------
                Dockerfile:3:1: the command "/bin/sh -c write x 1 && echo so far && exit 3" \
                ended with exit code 3
                   3 | RUN write x 1 && echo so far && exit 3
                     | ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
                """)
        #expect(fixture.executor.commands.count == 1)
        let build = try #require(try fixture.store.builds().first)
        #expect(build.status == .failed)
        let steps = try fixture.store.steps(ofBuild: build.id)
        #expect(steps.map(\.outcome) == [.done, .failed])
        let failed = try #require(steps.last)
        #expect(try fixture.node("x", in: failed.tree) != nil)
        #expect(try fixture.node("x", in: failed.parentTree) == nil)
        let log = try OwnedDescriptor(
            opening: error.command?.logPath ?? "", .readOnly)
        #expect(
            try DescriptorIO.readAll(log.rawValue, limit: 100) == Array("so far\n".utf8))
        // It is run again the next time.
        #expect(try fixture.failure("FROM base\n\nRUN exit 3").code == .commandFailed)
    }

    @Test("the code of a command that was killed says what may have happened")
    func killed() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        let error = try fixture.failure("FROM base\nRUN exit 137")
        #expect(error.message == "the command \"/bin/sh -c exit 137\" ended with exit code 137")
        #expect(error.hint == "137 means that signal 9 ended it, often because memory ran out")
    }

    @Test("a script that is not UTF-8 is refused, not changed; a file may hold any bytes")
    func scriptBytes() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        func build(_ body: [UInt8]) throws {
            try fixture.build("") {
                $0.dockerfile = .text(
                    DockerfileText(
                        name: "Dockerfile",
                        bytes: Array("FROM base\nRUN <<E\n".utf8) + body + Array("\nE\n".utf8)))
            }
        }
        let error = try #require(throws: BuildError.self) {
            try build(Array("echo '".utf8) + [0xFF, 0x27])
        }
        #expect(error.code == .unsupported)
        #expect(error.message == "the script in the heredoc of RUN is not UTF-8")
        try build(Array("#!/bin/sh\necho '".utf8) + [0xFF, 0x27])
        let file = try #require(fixture.executor.requests.withLock { $0.last?.files.first })
        #expect(file.content.contains(0xFF))
    }

    @Test("a cancelled build ends as cancelled, and nothing after the step is run")
    func cancellation() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        let error = try fixture.failure("FROM base\nRUN cancel\nRUN true")
        #expect(error.code == .cancelled)
        #expect(fixture.executor.commands == ["cancel"])
        #expect(try fixture.store.builds().first?.status == .cancelled)
    }

    @Test("the whole output of a step is in its log")
    func log() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        let built = try fixture.build("FROM base\nRUN echo 1\nRUN echo 2 && echo 3")
        #expect(built.observer.output == "1\n2\n3\n")
        let path = fixture.store.layout.buildLogs(built.result.build) + "/03.log"
        let log = try OwnedDescriptor(opening: path, .readOnly)
        #expect(
            try DescriptorIO.readAll(log.rawValue, limit: 100) == Array("2\n3\n".utf8))
    }

    @Test func `arguments of BuildKit's name the host, and count`() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        for name in ["one", "two", "two"] {
            try fixture.build("FROM base\nRUN true") {
                $0.buildArguments = [.init(name: "BUILDKIT_SANDBOX_HOSTNAME", value: name)]
            }
        }
        #expect(fixture.executor.requests.withLock { $0.map(\.hostname) } == ["one", "two"])
    }

    @Test func `the cache of some stages can be left alone`() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        let text = "FROM base AS One\nRUN write a 1\nFROM base\nRUN write b 1\nCOPY --from=one a /"
        for filter in [[], ["one"], ["1"]] as [Set<String>] {
            try fixture.build(text) { $0.ignoresCacheOfStages = filter }
        }
        #expect(
            fixture.executor.commands.sorted() == [
                "write a 1", "write a 1", "write b 1", "write b 1",
            ])
    }
}
