import Builder
import Dockerfile
import FileTree
import Foundation
import Glibc
import ImageSpec
import LinuxIO
import Store
import Synchronization
import Testing

@Suite("Stages at once", .timeLimit(.minutes(30)))
struct StageGraphTests {
    private func fixture() throws -> BuildFixture {
        let fixture = try BuildFixture()
        try fixture.makeImage("base", files: ["f": "1"])
        return fixture
    }

    @Test("stages that do not need each other run at once")
    func independentStages() throws {
        let fixture = try fixture()
        let built = try fixture.build(
            """
            FROM base AS a
            RUN meet here 2 && write a 1
            FROM base AS b
            RUN meet here 2 && write b 2
            FROM scratch
            COPY --from=a /a /
            COPY --from=b /b /
            """
        ) { $0.jobs = 2 }
        #expect(try fixture.listing(built.tree) == ["/a 644 0:0 1", "/b 644 0:0 2"])
        #expect(
            built.observer.labels == [
                "[a 1/2] FROM docker.io/library/base:latest",
                "[a 2/2] RUN meet here 2 && write a 1",
                "[b 1/2] FROM docker.io/library/base:latest",
                "[b 2/2] RUN meet here 2 && write b 2",
                "[stage-2 1/2] COPY --from=a /a /", "[stage-2 2/2] COPY --from=b /b /",
                "exporting to image",
            ])
        let steps = try fixture.store.steps(ofBuild: built.result.build)
        #expect(steps.map(\.number) == [1, 2, 3, 4, 5, 6])
        #expect(built.result.stepCount == 6)
    }

    @Test("a stage waits for another one only where it copies from it")
    func waitsWhenReached() throws {
        let fixture = try fixture()
        let built = try fixture.build(
            """
            FROM base AS a
            RUN meet here 2 && write a 1
            FROM base
            RUN meet here 2 && write b 2
            COPY --from=a /a /c
            """
        ) { $0.jobs = 2 }
        #expect(try fixture.node("/c", in: built.tree) != nil)
    }

    @Test("no more commands run at once than there are jobs", arguments: [1, 2, 3])
    func jobs(_ jobs: Int) throws {
        let fixture = try fixture()
        var text = ""
        for number in 0..<6 { text += "FROM base AS s\(number)\nRUN write x \(number) && pause\n" }
        text += "FROM scratch\n"
        for number in 0..<6 { text += "COPY --from=s\(number) /x /\(number)\n" }
        try fixture.build(text) { $0.jobs = jobs }
        #expect(fixture.executor.most.withLock { $0.most } <= jobs)
        if jobs == 1 {
            #expect(
                fixture.executor.commands == (0..<6).map { "write x \($0) && pause" })
        }
    }

    @Test("the first failure is told, and ends the other stages")
    func firstFailure() throws {
        let fixture = try fixture()
        let build = try RunningBuild(
            """
            FROM base AS a
            RUN meet here 2 && hold forever
            FROM base AS b
            RUN meet here 2 && exit 3
            FROM scratch
            COPY --from=a / /
            COPY --from=b / /
            RUN never
            """, in: fixture)
        let error = try #require(build.failure())
        #expect(error.code == .commandFailed)
        #expect(error.command?.exitCode == 3)
        #expect(error.command?.step == 4)
        #expect(error.range?.start.line == 4)
        #expect(build.observer.outcomesByNumber == ["done", "cancelled", "done", "failed"])
        #expect(fixture.executor.commands.count == 2)
        #expect(try fixture.store.builds().first?.status == .failed)
        let failed = try #require(error.command?.build)
        let steps = try fixture.store.steps(ofBuild: failed)
        #expect(steps.map(\.outcome) == [.done, .done, .failed])
    }

    @Test("of two steps that fail, one is told and kept")
    func twoFailures() throws {
        let fixture = try fixture()
        let build = try RunningBuild(
            """
            FROM base AS a
            RUN meet here 2 && exit 1
            FROM base
            RUN meet here 2 && exit 2
            COPY --from=a / /
            """, in: fixture)
        let command = try #require(build.failure()?.command)
        let failed = try fixture.store.steps(ofBuild: command.build).filter {
            $0.outcome == .failed
        }
        #expect(failed.count == 1)
    }

    @Test("a cancellation ends all stages, those that wait too")
    func cancellation() throws {
        let fixture = try fixture()
        let build = try RunningBuild(
            """
            FROM base AS a
            RUN hold a
            FROM base AS b
            RUN hold b
            FROM scratch
            COPY --from=a / /
            COPY --from=b / /
            """, in: fixture
        ) { $0.jobs = 2 }
        fixture.executor.gate.waitForArrival("a")
        fixture.executor.gate.waitForArrival("b")
        build.cancellation.cancel()
        #expect(build.failure()?.code == .cancelled)
        #expect(try fixture.store.builds().first?.status == .cancelled)
    }

    @Test("a command that waits for its turn can be cancelled")
    func cancelledInQueue() throws {
        let fixture = try fixture()
        let build = try RunningBuild(
            """
            FROM base AS a
            RUN hold a
            FROM base AS b
            RUN write b 1
            FROM base AS c
            RUN write c 1
            FROM scratch
            COPY --from=a / /
            COPY --from=b / /
            COPY --from=c / /
            """, in: fixture
        ) { $0.jobs = 2 }
        fixture.executor.gate.waitForArrival("a")
        build.cancellation.cancel()
        #expect(build.failure()?.code == .cancelled)
    }

    @Test("stages that lean on each other through a trigger are refused")
    func circle() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base") { $0.config.onBuild = ["COPY --from=last /f /f"] }
        let error = try fixture.failure("FROM base AS first\nFROM first AS last\nRUN true")
        #expect(error.code == .invalidDockerfile)
        #expect(error.message == "circular dependency detected on stage: first")
        #expect(error.range?.start.line == 1)
        #expect(fixture.executor.commands.isEmpty)
    }

    @Test("while a command runs, what is copied after it is read")
    func readahead() throws {
        let fixture = try fixture()
        try fixture.write("dir/file", "read ahead")
        let build = try RunningBuild(
            "FROM base\nRUN hold x\nCOPY dir /dir", in: fixture)
        fixture.executor.gate.waitForArrival("x")
        let object = fixture.store.layout.object(Digest(of: Array("read ahead".utf8)))
        for _ in 0..<30_000 where !HostDirectory.exists(object) { usleep(2000) }
        #expect(HostDirectory.exists(object))
        fixture.executor.gate.open("x")
        _ = try build.result()
    }

    @Test("a build gives the same whatever was quicker", arguments: 1...12)
    func determinism(_ seed: UInt64) throws {
        var outcomes: [[String]] = []
        let text = Self.randomDockerfile(seed)
        for jobs in [1, 8] {
            let fixture = try fixture()
            for number in 0..<4 { try fixture.write("c\(number)/f", "\(number)") }
            let built = try fixture.build(text) { options in
                options.jobs = jobs
                options.buildArguments = [
                    BuildArgument(name: "SOURCE_DATE_EPOCH", value: "1700000000")
                ]
            }
            let steps = try fixture.store.steps(ofBuild: built.result.build).map {
                "\($0.number) \($0.place) \($0.instruction) \($0.tree.id)"
            }
            outcomes.append(
                ["\(built.result.image)"] + built.observer.labels + steps
                    + built.observer.warnings.sorted())
        }
        #expect(outcomes[0] == outcomes[1], "\(text)")
    }

    /// A file of stages that stand on, and copy from, some of those before them.
    private static func randomDockerfile(_ seed: UInt64) -> String {
        var generator = Generator(state: seed &* 0x9E37_79B9_7F4A_7C15)
        let count = Int.random(in: 2...7, using: &generator)
        var text = ""
        for stage in 0..<count {
            let parent = Int.random(in: -2..<max(1, stage), using: &generator)
            text += "FROM \(parent >= 0 && parent < stage ? "s\(parent)" : "base") AS s\(stage)\n"
            for step in 0..<Int.random(in: 1...4, using: &generator) {
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: text += "COPY c\(Int.random(in: 0..<4, using: &generator)) /c\(stage)\n"
                case 1 where stage > 0:
                    let other = Int.random(in: 0..<stage, using: &generator)
                    text += "COPY --from=s\(other) / /from\(stage)\(step)/\n"
                case 2: text += "WORKDIR w\(step)\n"
                case 3: text += "COPY missing* /none/\n"
                default: text += "RUN write /f\(stage) \(step) && pause\n"
                }
            }
        }
        text += "FROM base\n"
        for stage in 0..<count { text += "COPY --from=s\(stage) / /s\(stage)/\n" }
        return text
    }

    /// splitmix64
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }

    // MARK: - Stopping early

    @Test("a build that stops after a step makes no image without a name")
    func targetStep() throws {
        let fixture = try fixture()
        let text = "FROM base\nRUN write a 1\nENV x=1\nRUN write b 2\nENV y=1"
        let options = BuildOptions(
            dockerfile: .text(DockerfileText(name: "Dockerfile", bytes: Array(text.utf8))),
            targetStep: 2)
        let result = try Builder(store: fixture.store, executor: fixture.executor).build(
            options, context: .none, observer: RecordingObserver())
        let stop = try #require(result.stop)
        #expect(stop.step == 2)
        #expect(stop.label == "[2/3] RUN write a 1")
        let key = try #require(stop.key)
        let entry = try #require(try fixture.store.cacheEntry(key))
        #expect(entry.tree.id == stop.tree)
        #expect(fixture.executor.commands == ["write a 1"])
        #expect(!result.isRecorded)
        #expect(try fixture.store.image(result.image) == nil)
        #expect(try fixture.store.builds().first?.image == nil)
    }

    @Test("a build that stops after a step makes an image of it for a name")
    func namedTargetStep() throws {
        let fixture = try fixture()
        let name = try Reference(parsing: "part")
        let built = try fixture.build("FROM base\nRUN write a 1\nENV x=1\nRUN write b 2") {
            $0.targetStep = 2
            $0.tags = [name]
        }
        #expect(try fixture.node("/a", in: built.tree) != nil)
        #expect(try fixture.node("/b", in: built.tree) == nil)
        #expect(built.config.config.environmentValue("x") == nil)
    }

    @Test("a step that the stage does not have is refused before anything runs")
    func missingTargetStep() throws {
        let fixture = try fixture()
        let error = try fixture.failure("FROM base\nRUN true") { $0.targetStep = 3 }
        #expect(error.code == .invalidArgument)
        #expect(error.message == "the target stage has no step 3")
        #expect(error.expected == "a number from 1 to 2")
        #expect(fixture.executor.commands.isEmpty)
    }
}
