import Dockerfile
import Testing

@Suite("ONBUILD triggers")
struct TriggerTests {
    @Test("a trigger reads back as the instruction it is")
    func readingBack() throws {
        let text = "FROM a\nONBUILD RUN <<EOF cat\n$x\nEOF\nONBUILD COPY \\\n  a b\n"
        let file = try Dockerfile(parsing: Array(text.utf8))
        let triggers = file.stages[0].instructions.compactMap { located in
            if case .onbuild(let onbuild) = located.instruction { onbuild.trigger } else { nil }
        }
        #expect(triggers == ["RUN <<EOF cat\n$x\nEOF", "COPY   a b"])
        let run = try LocatedInstruction(parsingTrigger: triggers[0])
        guard case .run(let value) = run.instruction else {
            Issue.record("not a RUN: \(run)")
            return
        }
        #expect(value.heredocs.map(\.content) == [Array("$x\n".utf8)])
        #expect(try LocatedInstruction(parsingTrigger: triggers[1]).keyword == .copy)
    }

    @Test(
        "a trigger is one instruction, and not every one",
        arguments: [
            ("", .forbiddenTrigger), ("RUN a\nRUN b", .forbiddenTrigger),
            ("FROM a", .forbiddenTrigger),
            ("MAINTAINER a", .forbiddenTrigger), ("ONBUILD RUN a", .forbiddenTrigger),
            ("RUNN a", .unknownInstruction), ("RUN <<E", .unterminatedHeredoc),
        ] as [(String, DockerfileError.Code)])
    func refusal(text: String, code: DockerfileError.Code) {
        let error = #expect(throws: DockerfileError.self) {
            try LocatedInstruction(parsingTrigger: text)
        }
        #expect(error?.code == code)
    }
}
