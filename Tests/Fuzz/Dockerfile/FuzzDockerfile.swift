import CFuzzer
import Dockerfile

/// Reads the input as a Dockerfile and does all that can be done with it, then as an ignore file.
@c(LLVMFuzzerTestOneInput)
func exercise(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    unsafe exercise(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

@main
enum FuzzDockerfile {
    static func main() { _ = unsafe vitrine_fuzz(CommandLine.argc, CommandLine.unsafeArgv) }
}

private func exercise(_ input: [UInt8]) {
    do {
        try use(try Dockerfile(parsing: input))
    } catch let error as DockerfileError {
        precondition(!error.message.isEmpty, "an error says what is wrong")
        precondition(!error.rendered(source: input, fileName: "Dockerfile").isEmpty)
    } catch {
        preconditionFailure("an error of another kind")
    }
    guard let file = try? IgnoreFile(parsing: input) else { return }
    let matcher = PatternMatcher(file)
    for path in ["a", "a/b/c.go", "node_modules/x", ".git/HEAD"] {
        let verdict = matcher.match(Array(path.utf8))
        _ = matcher.canSkip(Array(path.utf8), verdict.state)
    }
}

private func use(_ file: Dockerfile) throws {
    let globals = try GlobalScope(file, buildArguments: { $0 == "a" ? "x/y.z" : nil })
    _ = try? file.plan(target: nil) { globals.values[$0] }
    for located in file.stages.flatMap(\.instructions) {
        let expanded = try? located.expanded(escape: file.directives.escape) {
            $0.utf8.count % 2 == 1 ? "v.\($0)" : nil
        }
        if case .run(let run) = expanded?.instruction { _ = run.program }
        if case .expose(let expose) = located.instruction {
            for port in expose.ports { _ = try? ExposedPort(parsing: port) }
        }
        if case .onbuild(let onbuild) = located.instruction {
            _ = try? LocatedInstruction(parsingTrigger: onbuild.trigger)
        }
    }
}
