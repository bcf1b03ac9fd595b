import Builder
import Dockerfile
import FileTree
import ImageSpec
import Testing

@Suite("The instructions that change the config")
struct InstructionTests {
    struct Case: CustomTestStringConvertible {
        var lines: String
        var history: [String]
        var check: @Sendable (ContainerConfig) -> Bool
        var testDescription: String { lines }

        init(
            _ lines: String, _ history: [String],
            _ check: @escaping @Sendable (ContainerConfig) -> Bool = { _ in true }
        ) {
            self.lines = lines
            self.history = history
            self.check = check
        }
    }

    static let cases: [Case] = [
        Case("ENV a=1 b=\"x y\"", ["ENV a=1 b=x y"]) {
            $0.environment == ["PATH=/usr/bin:/bin", "a=1", "b=x y"]
        },
        Case("ENV a=1\nENV a=2 b=$a", ["ENV a=1", "ENV a=2 b=1"]) {
            $0.environment == ["PATH=/usr/bin:/bin", "a=2", "b=1"]
        },
        Case("ENV PATH=/opt/bin:$PATH", ["ENV PATH=/opt/bin:/usr/bin:/bin"]) {
            $0.environment == ["PATH=/opt/bin:/usr/bin:/bin"]
        },
        Case("LABEL a=1 b=two", ["LABEL a=1 b=two"]) { $0.labels == ["a": "1", "b": "two"] },
        Case("CMD [\"x\", \"y z\"]", ["CMD [\"x\" \"y z\"]"]) {
            $0.command == ["x", "y z"] && $0.argsEscaped
        },
        Case("CMD echo $HOME", ["CMD [\"/bin/sh\" \"-c\" \"echo $HOME\"]"]) {
            $0.command == ["/bin/sh", "-c", "echo $HOME"]
        },
        Case("ENTRYPOINT [\"/e\"]", ["ENTRYPOINT [\"/e\"]"]) {
            $0.entrypoint == ["/e"] && $0.command.isEmpty
        },
        Case("CMD [\"c\"]\nENTRYPOINT [\"/e\"]", ["CMD [\"c\"]", "ENTRYPOINT [\"/e\"]"]) {
            $0.command == ["c"]
        },
        Case(
            "SHELL [\"/bin/bash\", \"-ec\"]\nCMD x",
            ["SHELL [/bin/bash -ec]", "CMD [\"/bin/bash\" \"-ec\" \"x\"]"]
        ) { $0.shell == ["/bin/bash", "-ec"] },
        Case("USER app:staff", ["USER app:staff"]) { $0.user == "app:staff" },
        Case("EXPOSE 90/udp 80 8000-8001", ["EXPOSE [80/tcp 8000/tcp 8001/tcp 90/udp]"]) {
            $0.exposedPorts == ["80/tcp", "90/udp", "8000/tcp", "8001/tcp"]
        },
        Case("VOLUME /a /b", ["VOLUME [/a /b]"]) { $0.volumes == ["/a", "/b"] },
        Case("STOPSIGNAL SIGUSR1", ["STOPSIGNAL SIGUSR1"]) { $0.stopSignal == "SIGUSR1" },
        Case(
            "HEALTHCHECK --interval=90s --retries=3 CMD test -e /x",
            [
                "HEALTHCHECK {Test:[CMD-SHELL test -e /x] Interval:1m30s Timeout:0s "
                    + "StartPeriod:0s StartInterval:0s Retries:3}"
            ]
        ) {
            $0.healthCheck
                == HealthCheck(
                    test: ["CMD-SHELL", "test -e /x"], interval: .seconds(90), retries: 3)
        },
        Case(
            "HEALTHCHECK NONE",
            [
                "HEALTHCHECK {Test:[NONE] Interval:0s Timeout:0s StartPeriod:0s "
                    + "StartInterval:0s Retries:0}"
            ]
        ) { $0.healthCheck?.test == ["NONE"] },
        Case("ONBUILD RUN x", []) { $0.onBuild == ["RUN x"] },
        Case("ARG a=1\nARG b\nENV c=$a$b", ["ARG a=1", "ARG b", "ENV c=1"]) {
            $0.environment == ["PATH=/usr/bin:/bin", "c=1"]
        },
        Case("WORKDIR /", ["WORKDIR /"]) { $0.workingDirectory == "/" },
    ]

