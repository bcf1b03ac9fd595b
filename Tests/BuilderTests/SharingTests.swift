import Builder
import Foundation
import ImageSpec
import LinuxIO
import Store
import Testing

@Suite("Builds share the steps that run", .timeLimit(.minutes(30)))
struct SharingTests {
    private static let dockerfile = "FROM base\nRUN hold x && write a 1"

    private func fixture() throws -> BuildFixture {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        return fixture
    }

    private func locks(_ fixture: BuildFixture) throws -> [String] {
        try HostDirectory.names(ofPath: fixture.store.layout.locks)
            .map { String(decoding: $0, as: UTF8.self) }.filter { $0.hasPrefix("step-") }
    }

    @Test("a step that another build runs is waited for, and is a hit then")
    func twoBuilds() throws {
        let fixture = try fixture()
        let first = try RunningBuild(Self.dockerfile, in: fixture)
        fixture.executor.gate.waitForArrival("x")
        let second = try RunningBuild(Self.dockerfile, in: fixture)
        second.waitUntilWaiting()
        #expect(try locks(fixture).count == 1)
        fixture.executor.gate.open("x")
        #expect(try first.result().image == second.result().image)
        #expect(fixture.executor.commands.count == 1)
        #expect(first.observer.outcomes == ["done", "done"])
        #expect(second.observer.outcomes == ["done", "cached"])
        #expect(second.observer.explanation(ofStep: 2) == [])
        #expect(try locks(fixture) == [])
    }

    @Test("two stages that run the same step run it once")
    func twoStages() throws {
        let fixture = try fixture()
        let build = try RunningBuild(
            """
            FROM base AS a
            RUN hold x && write f 1
            FROM base AS b
            RUN hold x && write f 1
            FROM scratch
            COPY --from=a /f /a
            COPY --from=b /f /b
            """, in: fixture)
        build.waitUntilWaiting()
        fixture.executor.gate.open("x")
        _ = try build.result()
        #expect(fixture.executor.commands.count == 1)
        #expect(
            build.observer.outcomes.sorted() == [
                "cached", "done", "done", "done", "done", "done",
            ])
    }

    @Test("a step that fails elsewhere is run here")
    func failure() throws {
        let fixture = try fixture()
        let text = "FROM base\nRUN hold x && exit 4"
        let first = try RunningBuild(text, in: fixture)
        fixture.executor.gate.waitForArrival("x")
        let second = try RunningBuild(text, in: fixture)
        second.waitUntilWaiting()
        fixture.executor.gate.open("x")
        #expect(first.failure()?.command?.exitCode == 4)
        #expect(second.failure()?.command?.exitCode == 4)
        #expect(fixture.executor.commands.count == 2)
        #expect(try locks(fixture) == [])
    }

    @Test("who waits for another build can be cancelled, and the other one goes on")
    func cancellation() throws {
        let fixture = try fixture()
        let first = try RunningBuild(Self.dockerfile, in: fixture)
        fixture.executor.gate.waitForArrival("x")
        let second = try RunningBuild(Self.dockerfile, in: fixture)
        second.waitUntilWaiting()
        second.cancellation.cancel()
        #expect(second.failure()?.code == .cancelled)
        fixture.executor.gate.open("x")
        _ = try first.result()
        #expect(fixture.executor.commands.count == 1)
    }

    @Test("a step that is cancelled elsewhere is run here")
    func cancelledElsewhere() throws {
        let fixture = try fixture()
        let first = try RunningBuild(Self.dockerfile, in: fixture)
        fixture.executor.gate.waitForArrival("x")
        let second = try RunningBuild(Self.dockerfile, in: fixture)
        second.waitUntilWaiting()
        first.cancellation.cancel()
        #expect(first.failure()?.code == .cancelled)
        fixture.executor.gate.open("x")
        _ = try second.result()
        #expect(fixture.executor.commands.count == 2)
        #expect(second.observer.outcomes == ["done", "done"])
    }

    @Test("builds that need each other's steps in the other order both end")
    func crossed() throws {
        let fixture = try fixture()
        let stages = ["RUN pause && write x 1", "RUN pause && write y 1"]
        let builds = try [stages, stages.reversed()].map { order in
            try RunningBuild(
                """
                FROM base AS a
                \(order[0])
                FROM base AS b
                \(order[1])
                FROM scratch
                COPY --from=a / /a/
                COPY --from=b / /b/
                """, in: fixture
            ) { $0.jobs = 1 }
        }
        for build in builds { _ = try build.result() }
        #expect(fixture.executor.commands.count == 2)
    }

    @Test("--no-cache waits for nobody")
    func noCache() throws {
        let fixture = try fixture()
        let first = try RunningBuild(Self.dockerfile, in: fixture)
        fixture.executor.gate.waitForArrival("x")
        let second = try RunningBuild(Self.dockerfile, in: fixture) { $0.ignoresCache = true }
        fixture.executor.gate.open("x")
        _ = try first.result()
        _ = try second.result()
        #expect(fixture.executor.commands.count == 2)
        #expect(second.observer.waitedSteps == [])
        #expect(second.observer.explanation(ofStep: 2) == ["the cache is not used (--no-cache)"])
    }
}
