import Builder
import FileTree
import Store
import Synchronization

/// Runs the commands of tests on trees in memory: `write PATH TEXT`, `mkdir PATH`, `rm PATH`,
/// `echo TEXT`, `printenv NAME`, `exit CODE`, `cancel` and `true`, joined by `&&`.
final class FakeExecutor: StepExecutor {
    /// What was run, in order.
    let requests = Mutex<[StepRequest]>([])

    func run(_ request: StepRequest, in context: StepContext) throws -> StepResult {
        requests.withLock { $0.append(request) }
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

extension TreePath {
    init(_ text: String) throws { try self.init(cleaning: Array(text.utf8)) }
}

/// Keeps the events of a build.
final class RecordingObserver: BuildObserver {
    let events = Mutex<[BuildEvent]>([])

    func observe(_ event: BuildEvent) { events.withLock { $0.append(event) } }

    /// One word for each step that ended: `done`, `cached`, `failed`.
    var outcomes: [String] {
        events.withLock { $0 }.compactMap { event in
            switch event {
            case .stepDone: "done"
            case .stepCached: "cached"
            case .stepFailed: "failed"
            default: nil
            }
        }
    }

    var labels: [String] {
        events.withLock { $0 }.compactMap { event in
            if case .stepStarted(let step) = event { step.label } else { nil }
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
