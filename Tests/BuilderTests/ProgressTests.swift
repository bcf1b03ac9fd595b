import Builder
import Foundation
import ImageSpec
import Store
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

    @Test func `an image that was written is not left behind when another follows`() throws {
        let screen = Screen()
        let progress = PlainProgress { screen.write($0) }
        for number in 3...4 {
            progress.observe(.stepStarted(step(number, "exporting")))
            progress.observe(
                .exported(step: number, ImageID(Digest(of: [])), tags: [], .zero))
        }
        let image = "writing image \(Digest(of: []))"
        #expect(
            screen.content == """
                #3 exporting
                #3 \(image)
                #3 DONE 0.0s

                #4 exporting
                #4 \(image)
                #4 DONE 0.0s

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

    private func terminal(_ columns: Int, _ rows: Int, _ screen: Screen) -> TerminalProgress {
        TerminalProgress(size: { .init(columns: columns, rows: rows) }) { screen.write($0) }
    }

    /// The line, and from the next one on all: from the first place on, tmux would keep it.
    private let erased = "\u{1B}[K\u{1B}[B\u{1B}[J\u{1B}[A"

    @Test("a terminal keeps what has ended and draws over what runs")
    func terminal() {
        let screen = Screen()
        let progress = terminal(40, 24, screen)
        progress.observe(.started(build: "b", title: "t"))
        progress.observe(.planned(stepCount: 3))
        progress.observe(.stepStarted(step(1, "[1/2] RUN with a text that is too long to fit")))
        progress.observe(.output(step: 1, Array("a\u{1B}[31m\nb".utf8)))
        progress.tick()
        progress.observe(.stepDone(step: 1, .seconds(2)))
        progress.observe(.stepStarted(step(2, "[2/2] COPY x")))
        progress.observe(.stepCached(step: 2, key))
        let long = " => [1/2] RUN with a text that is…"
        #expect(
            screen.content == """
                [+] Building t 0.0s (0/3)
                \(long) 0.0s
                \u{1B}[2A\r\(erased)[+] Building t 0.0s (0/3)
                \(long) 0.0s
                 =>  > a
                 =>  > b
                \u{1B}[4A\r\(erased)\(long) 2.0s
                [+] Building t 0.0s (1/3)
                 => [2/2] COPY x                   0.0s
                \u{1B}[2A\r\(erased) => CACHED [2/2] COPY x    \(key.digest.short)

                """)
    }

    @Test("steps that run at once stand below each other by their numbers")
    func parallelOnTerminal() {
        let screen = Screen()
        let progress = terminal(30, 24, screen)
        progress.observe(.started(build: "b", title: "t"))
        progress.observe(.stepStarted(step(4, "four")))
        progress.observe(.stepStarted(step(2, "two")))
        progress.observe(.stepWaiting(step: 4))
        let last = screen.content.components(separatedBy: erased).last
        #expect(
            last == """
                [+] Building t 0.0s (0)
                 => two                  0.0s
                 => four                 0.0s
                 =>  waiting for another bui…

                """)
    }

    @Test(
        "what does not fit on a terminal is left out",
        arguments: [(1, 1), (2, 1), (3, 2), (4, 3), (5, 4), (9, 7), (24, 13)])
    func shortTerminal(_ rows: Int, _ drawn: Int) {
        let screen = Screen()
        let progress = terminal(20, rows, screen)
        for number in 1...3 {
            progress.observe(.stepStarted(step(number, "step \(number)")))
            for line in 1...3 {
                progress.observe(.output(step: number, Array("line \(line)\n".utf8)))
            }
        }
        progress.tick()
        let last = screen.content.components(separatedBy: erased).last ?? ""
        let lines = last.split(separator: "\n")
        #expect(lines.count == drawn)
        #expect(lines.allSatisfy { $0.count < 20 })
    }

    @Test("a terminal that was made narrower is cleared of the lines that it broke")
    func narrowed() {
        let screen = Screen()
        let columns = Mutex(40)
        let progress = TerminalProgress(size: {
            .init(columns: columns.withLock { $0 }, rows: 24)
        }) { screen.write($0) }
        progress.observe(.stepStarted(step(1, "a text of some length")))
        columns.withLock { $0 = 13 }
        progress.tick()
        // The first line of 22 columns has two rows, the second one of 39 has three.
        #expect(screen.content.contains("\u{1B}[5A\r\(erased)[+] Buildin…\n => a text …\n"))
    }

    @Test("a terminal that was made much narrower is cleared up to its top, and not further")
    func muchNarrowed() {
        let screen = Screen()
        let columns = Mutex(80)
        let progress = TerminalProgress(size: {
            .init(columns: columns.withLock { $0 }, rows: 5)
        }) { screen.write($0) }
        for number in 1...3 { progress.observe(.stepStarted(step(number, "漢字漢字漢字漢字"))) }
        columns.withLock { $0 = 40 }
        progress.tick()
        // Seven rows, of which four are above the cursor's.
        #expect(screen.content.contains("\u{1B}[4A\r\(erased)[+] Building"))
    }

    @Test("wide letters take two columns, marks none")
    func width() {
        let screen = Screen()
        let progress = terminal(20, 24, screen)
        progress.observe(.stepStarted(step(1, "漢字e\u{301}漢字漢字漢字")))
        #expect(screen.content.contains("\n => 漢字e\u{301}漢字… 0.0s\n"))
    }

    @Test("while the terminal is lent nothing is shown, and all of it afterwards")
    func lent() {
        for isPlain in [true, false] {
            let screen = Screen()
            let progress: any BuildObserver =
                isPlain ? PlainProgress { screen.write($0) } : terminal(40, 24, screen)
            progress.observe(.stepStarted(step(1, "one")))
            progress.observe(.terminalLent)
            let before = screen.content
            progress.observe(.stepStarted(step(2, "two")))
            progress.observe(.stepDone(step: 2, .zero))
            (progress as? TerminalProgress)?.tick()
            #expect(screen.content == before)
            progress.observe(.terminalReturned)
            #expect(screen.content.dropFirst(before.count).contains("two"))
        }
    }

    @Test("in plain lines, who speaks is named when another one spoke before")
    func parallelPlain() {
        let screen = Screen()
        let progress = PlainProgress { screen.write($0) }
        progress.observe(.stepStarted(step(1, "one")))
        progress.observe(.stepStarted(step(2, "two")))
        progress.observe(.stepWaiting(step: 2))
        progress.observe(
            .stepExplained(
                step: 1,
                CacheExplanation(.changed, changes: [.init("a", text: "argument A: 1 → 2")])))
        progress.observe(.stepCached(step: 2, key))
        progress.observe(.stepCancelled(step: 1, .zero))
        #expect(
            screen.content == """
                #1 one
                #1 ...

                #2 two
                #2 waiting for another build that runs this step
                #2 ...

                #1 one
                #1 not cached: argument A: 1 → 2
                #1 ...

                #2 two
                #2 CACHED \(key.digest.short)

                #1 one
                #1 CANCELED


                """)
    }

    @Test("each line of rawjson is an object of BuildKit's shape")
    func raw() throws {
        let screen = Screen()
        let time = try #require(Timestamp(unixSeconds: 1_700_000_000))
        let progress = RawProgress(now: { time }) { screen.write($0) }
        let image = ImageID(Digest(of: []))
        progress.observe(.started(build: "b", title: "t"))
        progress.observe(
            .stepStarted(
                BuildStep(number: 1, label: "[a 1/2] FROM x", instruction: "", place: "a 1")))
        progress.observe(.stepDone(step: 1, .zero))
        progress.observe(
            .stepStarted(
                BuildStep(number: 2, label: "[a 2/2] RUN y", instruction: "", place: "a 2")))
        progress.observe(.stepExplained(step: 2, CacheExplanation(.new)))
        progress.observe(.output(step: 2, Array("hi\n".utf8)))
        progress.observe(.stepFailed(step: 2, .zero, message: "it broke"))
        progress.observe(.warning(BuildWarning(code: "C", message: "m", place: "Dockerfile:2")))
        progress.observe(.stepStarted(step(3, "exporting")))
        progress.observe(.exported(step: 3, image, tags: [], .zero))
        let lines = try screen.content.split(separator: "\n").map {
            try JSONParser.parse(Array($0.utf8))
        }
        let first = "\(Digest(of: Array("b 1".utf8)))"
        let second = "\(Digest(of: Array("b 2".utf8)))"
        let moment = "2023-11-14T22:13:20Z"
        #expect(lines.count == 9)
        #expect(
            lines[0]["vertexes"]
                == .array([
                    [
                        "digest": .string(first), "name": "[a 1/2] FROM x",
                        "started": .string(moment),
                    ]
                ]))
        #expect(lines[1]["vertexes"]?[0]?["completed"] == .string(moment))
        #expect(lines[2]["vertexes"]?[0]?["inputs"] == .array([.string(first)]))
        #expect(lines[3]["statuses"]?[0]?["id"] == "not cached: never built before")
        #expect(
            lines[4]["logs"]
                == .array([
                    [
                        "vertex": .string(second), "stream": 1, "data": "aGkK",
                        "timestamp": .string(moment),
                    ]
                ]))
        #expect(lines[5]["vertexes"]?[0]?["error"] == "it broke")
        #expect(lines[6]["warnings"]?[0]?["level"] == 1)
        #expect(lines[8]["vertexes"]?[0]?["completed"] == .string(moment))
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
        #expect(
            screen.content.contains(
                "#2 [2/2] RUN echo hi\n#2 not cached: never built before\n#2 0.0"))
        #expect(screen.content.contains(" hi\n#2 DONE 0."))
    }
}
