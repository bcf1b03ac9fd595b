import Builder
import FileTree
import Foundation
import ImageSpec
import LinuxIO
import Sandbox
import Store
import Testing

@Suite("Why a step was not cached")
struct ExplanationTests {
    private static let dockerfile = """
        FROM base
        ARG VERSION=1
        COPY src /app/
        RUN write made 1
        RUN write made2 2
        """

    private func fixture() throws -> BuildFixture {
        let fixture = try BuildFixture()
        try fixture.makeImage("base", files: ["f": "1"])
        try fixture.write("src/main.c", "a")
        try fixture.write("src/other file.c", "b")
        try fixture.write("src/sub/deep.c", "c")
        return fixture
    }

    struct Change: CustomTestStringConvertible {
        var what: String
        /// By step.
        var lines: [Int: [String]]
        var dockerfile = ExplanationTests.dockerfile
        var apply: @Sendable (BuildFixture) throws -> Void = { _ in }
        var options: @Sendable (inout BuildOptions) -> Void = { _ in }
        var testDescription: String { what }
    }

    static let changes: [Change] = [
        Change(what: "nothing", lines: [:]),
        Change(
            what: "a file",
            lines: [
                2: ["src/main.c changed"], 3: ["parent changed by step 2"],
                4: ["parent changed by step 3"],
            ]
        ) { try $0.write("src/main.c", "A") },
        Change(what: "a file further down", lines: [2: ["src/sub/deep.c changed"]]) {
            try $0.write("src/sub/deep.c", "A")
        },
        Change(what: "a mode", lines: [2: ["src/main.c: mode 644 → 600"]]) {
            try $0.write("src/main.c", "a", mode: 0o600)
        },
        Change(
            what: "a name",
            lines: [2: ["src/new.c added", "src/main.c removed"]]
        ) {
            try HostDirectory.rename($0.context + "/src/main.c", to: $0.context + "/src/new.c")
        },
        Change(what: "a name with a blank", lines: [2: ["src/other file.c changed"]]) {
            try $0.write("src/other file.c", "A")
        },
        Change(what: "a link for a file", lines: [2: ["src/main.c: file → link"]]) {
            try HostDirectory.unlink($0.context + "/src/main.c")
            try $0.link("src/main.c", to: "x")
        },
        Change(
            what: "an argument",
            lines: [3: ["argument VERSION: 1 → 2"], 4: ["argument VERSION: 1 → 2"]],
            options: { $0.buildArguments = [BuildArgument(name: "VERSION", value: "2")] }),
        Change(
            what: "an environment variable",
            lines: [4: ["environment A added: b"]],
            dockerfile: dockerfile.replacingOccurrences(
                of: "RUN write made2", with: "ENV A=b\nRUN write made2")),
        Change(
            what: "a command",
            lines: [
                3: ["command: /bin/sh -c write made 1 → /bin/sh -c write made 7"],
                4: ["parent changed by step 3"],
            ],
            dockerfile: dockerfile.replacingOccurrences(of: "made 1", with: "made 7")),
        Change(
            what: "a user and a directory",
            lines: [4: ["user: \"\" → 1"]],
            dockerfile: dockerfile.replacingOccurrences(
                of: "RUN write made2", with: "USER 1\nRUN write made2")),
        Change(
            what: "the base image",
            lines: [2: ["parent changed: another base image, or other steps on base"]]
        ) {
            try $0.makeImage("base", files: ["f": "2"])
        },
        Change(
            what: "the network", lines: [3: ["network: host → none"]],
            options: { $0.network = .none }),
        Change(
            what: "a destination", lines: [2: ["destination: /app / → /app2 /"]],
            dockerfile: dockerfile.replacingOccurrences(of: "/app/", with: "/app2/")),
        Change(
            what: "the instruction itself",
            lines: [3: ["never built before"]],
            dockerfile: dockerfile.replacingOccurrences(of: "RUN write made 1", with: "WORKDIR /x")),
        Change(
            what: "--no-cache", lines: [2: ["the cache is not used (--no-cache)"]],
            options: { $0.ignoresCache = true }),
        Change(what: "the cache", lines: [3: ["its entry was removed after build"]]) { fixture in
            for entry in try fixture.store.cacheEntries()
            where entry.instruction.contains("made 1") {
                _ = try fixture.store.removeCacheEntry(entry.key)
            }
        },
    ]

    @Test("what changed is told", arguments: changes)
    func change(_ change: Change) throws {
        let fixture = try fixture()
        let first = try fixture.build(Self.dockerfile)
        for step in 2...4 {
            #expect(first.observer.explanation(ofStep: step) == ["never built before"])
        }
        try change.apply(fixture)
        let second = try fixture.build(change.dockerfile, change.options)
        if change.lines.isEmpty { #expect(second.result.cachedStepCount == 3) }
        for (step, lines) in change.lines {
            let found = second.observer.explanation(ofStep: step)
            #expect(found.count == lines.count)
            for (line, expected) in zip(found, lines) {
                #expect(line.hasPrefix(expected), "\(found)")
            }
        }
        // It is kept with the step.
        for step in try fixture.store.steps(ofBuild: second.result.build) {
            #expect(
                step.explanation?.lines ?? []
                    == second.observer.explanation(ofStep: step.number))
        }
    }

