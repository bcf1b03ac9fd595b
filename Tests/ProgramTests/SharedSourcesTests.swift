import Foundation
import LoopbackServer
import Testing

/// What several stages take at once from where they all may take it.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct SharedSourcesTests {
    private func withProgram(_ body: (Program) throws -> Void) throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try body(program)
    }

    private func build(
        _ program: Program, _ file: String, _ arguments: String...
    ) throws -> Program.Output {
        try program.write(file, to: "context/Dockerfile")
        return try program.run(
            arguments: ["build", "--progress=plain", "--jobs=3"] + arguments + ["context"])
    }

    /// `#1 [remote] …`, by their numbers.
    private func steps(_ build: Program.Output) -> [String] {
        let lines = build.errors.split(separator: "\n").map(String.init).filter { line in
            line.hasPrefix("#") && (line.contains(" [") || line.hasSuffix("exporting to image"))
        }
        return Set(lines).sorted {
            $0.compare($1, options: .numeric) == .orderedAscending
        }
    }

    @Test func `files of other hosts come once, under the same number each time`() throws {
        try withProgram { program in
            let server = try LoopbackServer()
            let base = "http://127.0.0.1:\(server.port)"
            for name in ["a", "b", "v"] { try server.write(name, to: name) }
            let file = """
                FROM base AS one
                ARG U
                ADD \(base)/a /a
                ADD $U/v /v
                FROM base AS two
                ADD \(base)/a /a
                ADD \(base)/b /b
                FROM base
                COPY --from=one /v /v
                COPY --from=two /b /b
                """
            let first = try build(program, file, "--build-arg=U=\(base)")
            #expect(first.status == 0, "\(first.errors)")
            let from = "FROM docker.io/library/base:latest"
            #expect(
                steps(first) == [
                    "#1 [remote] \(base)/a", "#2 [remote] \(base)/b", "#3 [one 1/3] \(from)",
                    "#4 [one 2/3] ADD \(base)/a /a", "#5 [one 3/3] ADD \(base)/v /v",
                    "#6 [two 1/3] \(from)", "#7 [two 2/3] ADD \(base)/a /a",
                    "#8 [two 3/3] ADD \(base)/b /b", "#9 [stage-2 1/3] \(from)",
                    "#10 [stage-2 2/3] COPY --from=one /v /v",
                    "#11 [stage-2 3/3] COPY --from=two /b /b", "#12 exporting to image",
                    "#13 [remote] \(base)/v",
                ])
            let second = try build(program, file, "--build-arg=U=\(base)")
            #expect(steps(second) == steps(first), "\(second.errors)")
            #expect(
                try server.requests().filter { $0.hasPrefix("200") }.sorted()
                    == ["200 /a", "200 /b", "200 /v"])
        }
    }

    @Test func `a download that fails ends the other stages`() throws {
        try withProgram { program in
            let server = try LoopbackServer()
            let build = try build(
                program,
                """
                FROM base AS long
                RUN sleep 600
                FROM base
                ADD http://127.0.0.1:\(server.port)/missing /
                COPY --from=long /f /
                """)
            #expect(build.status == 1)
            #expect(build.errors.contains("404"), "\(build.errors)")
        }
    }

    @Test func `a mount waits for the stage that it shows`() throws {
        try withProgram { program in
            let build = try build(
                program,
                """
                FROM base AS late
                RUN sleep 0.5 && echo from-late > /f
                FROM base
                RUN --mount=from=late,source=/f,target=/mnt/f cat /mnt/f
                """)
            #expect(build.status == 0, "\(build.errors)")
            #expect(build.errors.contains("from-late"))
        }
    }

    @Test func `stages that take a locked cache mount take it in turn`() throws {
        try withProgram { program in
            let line = """
                RUN --mount=type=cache,target=/c,sharing=locked \
                mkdir /c/inside && sleep 0.3 && rm -r /c/inside && echo x >> /c/count
                """
            let build = try build(
                program,
                """
                FROM base AS a
                ENV STAGE=a
                \(line)
                FROM base AS b
                ENV STAGE=b
                \(line)
                FROM base
                COPY --from=a /etc/ /a/
                COPY --from=b /etc/ /b/
                RUN --mount=type=cache,target=/c echo $(cat /c/count)
                """)
            #expect(build.status == 0, "\(build.errors)")
            #expect(build.errors.contains(" x x\n"), "\(build.errors)")
        }
    }

    @Test func `a named context is read by several stages`() throws {
        try withProgram { program in
            for index in 0..<40 { try program.write("\(index)", to: "more/d/\(index)") }
            let lines = ["a", "b", "c"].map { "FROM base AS \($0)\nCOPY --from=more / /\($0)/\n" }
            let build = try build(
                program,
                lines.joined()
                    + """
                    FROM more
                    COPY --from=a /a/d/7 /from-a
                    COPY --from=b /b/d/8 /from-b
                    COPY --from=c /c/d/9 /from-c
                    """, "--build-context=more=more", "-o", "out")
            #expect(build.status == 0, "\(build.errors)")
            #expect(build.errors.contains("[stage-3 1/4] FROM more"), "\(build.errors)")
            #expect(try program.read("out/from-a") == "7")
            #expect(try program.read("out/from-c") == "9")
            #expect(try program.read("out/d/39") == "39")
        }
    }

    @Test func `an output of a build that stops at a step has the files of that step`() throws {
        try withProgram { program in
            let file = "FROM base\nRUN echo 1 > /one\nRUN exit 3\n"
            let files = try build(program, file, "--target-step=2", "-o", "out")
            #expect(files.status == 0, "\(files.errors)")
            #expect(files.text.contains("step    2 [2/3] RUN echo 1 > /one\n"), "\(files.text)")
            #expect(try program.read("out/one") == "1\n")
            let archive = try build(
                program, file, "--target-step=2", "-o", "type=oci,dest=app.tar")
            #expect(archive.status == 0, "\(archive.errors)")
            #expect(try program.run("images", "-q").text.split(separator: "\n").count == 1)
            #expect(try program.run("load", "-i", "app.tar").status == 0)
        }
    }
}
