import Dockerfile
import Testing

@Suite("Foreign bytes")
struct FuzzTests {
    /// Pieces that mean something somewhere: put together at random they reach further than
    /// random bytes do.
    static let pieces: [[UInt8]] =
        [
            "\\", "`", "\n", "\r\n", "\"", "'", "$", "${", "}", "${a:-", "${a#*", "${a//", "/", "#",
            "# escape=`\n",
            "<<EOF", "<<-\"E\"", "EOF\n", "<< EOF", "<<- \"E\"", "<< ", "[", "]", "\",\"", "--",
            "--from=", "--mount=", "=", "!",
            "*", "**", "?",
            "[^", "FROM a\n", "ONBUILD ", "RUN ", "COPY ", "ENV ", " ", "\t", "\0", "\u{FEFF}",
            "\u{A0}", "é", "::",
            "AS ", ",", "0", "99999999999999999999", "-1", "\\u12", "HEALTHCHECK --interval=", "..",
            "<", ">",
        ].map { Array($0.utf8) } + [[0xFF], [0xC3], [0xE2, 0x80], [0xF0, 0x9F, 0x98]]

    /// Makes a few random changes.
    static func mutate(_ input: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = input
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let at = Int.random(in: 0...bytes.count, using: &random)
            let end = min(bytes.count, at + Int.random(in: 0...8, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes.removeSubrange(at..<end)
            case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
            case 2:
                bytes.insert(
                    contentsOf: bytes[at..<end], at: Int.random(in: 0...bytes.count, using: &random)
                )
            case 3:
                if at < bytes.count { bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
            default: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: at)
            }
        }
        return bytes
    }

    /// Everything that can be done with a file, as far as it goes.
    static func exercise(_ source: [UInt8]) {
        do {
            let file = try Dockerfile(parsing: source)
            let globals = try GlobalScope(file, buildArguments: { $0 == "a" ? "x/y.z" : nil })
            _ = try? file.plan(target: nil) { globals.values[$0] }
            for instruction in file.stages.flatMap(\.instructions) {
                let expanded = try? instruction.expanded(escape: file.directives.escape) {
                    $0.utf8.count % 2 == 1 ? "v.\($0)" : nil
                }
                if case .run(let run) = expanded?.instruction { _ = run.program }
                if case .expose(let expose) = instruction.instruction {
                    for port in expose.ports { _ = try? ExposedPort(parsing: port) }
                }
                if case .onbuild(let onbuild) = instruction.instruction {
                    _ = try? LocatedInstruction(parsingTrigger: onbuild.trigger)
                }
            }
        } catch {
            #expect(!error.message.isEmpty)
            #expect(!error.rendered(source: source, fileName: "f").isEmpty)
        }
    }

    @Test("mutated Dockerfiles are read or refused, and never trap", arguments: 0..<4)
    func dockerfiles(part: Int) throws {
        var random = SeededGenerator(seed: UInt64(part))
        // The one with a line of the greatest length would take all the time.
        let inputs = try GoldenCase.all.map { try $0.source }.filter { $0.count < 4_096 }
        for _ in 0..<5_000 {
            let input = inputs.randomElement(using: &random) ?? []
            Self.exercise(Self.mutate(input, &random))
        }
    }

    @Test("random words expand or are refused, and never trap")
    func words() {
        var random = SeededGenerator(seed: 5)
        for round in 0..<20_000 {
            var word: [UInt8] = []
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                word += Self.pieces.randomElement(using: &random) ?? []
            }
            let expander = WordExpander(
                escape: round % 2 == 0 ? .backslash : .backtick,
                options: WordExpander.Options(rawValue: Int.random(in: 0..<16, using: &random)))
            _ = try? expander.expand(word) { $0.isEmpty ? nil : "a/\($0)*" }
        }
    }

    @Test("mutated ignore files are read or refused, and never trap")
    func ignoreFiles() {
        var random = SeededGenerator(seed: 6)
        let seed = Array(
            "# c\n**/node_modules\n!a/[b-d]*\n/x/../y\n\\*.go\n!**/keep?\n*.[^a-z]\n".utf8)
        let paths = ["a", "a/b/c", "node_modules/x", "y/*.go", "\u{FEFF}/keep1", ".x"].map {
            Array($0.utf8)
        }
        for _ in 0..<5_000 {
            guard let file = try? IgnoreFile(parsing: Self.mutate(seed, &random)) else { continue }
            let matcher = PatternMatcher(file)
            for path in paths + [[0xFF, 0x2F, 0xC3]] {
                let verdict = matcher.match(path)
                _ = matcher.canSkip(path, verdict.state)
            }
        }
    }
}
