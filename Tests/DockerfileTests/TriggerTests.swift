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

    @Test("blanks after << read back, too, as a heredoc or as text")
    func blanks() throws {
        let text = "FROM a\nONBUILD RUN << EOF\nx\nEOF\nONBUILD RUN echo $((1 << 2))\n"
        let file = try Dockerfile(parsing: Array(text.utf8))
        let runs = try file.stages[0].instructions.map { located in
            guard case .onbuild(let onbuild) = located.instruction,
                case .run(let run) = try LocatedInstruction(parsingTrigger: onbuild.trigger)
                    .instruction
            else { throw DockerfileError(.forbiddenTrigger, "\(located) is no trigger of RUN") }
            return run
        }
        #expect(runs.map(\.heredocs.count) == [1, 0])
        #expect(
            runs.map(\.program) == [
                .shell(Array("x\n".utf8)), .shell(Array("echo $((1 << 2))".utf8)),
            ])
    }

    @Test("a file with thousands of << is read in linear time", .timeLimit(.minutes(30)))
    func manyOperators() throws {
        var text = "FROM a\n"
        for number in 0..<20_000 { text += "RUN echo $((1 << \(number)))\n" }
        let words = (0..<7_000).map { " << \($0)" }.joined()
        text += "RUN echo\(words)\n"
        let file = try Dockerfile(parsing: Array(text.utf8))
        #expect(file.stages[0].instructions.count == 20_001)
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
