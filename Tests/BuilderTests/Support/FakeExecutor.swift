import Builder
import FileTree
import Glibc
import LinuxIO
import Store
import Synchronization

/// Runs the commands of tests on trees in memory: `write PATH TEXT`, `mkdir PATH`, `rm PATH`,
/// `echo TEXT`, `printenv NAME`, `exit CODE`, `cancel`, `meet NAME COUNT`, `hold NAME`,
/// `pause` and `true`, joined by `&&`.
final class FakeExecutor: StepExecutor {
    /// What was run, in order.
    let requests = Mutex<[StepRequest]>([])
    /// What was shown of steps that run no command.
    let failures = Mutex<[(message: String, request: StepRequest)]>([])
    let meeting = Meeting()
    let gate = Gate()
    /// How many commands ran at once, at most.
    let most = Mutex((running: 0, most: 0))

    func run(_ request: StepRequest, in context: StepContext) throws -> StepResult {
        requests.withLock { $0.append(request) }
        most.withLock { counts in
            counts.running += 1
            counts.most = max(counts.most, counts.running)
        }
        defer { most.withLock { $0.running -= 1 } }
        let editor = TreeEditor(base: request.tree, directories: context.directories)
        var ending = StepResult.Ending.exited(0)
        for command in (request.arguments.last ?? "").split(separator: "&&") {
            let words = command.split(separator: " ").map(String.init)
            guard let name = words.first else { continue }
            ending = try perform(
                name, Array(words.dropFirst()), request, editor, context)
            if ending != .exited(0) { break }
        }
        return StepResult(ending: ending, tree: try editor.finish())
    }

    func showFailure(
        _ failure: String, _ request: StepRequest, in context: StepContext
    ) throws -> Tree? {
        failures.withLock { $0.append((failure, request)) }
        return nil
    }

    private func perform(
        _ name: String, _ words: [String], _ request: StepRequest, _ editor: TreeEditor,
        _ context: StepContext
    ) throws -> StepResult.Ending {
        let first = words.first ?? ""
        switch name {
        case "write":
            let content = try context.ingest.insert(
                Array(words.dropFirst().joined(separator: " ").utf8))
            try editor.put(
                Node(
                    attributes: NodeAttributes(
                        permissions: 0o644, modificationTime: NodeTime(seconds: 1_000_000)),
                    content: .file(content)), at: try TreePath(first))
        case "mkdir":
            try editor.putDirectory(NodeAttributes(permissions: 0o755), at: try TreePath(first))
        case "rm": try editor.remove(try TreePath(first))
        case "echo": context.output.write(Array((words.joined(separator: " ") + "\n").utf8))
        case "printenv":
            let value = request.environment.last { $0.hasPrefix(first + "=") } ?? first
            context.output.write(Array((value + "\n").utf8))
        case "pause": usleep(UInt32.random(in: 0..<3000))
        case "meet":
            // Goes on when as many commands are here at once; ends alone after some seconds.
            if !meeting.wait(first, Int(words.dropFirst().first ?? "") ?? 2) { return .exited(99) }
        case "hold":
            // Until it is let go, or the build is cancelled.
            if !gate.wait(first, context.cancellation) { return .cancelled }
        case "exit": return .exited(Int32(first) ?? 1)
        case "cancel":
            context.cancellation.cancel()
            return .cancelled
        default: break
        }
        return .exited(0)
    }

    var commands: [String] { requests.withLock { $0.map { $0.arguments.last ?? "" } } }
}

/// Where commands wait for each other, to show that they run at once.
final class Meeting: Sendable {
    private let counts = Monitor<[String: Int]>([:])

    /// - Returns: false when the others did not come.
    func wait(_ name: String, _ count: Int) -> Bool {
        counts.withLock { $0[name, default: 0] += 1 }
        for _ in 0..<12_000 {
            if counts.withLock({ $0[name] ?? 0 >= count }) { return true }
            usleep(5000)
        }
        return false
    }
}

/// Holds commands until a test lets them go.
final class Gate: Sendable {
    private struct State: Sendable {
        var arrived: Set<String> = []
        var open: Set<String> = []
    }

    private let state = Monitor(State())

    func open(_ name: String) { state.withLock { _ = $0.open.insert(name) } }

    /// Waits until a command is held.
    func waitForArrival(_ name: String) {
        state.wait { $0.arrived.contains(name) ? () : nil }
    }

    /// - Returns: false when it was cancelled.
    func wait(_ name: String, _ cancellation: Cancellation) -> Bool {
        let registration = cancellation.onCancel { [state] in state.notify() }
        defer { cancellation.remove(registration) }
        state.withLock { _ = $0.arrived.insert(name) }
        return state.wait { state in
            if cancellation.isCancelled { return false }
            return state.open.contains(name) ? true : nil
        }
    }
}

extension TreePath {
    init(_ text: String) throws { try self.init(cleaning: Array(text.utf8)) }
}

/// Keeps the events of a build.
final class RecordingObserver: BuildObserver {
    let events = Mutex<[BuildEvent]>([])

    func observe(_ event: BuildEvent) { events.withLock { $0.append(event) } }

    /// One word for each step, as they ended: `done`, `cached`, `failed`, `cancelled`.
    var outcomes: [String] { endings.map(\.1) }

    /// The same by the steps' numbers.
    var outcomesByNumber: [String] {
        endings.enumerated().sorted { ($0.element.0, $0.offset) < ($1.element.0, $1.offset) }
            .map(\.element.1)
    }

    private var endings: [(Int, String)] {
        events.withLock { $0 }.compactMap { event -> (Int, String)? in
            switch event {
            case .stepDone(let step, _): (step, "done")
            case .stepCached(let step, _): (step, "cached")
            case .stepFailed(let step, _, _): (step, "failed")
            case .stepCancelled(let step, _): (step, "cancelled")
            default: nil
            }
        }
    }

    /// By number.
    var labels: [String] {
        events.withLock { $0 }.compactMap { event in
            if case .stepStarted(let step) = event { step } else { nil }
        }.enumerated().sorted {
            ($0.element.number, $0.offset) < ($1.element.number, $1.offset)
        }.map(\.element.label)
    }

    /// What was said of why a step ran.
    func explanation(ofStep number: Int) -> [String] {
        events.withLock { $0 }.flatMap { event -> [String] in
            if case .stepExplained(number, let explanation) = event {
                explanation.lines
            } else {
                []
            }
        }
    }

    var waitedSteps: [Int] {
        events.withLock { $0 }.compactMap { event in
            if case .stepWaiting(let step) = event { step } else { nil }
        }
    }

    var warnings: [String] {
        events.withLock { $0 }.compactMap { event in
            if case .warning(let warning) = event { warning.message } else { nil }
        }
    }

    var output: String {
        let bytes = events.withLock { $0 }.flatMap { event -> [UInt8] in
            if case .output(_, let bytes) = event { bytes } else { [] }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