    @Test("a step is compared with the last build of the same name")
    func titles() throws {
        let fixture = try fixture()
        for (name, value) in [("one", "1"), ("two", "2"), ("one", "3")] {
            let built = try fixture.build("FROM base\nARG A\nRUN write a $A") {
                $0.title = name
                $0.buildArguments = [BuildArgument(name: "A", value: value)]
            }
            if value == "3" {
                #expect(built.observer.explanation(ofStep: 2) == ["argument A: 1 → 3"])
            }
        }
    }

    @Test("a stage on a stage that was built anew says so")
    func stages() throws {
        let fixture = try fixture()
        let text = "FROM base AS a\nCOPY src /s\nFROM a AS b\nRUN write x 1\nFROM b\nRUN write y 1"
        try fixture.build(text)
        try fixture.write("src/main.c", "A")
        let second = try fixture.build(text)
        #expect(second.observer.explanation(ofStep: 3) == ["parent changed by step 2"])
        #expect(second.observer.explanation(ofStep: 4) == ["parent changed by step 3"])
    }

    @Test("a changed file of another stage is told by its path")
    func copyFromStage() throws {
        let fixture = try fixture()
        let text =
            "FROM base AS a\nARG V=1\nCOPY <<x /out/x\n$V\nx\nFROM base\nCOPY --from=a /out /o"
        try fixture.build(text)
        let second = try fixture.build(text) {
            $0.buildArguments = [BuildArgument(name: "V", value: "2")]
        }
        #expect(
            second.observer.explanation(ofStep: 4) == [
                "out/x changed: 2 bytes 4355a46b19d3 → 2 bytes 53c234e5e847"
            ])
    }

    @Test("a step is not compared with another one of its own build")
    func ownSteps() throws {
        let fixture = try fixture()
        let first = try fixture.build("FROM base\nRUN true\nRUN net\nRUN write a 1")
        for step in 2...4 {
            #expect(first.observer.explanation(ofStep: step) == ["never built before"])
        }
    }

    @Test("other steps on a stage that is as it was do not make another result of it")
    func stepsOnStage() throws {
        let fixture = try fixture()
        let text = "FROM base AS a\nRUN write a 1\nFROM a AS b\nRUN write b 1\nRUN write c 1"
        try fixture.build(text)
        let second = try fixture.build(text.replacing("RUN write b 1\n", with: ""))
        #expect(
            second.observer.explanation(ofStep: 3) == [
                "parent changed: another result of the stage a, or other steps on it"
            ])
    }

    @Test("a stage that is built without the cache says by which option")
    func filter() throws {
        let fixture = try fixture()
        let text = "FROM base AS a\nRUN write a 1\nFROM a AS b\nRUN write b 1"
        try fixture.build(text)
        let second = try fixture.build(text) { $0.ignoresCacheOfStages = ["b"] }
        #expect(
            second.observer.explanation(ofStep: 3) == [
                "the cache is not used for its stage (--no-cache-filter)"
            ])
    }

    @Test("a damaged entry is told as that, also by the build that begins anew without it")
    func damage() throws {
        let fixture = try fixture()
        let text = "FROM base\nRUN write a some text\nRUN true"
        try fixture.build(text)
        let digest = Digest(of: Array("some text".utf8))
        try HostDirectory.unlink(fixture.store.layout.object(digest))
        let second = try fixture.build(text)
        #expect(second.observer.explanation(ofStep: 2) == ["its entry was damaged"])
    }

    @Test("a mounted file is told by its place in the context")
    func mountedFile() throws {
        let fixture = try fixture()
        let text = """
            FROM base
            RUN --mount=type=bind,source=src/sub,target=/m --mount=type=bind,target=/all true
            """
        try fixture.build(text)
        try fixture.write("src/sub/deep.c", "C")
        let second = try fixture.build(text)
        let found = second.observer.explanation(ofStep: 2)
        #expect(found.count == 2)
        #expect(found.allSatisfy { $0.hasPrefix("src/sub/deep.c changed: 1 byte") }, "\(found)")
    }

    @Test("of many changes the first ones are kept, and how many more there are")
    func many() {
        let changes = (0..<150).map { CacheExplanation.Change("\($0)", text: "\($0) changed") }
        let explanation = CacheExplanation(.changed, changes: changes)
        #expect(explanation.changes.count == 100)
        #expect(explanation.lines.last == "and 50 more")
        #expect(explanation.lines(upTo: 2) == ["0 changed", "1 changed", "and 148 more"])
    }
}