    @Test("history and config are BuildKit's", arguments: cases)
    func metadata(_ example: Case) throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base") {
            $0.config.command = ["inherited"]
        }
        let built = try fixture.build("FROM base\n" + example.lines)
        #expect(built.history == example.history)
        #expect(example.check(built.config.config), "\(built.config.config)")
        #expect(built.config.history.count { !$0.emptyLayer } == 1)
        #expect(built.config.diffIDs.count == 1)
        // Metadata has the time of the layer before it.
        #expect(built.config.created == Timestamp(unixSeconds: 1_500_000_000))
    }

    @Test("an image of a time that 64 bits of nanoseconds cannot hold is built on")
    func farTime() throws {
        let fixture = try BuildFixture()
        let far = Timestamp("9999-12-31T23:59:59Z")
        try fixture.makeImage("base") {
            $0.created = far
            $0.history = $0.history.map { entry in
                var entry = entry
                entry.created = far
                return entry
            }
        }
        let built = try fixture.build("FROM base\nENV a=b")
        #expect(built.config.created == far)
    }

    @Test("MAINTAINER is the image's author, with a warning")
    func maintainer() throws {
        let fixture = try BuildFixture()
        let built = try fixture.build("FROM scratch\nMAINTAINER Jo <jo@example.org>")
        #expect(built.config.author == "Jo <jo@example.org>")
        #expect(built.history == ["MAINTAINER Jo <jo@example.org>"])
        #expect(
            built.observer.warnings == [
                "Maintainer instruction is deprecated in favor of using label"
            ])
    }

    @Test("an image from scratch has a path and the root as working directory")
    func scratch() throws {
        let fixture = try BuildFixture()
        let built = try fixture.build("FROM scratch\nLABEL a=b")
        #expect(built.config.config.environment == ["PATH=\(defaultPath)"])
        #expect(built.config.config.workingDirectory == "/")
        #expect(built.config.diffIDs.isEmpty)
        #expect(built.tree == .empty)
        #expect(built.config.platform == .host)
    }

    private var defaultPath: String {
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    }

    @Test("what only the base image's builder needed is gone, what containers need stays")
    func extras() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base") {
            $0.dockerVersion = "20.10"
            $0.author = "somebody"
            $0.extras["container"] = "0123"
            $0.config.extras["Hostname"] = "h"
            $0.config.extras["StopTimeout"] = 7
            $0.config.command = ["sh"]
        }
        let config = try fixture.build("FROM base").config
        #expect(config.dockerVersion == nil)
        #expect(config.author == "somebody")
        #expect(config.extras.isEmpty)
        #expect(config.config.extras == JSONObject([.init("StopTimeout", 7)]))
        #expect(config.config.command == ["sh"])
    }

    @Test(
        "wrong values say what would be right",
        arguments: [
            ("STOPSIGNAL SIGNOPE", "invalid signal: SIGNOPE"),
            ("EXPOSE 70000", "invalid containerPort: 70000"),
            ("RUN --mount=type=$x,target=/c true", "unsupported mount type \"\""),
            ("RUN --security=insecure true", "security.insecure is not allowed"),
            ("COPY https://example.org/x /x", "source can't be a URL for COPY"),
            ("VOLUME $unset /x", "VOLUME specified can not be an empty string"),
            ("RUN []", "RUN has no command to run"),
        ])
    func errors(_ line: String, _ message: String) throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        let error = try fixture.failure("FROM base\n\(line)")
        #expect(error.message == message)
        #expect(error.range?.start.line == 2)
        #expect(error.rendered().hasPrefix("Dockerfile:2:"))
    }

    @Test("ten thousand variables take seconds, not minutes", .timeLimit(.minutes(30)))
    func manyVariables() throws {
        let fixture = try BuildFixture()
        let lines = (0..<10_000).map { "ENV v\($0)=\($0)" }
        let built = try fixture.build("FROM scratch\n" + lines.joined(separator: "\n"))
        #expect(built.config.config.environment.count == 10_001)
        #expect(built.config.config.environment.last == "v9999=9999")
    }
}
