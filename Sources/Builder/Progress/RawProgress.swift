package import ImageSpec
internal import Sandbox
internal import Store
internal import Synchronization

/// Tells a build to programs: a JSON object a line, of the shape of BuildKit's `SolveStatus`.
///
///     {"vertexes":[{"digest":"sha256:…","name":"[1/2] FROM base","started":"2026-05-01T12:03:01Z"}]}
///     {"logs":[{"vertex":"sha256:…","stream":1,"data":"aGkK","timestamp":"…"}]}
///
/// A step is a vertex; its digest names it in this build, and its inputs are the steps of its stage
/// before it. Bytes are in base64, as Go writes them. Thread-safe.
package final class RawProgress: BuildObserver {
    private struct Vertex {
        var digest: String
        var name: String
        var inputs: [String]
        var started: String
    }

    private struct State {
        var build = ""
        var vertexes: [Int: Vertex] = [:]
        /// The last step of each stage.
        var last: [String: String] = [:]
    }

    private let now: @Sendable () -> Timestamp
    private let write: @Sendable ([UInt8]) -> Void
    private let state = Mutex(State())

    /// - Parameter write: takes whole lines, with their line feeds.
    package init(
        now: @escaping @Sendable () -> Timestamp = {
            Timestamp(nanosecondsSinceEpoch: Store.now())
        },
        _ write: @escaping @Sendable ([UInt8]) -> Void
    ) {
        self.now = now
        self.write = write
    }

    package func observe(_ event: BuildEvent) {
        state.withLock { state in
            guard let object = object(for: event, &state) else { return }
            write(JSONValue.object(object).encoded + [0x0A])
        }
    }

    private func object(for event: BuildEvent, _ state: inout State) -> JSONObject? {
        let time = "\(now())"
        switch event {
        case .started(let build, _):
            state.build = build
            return nil
        case .stepStarted(let step):
            let digest = "\(Digest(of: Array("\(state.build) \(step.number)".utf8)))"
            let stage = Self.stage(of: step)
            let vertex = Vertex(
                digest: digest, name: step.label, inputs: state.last[stage].map { [$0] } ?? [],
                started: time)
            state.last[stage] = digest
            state.vertexes[step.number] = vertex
            return Self.vertexes(vertex)
        case .output(let step, let bytes):
            guard let vertex = state.vertexes[step] else { return nil }
            return Self.list(
                "logs",
                [
                    "vertex": .string(vertex.digest), "stream": 1,
                    "data": .string(Base64.encode(bytes)), "timestamp": .string(time),
                ])
        case .stepExplained(let step, let explanation):
            return statuses(
                step, explanation.lines.map { "not cached: \($0)" }, time, isDone: true, state)
        case .stepWaiting(let step):
            return statuses(
                step, ["waiting for another build that runs this step"], time, isDone: false, state)
        case .stepCached(let step, _):
            return end(step, time, state) { $0.append("cached", .bool(true)) }
        case .stepDone(let step, _), .exported(let step, _, _, _): return end(step, time, state)
        case .stepFailed(let step, _, let message):
            return end(step, time, state) { $0.append("error", message) }
        case .stepCancelled(let step, _):
            return end(step, time, state) { $0.append("error", "context canceled") }
        case .warning(let warning):
            let text = warning.place.map { "\(warning.message) (\($0))" } ?? warning.message
            return Self.list(
                "warnings",
                [
                    "level": 1,
                    "short": .string(Base64.encode(Array("\(warning.code): \(text)".utf8))),
                ])
        case .planned, .exporting, .terminalLent, .terminalReturned: return nil
        }
    }

    private func end(
        _ step: Int, _ time: String, _ state: State, _ add: (inout JSONObject) -> Void = { _ in }
    ) -> JSONObject? {
        guard let vertex = state.vertexes[step] else { return nil }
        return Self.vertexes(vertex) { object in
            object.append("completed", time)
            add(&object)
        }
    }

    private static func vertexes(
        _ vertex: Vertex, _ add: (inout JSONObject) -> Void = { _ in }
    ) -> JSONObject {
        var object = JSONObject()
        object.append("digest", vertex.digest)
        object.append("inputs", vertex.inputs)
        object.append("name", vertex.name)
        object.append("started", vertex.started)
        add(&object)
        return list("vertexes", .object(object))
    }

    private func statuses(
        _ step: Int, _ names: [String], _ time: String, isDone: Bool, _ state: State
    ) -> JSONObject? {
        guard let vertex = state.vertexes[step] else { return nil }
        let statuses = names.map { name -> JSONValue in
            var object = JSONObject()
            object.append("id", name)
            object.append("vertex", vertex.digest)
            object.append("current", JSONValue(0))
            object.append("timestamp", time)
            object.append("started", time)
            if isDone { object.append("completed", time) }
            return .object(object)
        }
        return JSONObject([.init("statuses", .array(statuses))])
    }

    /// A place is a stage and a number in it.
    private static func stage(of step: BuildStep) -> String {
        guard let blank = step.place.lastIndex(of: " ") else { return step.place }
        return String(step.place[..<blank])
    }

    private static func list(_ name: String, _ element: JSONValue) -> JSONObject {
        JSONObject([.init(name, .array([element]))])
    }
}
