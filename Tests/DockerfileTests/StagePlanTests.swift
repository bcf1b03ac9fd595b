import Dockerfile
import Testing

@Suite("Stages")
struct StagePlanTests {
    static let text = """
        ARG TAG=1
        FROM golang:$TAG AS build
        RUN make
        FROM build AS test
        FROM alpine AS docs
        COPY --from=late /x /x
        FROM alpine
        COPY --from=build /a /a
        FROM scratch AS late
        FROM docs AS Last
        """

    static func file(_ text: String = text) throws -> Dockerfile {
        try Dockerfile(parsing: Array(text.utf8))
    }

    @Test(
        "a target needs what it leans on, and nothing else, in order",
        arguments: [
            (nil, [4, 2, 5]), ("build", [0]), ("BUILD", [0]), ("test", [0, 1]), ("docs", [4, 2]),
            ("3", [0, 3]), ("last", [4, 2, 5]), ("0", [0]), ("late", [4]),
        ] as [(String?, [Int])])
    func order(target: String?, expected: [Int]) throws {
        let plan = try Self.file().plan(target: target) { $0 == "TAG" ? "2" : nil }
        #expect(plan.steps.map(\.stage.index) == expected)
        #expect(plan.target == expected.last)
        #expect(plan.variables.matched == ["TAG"])
    }

    @Test("bases and sources are stages, images, or nothing")
    func sources() throws {
        let plan = try Self.file().plan(target: "3") { _ in nil }
        #expect(plan.steps.map(\.base) == [.image("golang:"), .image("alpine")])
        #expect(plan.steps[1].sources == ["build": .stage(0)])
        let last = try Self.file().plan { _ in "x" }
        #expect(last.steps.map(\.base) == [.scratch, .image("alpine"), .stage(2)])
    }

    @Test("a named context stands for a stage, whose needs are none, and for images")
    func contexts() throws {
        let plan = try Self.file().plan(isContext: { ["docs", "alpine"].contains($0) }) { _ in nil }
        #expect(plan.steps.map(\.stage.index) == [2, 5])
        #expect(plan.steps.map(\.base) == [.context("docs"), .stage(2)])
        #expect(plan.steps[0].stage.instructions == [])
        let other = try Self.file().plan(target: "3", isContext: { $0 == "alpine" }) { _ in nil }
        #expect(other.steps[1].base == .context("alpine"))
        let source = try Self.file("FROM a\nCOPY --from=lib x y").plan(isContext: { $0 == "lib" }) {
            _ in nil
        }
        #expect(source.steps[0].sources == ["lib": .context("lib")])
    }

    @Test(
        "a target that does not exist is refused",
        arguments: [
            ("nope", nil), ("6", nil), ("-1", nil), ("buidl", "did you mean build?"), ("", nil),
        ]
            as [(String, String?)])
    func unknownTarget(target: String, hint: String?) {
        let error = #expect(throws: DockerfileError.self) {
            try Self.file().plan(target: target) { _ in nil }
        }
        #expect(error?.code == .unknownStage)
        #expect(error?.message == "target stage \"\(target)\" could not be found")
        #expect(error?.hint == hint)
    }

    @Test("a cycle outside the target's needs does no harm")
    func unreachableCycle() throws {
        let file = try Self.file(
            "FROM a AS x\nCOPY --from=y 1 2\nFROM a AS y\nCOPY --from=x 1 2\nFROM b")
        #expect(try file.plan { _ in nil }.steps.map(\.stage.index) == [2])
        let error = #expect(throws: DockerfileError.self) {
            try file.plan(target: "x") { _ in nil }
        }
        #expect(error?.code == .circularDependency)
        #expect(error?.hint == "the stages lean on each other: x -> y -> x")
        #expect(error?.range?.start.line == 4)
    }

    @Test("of two stages with one name, FROM takes the nearest above and COPY the last")
    func duplicates() throws {
        let file = try Self.file("FROM a AS x\nFROM x AS y\nFROM b AS x\nFROM y\nCOPY --from=x 1 2")
        let plan = try file.plan { _ in nil }
        #expect(plan.steps.map(\.stage.index) == [0, 1, 2, 3])
        #expect(try file.stageIndex(of: "x") == 2)
        #expect(file.warnings.map(\.code) == [.duplicateStageName])
    }

    @Test("a long chain of stages is planned without a deep stack")
    func longChain() throws {
        let lines = (0..<20_000).map { $0 == 0 ? "FROM a AS s0" : "FROM s\($0 - 1) AS s\($0)" }
        #expect(
            try Self.file(lines.joined(separator: "\n")).plan { _ in nil }.steps.count == 20_000)
    }

    @Test("global ARGs see those before them, and build arguments win")
    func globals() throws {
        let file = try Self.file(
            "ARG A=1 B=$A\nARG C=${B:-x}-$TARGETARCH\nARG D\nARG A=2\nFROM a:$C AS x\nARG E=$D")
        let plain = try GlobalScope(file, buildArguments: { _ in nil })
        #expect(plain.values == ["A": "2", "B": "1", "C": "1-"])
        #expect(plain.names == ["A", "B", "C", "D"])
        #expect(plain.variables.matched == ["A", "B"])
        #expect(plain.variables.unmatched == ["TARGETARCH"])
        let given = try GlobalScope(
            file, buildArguments: { ["A": "9", "D": "d", "Z": "z"][$0] },
            predefined: { $0 == "TARGETARCH" ? "arm64" : nil })
        #expect(given.values == ["A": "9", "B": "9", "C": "9-arm64", "D": "d"])
    }
}
