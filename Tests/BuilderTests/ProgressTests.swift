import Builder
import ImageSpec
import Synchronization
import Testing

@Suite("Progress")
struct ProgressTests {
    private final class Screen: Sendable {
        let text = Mutex("")
        func write(_ more: String) { text.withLock { $0 += more } }
        func write(_ more: [UInt8]) { write(String(decoding: more, as: UTF8.self)) }
        var content: String { text.withLock { $0 } }
    }

    private let key = CacheKey(Digest(of: [1]))

    private func step(_ number: Int, _ label: String) -> BuildStep {
        BuildStep(number: number, label: label, instruction: label)
    }

    @Test("plain lines are BuildKit's")
    func plain() throws {
        let screen = Screen()
        let progress = PlainProgress { screen.write($0) }
        progress.observe(.started(build: "b", title: "t"))
        progress.observe(.stepStarted(step(1, "[1/2] FROM x")))
        progress.observe(.stepDone(step: 1, .zero))
        progress.observe(.stepStarted(step(2, "[2/2] RUN y")))
        progress.observe(.stepCached(step: 2, key))
        progress.observe(.warning(BuildWarning(code: "C", message: "m", place: "Dockerfile:2")))
        progress.observe(.stepStarted(step(3, "exporting to image")))
        progress.observe(.exporting(step: 3))
        progress.observe(
            .exported(
                step: 3, ImageID(Digest(of: [])), tags: [try Reference(parsing: "t")],
                .milliseconds(1250)))
        #expect(
            screen.content == """
                #1 [1/2] FROM x
                #1 DONE 0.0s

                #2 [2/2] RUN y
                #2 CACHED \(key.digest.short)

                WARNING: C: m (Dockerfile:2)
                #3 exporting to image
                #3 writing image \(Digest(of: []))
                #3 naming to docker.io/library/t:latest
                #3 DONE 1.3s

                """)
    }

    @Test("output comes as whole lines with a time, however it was cut")
    func output() {
        let screen = Screen()
        let progress = PlainProgress { screen.write($0) }
        progress.observe(.stepStarted(step(4, "RUN")))
        for piece in ["one", " line\ntw", "o\n50%\r100%\n", "\n", "rest"] {
            progress.observe(.output(step: 4, Array(piece.utf8)))
        }
        progress.observe(.stepFailed(step: 4, .seconds(1), message: "it broke"))
        let lines = screen.content.split(separator: "\n", omittingEmptySubsequences: false)
        let texts = lines.map { line in
            // Without the time, which is another each time.
            line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
                .enumerated().filter { $0.offset != 1 || line.contains("ERROR") }
                .map { String($0.element) }.joined(separator: " ")
        }
        #expect(
            texts == [
                "#4", "#4 one line", "#4 two", "#4 100%", "#4 ", "#4 rest",
                "#4 ERROR: it broke", "", "",
            ])
    }

    @Test("a terminal keeps finished steps and draws over the running one")
    func terminal() {
        let screen = Screen()
        let progress = TerminalProgress(columns: { 40 }) { screen.write($0) }
        progress.observe(.started(build: "b", title: "t"))
        progress.observe(.stepStarted(step(1, "[1/2] RUN with a text that is too long to fit")))
        progress.observe(.output(step: 1, Array("a\u{1B}[31m\nb".utf8)))
        progress.tick()
        progress.observe(.stepDone(step: 1, .seconds(2)))
        progress.observe(.stepStarted(step(2, "[2/2] COPY x")))
        progress.observe(.stepCached(step: 2, key))
        let long = " => [1/2] RUN with a text that is…"
        #expect(
            screen.content == """
                [+] Building t
                \(long) 0.0s
                \u{1B}[1A\u{1B}[J\(long) 0.0s
                 =>  > a
                 =>  > b
                \u{1B}[3A\u{1B}[J\(long) 2.0s
                 => [2/2] COPY x                   0.0s
                \u{1B}[1A\u{1B}[J => CACHED [2/2] COPY x    \(key.digest.short)

                """)
    }

    @Test("a line that does not end is cut, and neither kept nor looked at again")
    func endlessLine() {
        let screen = Screen()
        let progress = PlainProgress { screen.write($0) }
        progress.observe(.stepStarted(step(1, "RUN")))
        let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 50_000)
        for _ in 0..<4 { progress.observe(.output(step: 1, piece)) }
        let lines = screen.content.split(separator: "\n").dropFirst()
        #expect(lines.map { $0.utf8.count { $0 == UInt8(ascii: "x") } } == [100_000, 100_000])
    }

    @Test("what a step prints cannot take over the terminal", arguments: [true, false])
    func controlSequences(_ isTerminal: Bool) {
        let screen = Screen()
        let progress = PlainProgress(isTerminal: isTerminal) { screen.write($0) }
        progress.observe(.stepStarted(step(1, "RUN echo \u{1B}[2J\u{9B}1m")))
        let line = "\u{1B}]0;title\u{07}\u{1B}[1;31mred\u{1B}[2J\u{1B}[?25l\u{9B}0m\u{1B}c\t.\u{08}"
        progress.observe(.output(step: 1, Array((line + "\n").utf8)))
        let shown = screen.content.split(separator: "\n")
        #expect(shown[0] == "#1 RUN echo \\x1b[2J\\x9b1m")
        let text = shown[1].split(separator: " ", maxSplits: 2)[2]
        #expect(text == (isTerminal ? "\u{1B}[1;31mred0m\t.\u{1B}[m" : line))
    }

    @Test("a file gets the bytes that a step printed, UTF-8 or not")
    func bytes() {
        let written = Mutex<[UInt8]>([])
        let progress = PlainProgress { bytes in written.withLock { $0 += bytes } }
        progress.observe(.stepStarted(step(1, "RUN")))
        progress.observe(.output(step: 1, [0xFF, 0x1B, 0x0A]))
        #expect(written.withLock { Array($0.suffix(3)) } == [0xFF, 0x1B, 0x0A])
    }

    @Test("a whole build can be followed")
    func build() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        let screen = Screen()
        let options = BuildOptions(
            dockerfile: .text(
                DockerfileText(
                    name: "Dockerfile", bytes: Array("FROM base\nRUN echo hi".utf8))))
        _ = try Builder(store: fixture.store, executor: fixture.executor).build(
            options, context: .none, observer: PlainProgress { screen.write($0) })
        #expect(screen.content.contains("#2 [2/2] RUN echo hi\n#2 0.0"))
        #expect(screen.content.contains(" hi\n#2 DONE 0."))
    }
}
