import Builder
import Dockerfile
import ImageSpec
import Testing

/// Mistakes that are found before anything runs.
@Suite
struct RehearsalTests {
    @Test(arguments: [
        "ENV a=${b", "ENV a=${b:?no}", "STOPSIGNAL FOO", "EXPOSE abc", "VOLUME $none",
        "COPY --chmod=999 f /", "COPY --from=nosuch a /b", "COPY https://host/file /",
        "ADD --checksum=sha256:abc https://host/file /", "ADD --checksum=sha256:abc f /",
        "RUN --security=insecure true", "RUN --mount=type=cache,id=x true",
        "RUN --mount=type=bind,from=nosuch,target=/x true", "RUN --mount=type=tmpfs,target=/ true",
        "RUN []",
    ])
    func `a mistake is told before the steps above it run`(line: String) throws {
        let fixture = try BuildFixture()
        try fixture.write("f")
        try fixture.makeImage("base")
        let text = "FROM base\nRUN true\nARG own=1\n\(line)\nRUN true"
        let error = #expect(throws: BuildError.self) { try fixture.build(text) }
        #expect(error?.range?.start.line == 4)
        #expect(fixture.executor.commands == [])
        // What a build is told not to come to is not looked at.
        let name = try Reference(parsing: "kept")
        try fixture.build(text) { options in
            options.targetStep = 2
            options.tags = [name]
        }
        #expect(fixture.executor.commands == ["true"])
    }

    @Test func `variables of stages and images are known`() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base") { $0.config.environment.append("PORT=80") }
        let built = try fixture.build(
            """
            FROM base AS one
            ENV SIGNAL=TERM
            RUN true
            FROM one
            ARG MODE=0644
            EXPOSE ${PORT:?}
            STOPSIGNAL ${SIGNAL:?}
            COPY --from=one --chmod=${MODE:?} /. /x/
            """)
        #expect(built.config.config.exposedPorts == ["80/tcp"])
        #expect(built.config.config.stopSignal == "TERM")
    }

    @Test func `a secret is asked for by a step that is run`() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        let text = "FROM base\nRUN true\nRUN --mount=type=secret,id=s,required=true true && true"
        #expect(throws: BuildError.self) { try fixture.build(text) }
        #expect(fixture.executor.commands == ["true"])
    }
}
