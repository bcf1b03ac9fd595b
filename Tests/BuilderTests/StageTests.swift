import Builder
import Dockerfile
import FileTree
import ImageSpec
import Store
import Synchronization
import Testing

@Suite("Stages")
struct StageTests {
    @Test(arguments: [BuildError.Code.failed, .cancelled, .contextUnreadable])
    func `what is not the Dockerfile's fault is not told as such`(_ code: BuildError.Code) {
        let place = SourcePosition(line: 1, column: 1)
        var error = BuildError(
            code, "the store refused", at: SourceRange(start: place, end: place))
        error.dockerfile = DockerfileText(name: "Dockerfile", bytes: Array("FROM a".utf8))
        let instruction = code == .cancelled ? "" : "\nin Dockerfile:1: FROM a"
        #expect(error.rendered() == "the store refused" + instruction)
        error.code = .invalidArgument
        #expect(error.rendered().hasPrefix("Dockerfile:1:1: the store refused\n"))
    }

    @Test("files come from stages by name, by number, and from images")
    func sources() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("other", files: ["o": "other"])
        try fixture.makeImage("base")
        let built = try fixture.build(
            """
            FROM base AS First
            RUN write a 1
            FROM base AS second
            RUN write b 2
            FROM scratch
            COPY --from=first /a /
            COPY --from=1 b /
            COPY --from=other o /
            """)
        #expect(
            try fixture.listing(built.tree) == [
                "/a 644 0:0 1", "/b 644 0:0 2", "/o 644 0:0 other",
            ])
        #expect(
            built.observer.labels == [
                "[first 1/2] FROM docker.io/library/base:latest", "[first 2/2] RUN write a 1",
                "[second 1/2] FROM docker.io/library/base:latest", "[second 2/2] RUN write b 2",
                "[stage-2 1/3] COPY --from=first /a /", "[stage-2 2/3] COPY --from=1 b /",
                "[stage-2 3/3] COPY --from=other o /", "exporting to image",
            ])
    }

    @Test(arguments: [
        ("FROM base AS Final", nil, "final"), ("FROM base AS Final", "FINAL", "FINAL"),
        ("FROM base AS final\nFROM final", nil, "default"), ("FROM base AS final", "0", "0"),
    ])
    func `TARGETSTAGE is the target, or the name of the last stage`(
        _ stages: String, _ target: String?, _ expected: String
    ) throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        let built = try fixture.build("\(stages)\nARG TARGETSTAGE\nENV e=$TARGETSTAGE") {
            $0.target = target
        }
        #expect(built.config.config.environmentValue("e") == expected)
    }

    @Test func `what triggers of a base can be given is told`() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("onb") {
            $0.config.onBuild = [
                "ARG RELEASE", "RUN --mount=type=secret,id=TOK --mount=type=cache,target=/c true",
            ]
        }
        func outline(_ text: String) throws -> StageOutline {
            let options = BuildOptions(
                dockerfile: .text(DockerfileText(name: "Dockerfile", bytes: Array(text.utf8))))
            return try Builder(store: fixture.store, executor: fixture.executor).outline(
                options, context: .directory(fixture.context)
            ).0
        }
        let found = try outline("FROM onb\nRUN echo $RELEASE")
        #expect(found.arguments.map(\.name) == ["RELEASE"])
        #expect(found.secrets.map(\.id) == ["TOK"])
        #expect(found.caches == ["/c"])
        // Of a stage of the file, and of none that is not there.
        let own = try outline("FROM none AS one\nONBUILD ARG OWN\nFROM one\nRUN true")
        #expect(own.arguments.map(\.name) == ["OWN"])
    }

    @Test func `an image for Windows has no PATH, and a shell of its own`() throws {
        let fixture = try BuildFixture()
        let built = try fixture.build(
            "FROM scratch AS a\nCMD x\nFROM a\nENTRYPOINT foo bar\nSHELL [\"s\"]\nCMD y"
        ) { $0.platform = try? Platform.parse("windows/amd64") }
        let config = built.config.config
        #expect(config.environment == [])
        #expect(config.entrypoint == ["cmd", "/S", "/C", "foo bar"])
        #expect(config.command == ["s", "y"])
    }

    @Test("a stage on a stage goes on with its config, history and ARGs")
    func stageOnStage() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        let built = try fixture.build(
            """
            FROM base AS one
            ARG a=1
            ENV e=2
            CMD ["c"]
            RUN write x 1
            FROM one
            ENTRYPOINT ["e"]
            RUN true
            """)
        #expect(built.config.config.environment == ["PATH=/usr/bin:/bin", "e=2"])
        // An ENTRYPOINT forgets the command of another stage.
        #expect(built.config.config.command.isEmpty)
        #expect(
            built.history == [
                "ARG a=1", "ENV e=2", "CMD [\"c\"]",
                "RUN |1 a=1 /bin/sh -c write x 1 # buildkit", "ENTRYPOINT [\"e\"]",
                "RUN |1 a=1 /bin/sh -c true # buildkit",
            ])
        #expect(built.config.diffIDs.count == 3)
    }

    @Test(
        "only what the target needs is built",
        arguments: [
            (String?.none, ["write c 3"]), ("a", ["write a 1"]), ("B", ["write a 1", "write b 2"]),
            ("0", ["write a 1"]),
        ])
    func target(_ target: String?, _ commands: [String]) throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        try fixture.build(
            """
            FROM base AS a
            RUN write a 1
            FROM a AS b
            RUN write b 2
            FROM base AS c
            RUN write c 3
            """
        ) { $0.target = target }
        #expect(fixture.executor.commands == commands)
    }

    @Test("global ARGs are seen by FROM, and by stages that declare them")
    func globalArguments() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base:2")
        let built = try fixture.build(
            """
            ARG tag=1
            ARG extra=x
            FROM base:$tag
            ARG extra
            ARG TARGETARCH
            RUN printenv extra && printenv tag && printenv TARGETARCH
            """
        ) { $0.buildArguments = [BuildArgument(name: "tag", value: "2")] }
        #expect(
            built.observer.output == "extra=x\ntag\nTARGETARCH=\(Platform.host.architecture)\n")
    }

    @Test("the name of an ARG is expanded, and counts as declared")
    func argumentNames() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        let built = try fixture.build(
            "FROM base\nARG which=level\nARG $which=1 max_${which}=2\nRUN printenv level"
        ) { $0.buildArguments = [BuildArgument(name: "max_level", value: "3")] }
        #expect(built.observer.output == "level=1\n")
        #expect(built.history[1] == "ARG level=1 max_level=3")
        #expect(built.observer.warnings.isEmpty)
    }

    @Test("a default that a build argument overrides is not expanded")
    func overriddenDefault() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base:2")
        let text = "ARG tag=${none:?missing}\nFROM base:$tag\nARG x=${none:?absent}"
        let built = try fixture.build(text) {
            $0.buildArguments = ["tag", "x"].map { BuildArgument(name: $0, value: "2") }
        }
        #expect(built.history == ["ARG x=2"])
        #expect(try fixture.failure(text).message.contains("missing"))
    }

    @Test("the triggers of a stage run once in the stages on it, and are not theirs")
    func stageTriggers() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base") { $0.config.onBuild = ["RUN write first 1"] }
        let built = try fixture.build(
            """
            FROM base AS one
            ONBUILD COPY --from=three /z /y
            ONBUILD RUN write x 1
            FROM one AS two
            RUN true
            FROM base AS three
            RUN write z 1
            FROM two
            RUN true
            """)
        #expect(
            fixture.executor.commands.sorted() == [
                "true", "write first 1", "write x 1", "write z 1",
            ])
        #expect(
            try fixture.listing(built.tree) == [
                "/first 644 0:0 1", "/x 644 0:0 1", "/y 644 0:0 1",
            ])
        #expect(built.config.config.onBuild.isEmpty)
        let own = try fixture.build("FROM base AS one\nONBUILD RUN write x 1") {
            $0.target = "one"
        }
        #expect(own.config.config.onBuild == ["RUN write x 1"])
    }

    @Test("a build argument that nobody declares is told")
    func unusedArguments() throws {
        let fixture = try BuildFixture()
        let built = try fixture.build("FROM scratch\nARG a\nLABEL x=$a") {
            $0.buildArguments = ["b", "a", "HTTP_PROXY", "c"].map {
                BuildArgument(name: $0, value: "1")
            }
        }
        #expect(
            built.observer.warnings == ["One or more build-args [b c] were not consumed"])
    }

    @Test("triggers run first, once, and are gone from the image")
    func triggers() throws {
        let fixture = try BuildFixture()
        try fixture.write("a.txt", "A")
        try fixture.makeImage("plain")
        let baseName = try Reference(parsing: "base")
        let base = try fixture.build(
            """
            FROM plain
            ONBUILD ARG v=1
            ONBUILD COPY a.txt /app/
            ONBUILD RUN write done $v
            """
        ) { $0.tags = [baseName] }
        #expect(
            base.config.config.onBuild == [
                "ARG v=1", "COPY a.txt /app/", "RUN write done $v",
            ])
        let built = try fixture.build("FROM base\nRUN write last 1")
        #expect(built.config.config.onBuild.isEmpty)
        #expect(
            built.observer.labels == [
                "[1/4] FROM docker.io/library/base:latest", "[2/4] ONBUILD COPY a.txt /app/",
                "[3/4] ONBUILD RUN write done 1", "[4/4] RUN write last 1",
                "exporting to image",
            ])
        #expect(
            built.history == [
                "ARG v=1", "COPY a.txt /app/ # buildkit",
                "RUN |1 v=1 /bin/sh -c write done $v # buildkit",
                "RUN |1 v=1 /bin/sh -c write last 1 # buildkit",
            ])
    }

    @Test("a trigger can copy from a stage that only it names")
    func triggerNeedsStage() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base") { $0.config.onBuild = ["COPY --from=tools /t /t"] }
        let built = try fixture.build("FROM scratch AS tools\nCOPY <<t /\nx\nt\nFROM base")
        #expect(try fixture.listing(built.tree) == ["/t 644 0:0 x\n"])
    }

    @Test("a base image that is not there is told before anything runs")
    func missingImage() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("debian:bookworm")
        let error = try fixture.failure(
            "FROM debian:bookworm\nRUN true\nFROM debian:trixie\nCOPY --from=0 / /")
        #expect(error.code == .imageNotFound)
        #expect(error.message == "the store has no image debian:trixie")
        #expect(
            error.hint == "the store has debian:bookworm; \"vitrine load\" takes images that "
                + "other tools saved, \"vitrine import\" a root filesystem")
        #expect(error.range?.start.line == 3)
        #expect(fixture.executor.commands.isEmpty)
    }

    @Test("images are found by ID, by the start of one, and by name")
    func references() throws {
        let fixture = try BuildFixture()
        let id = try fixture.makeImage("base")
        for name in [id.description, id.digest.hex, id.digest.short, "docker.io/library/base"] {
            let built = try fixture.build("FROM \(name)\nLABEL a=b")
            #expect(built.config.diffIDs.count == 1)
        }
    }

    @Test("an empty image is for the platform of the build, whatever FROM says")
    func scratchPlatform() throws {
        let fixture = try BuildFixture()
        try fixture.write("f", "F")
        let text = "FROM --platform=linux/s390x scratch\nCOPY f /"
        #expect(try fixture.build(text).config.platform == .host)
        let other = Platform(os: "linux", architecture: "riscv64")
        #expect(try fixture.build(text) { $0.platform = other }.config.platform == other)
    }

    @Test("an image for another processor is refused where one is asked for")
    func platforms() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base") { $0.architecture = "s390x" }
        let error = try fixture.failure("FROM --platform=linux/ppc64le base")
        #expect(error.code == .platformMismatch)
        #expect(error.message == "the image base is for linux/s390x, not for linux/ppc64le")
        let built = try fixture.build("FROM base")
        #expect(built.config.architecture == "s390x")
        #expect(built.observer.warnings.count == 1)
    }

    @Test("tags name the image, --label adds to it")
    func tags() throws {
        let fixture = try BuildFixture()
        let names = try ["a:1", "example.org/b"].map { try Reference(parsing: $0) }
        let built = try fixture.build("FROM scratch\nLABEL x=1 y=1") {
            $0.tags = names
            $0.labels = [("y", "2"), ("z", "3")]
        }
        for name in names {
            #expect(try fixture.store.image(named: name)?.id == built.result.image)
        }
        #expect(built.config.config.labels == ["x": "1", "y": "2", "z": "3"])
        #expect(try fixture.store.builds().first?.title == "a:1")
        #expect(try fixture.store.builds().first?.image == built.result.image)
    }

    @Test("mistakes in the Dockerfile have their place")
    func syntax() throws {
        let fixture = try BuildFixture()
        let error = try fixture.failure("FROM scratch\nWORKDIR")
        #expect(error.code == .invalidDockerfile)
        #expect(
            error.rendered() == """
                Dockerfile:2:1: WORKDIR requires exactly one argument
                   2 | WORKDIR
                     | ^~~~~~~
                """)
    }
}
