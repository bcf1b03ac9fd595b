internal import ImageSpec
internal import Store
internal import Synchronization

/// Shows a build as lines that can go to a file, in BuildKit's plain form.
///
///     #2 [2/4] RUN make
///     #2 not cached: src/a.c changed
///     #2 0.214 cc -o a a.c
///     #2 DONE 1.3s
///
///     #3 [3/4] COPY a /bin/
///     #3 CACHED 1f0a9c21b3d4
///
/// Of steps that run at once, each line says which it is of; where another one begins to speak, the
/// one before is left with `#2 ...`, and the other one named again. A hit is named with the first
/// digits of its key, by which the gallery knows it.
package final class PlainProgress: BuildObserver {
    /// Where a line that does not end is cut: more than any line that somebody reads.
    private static let maximumLineBytes = 64 << 10
    /// How many of the inputs that changed are shown; "cache explain" tells of all.
    private static let shownChanges = 5
    /// What is kept while the terminal is somebody else's.
    private static let maximumHeldBytes = 1 << 20

    private struct Running {
        var label: String
        var start = ContinuousClock.now
        /// The line that a command has begun and not ended, shorter than a line may be.
        var partial: [UInt8] = []
    }

    private struct State {
        var running: [Int: Running] = [:]
        /// The step that spoke last, if no empty line stands below it.
        var speaker: Int?
        var held: [UInt8]?
    }

    private let isTerminal: Bool
    private let write: @Sendable ([UInt8]) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - isTerminal: whether what commands print goes to a terminal, which is shown no more of its
    ///     control sequences than colours; a file gets the bytes as they are.
    ///   - write: takes whole lines, with their line feeds.
    package init(isTerminal: Bool = false, _ write: @escaping @Sendable ([UInt8]) -> Void) {
        self.isTerminal = isTerminal
        self.write = write
    }

    package func observe(_ event: BuildEvent) {
        state.withLock { state in
            switch event {
            case .terminalLent: state.held = []
            case .terminalReturned:
                let held = state.held ?? []
                state.held = nil
                if !held.isEmpty { write(held) }
            default:
                let bytes = bytes(for: event, &state)
                if bytes.isEmpty { return }
                guard let held = state.held else { return write(bytes) }
                if held.count < Self.maximumHeldBytes { state.held = held + bytes }
            }
        }
    }

    private func bytes(for event: BuildEvent, _ state: inout State) -> [UInt8] {
        switch event {
        case .started, .planned, .exporting, .terminalLent, .terminalReturned: return []
        case .stepStarted(let step):
            state.running[step.number] = Running(label: step.label.visible)
            return turn(to: step.number, &state)
        case .output(let step, let bytes): return lines(of: bytes, step, &state)
        case .stepExplained(let step, let explanation):
            let lines = explanation.lines(upTo: Self.shownChanges)
            return say(step, lines.map { "not cached: \($0.visible)" }, &state)
        case .stepWaiting(let step):
            return say(step, ["waiting for another build that runs this step"], &state)
        case .stepCached(let step, let key):
            return end(step, "CACHED \(key.digest.short)", &state)
        case .stepDone(let step, let time): return end(step, "DONE \(time.tenths)s", &state)
        case .stepFailed(let step, _, let message):
            return end(step, "ERROR: \(message.visible)", &state)
        case .stepCancelled(let step, _): return end(step, "CANCELED", &state)
        case .warning(let warning):
            let place = warning.place.map { " (\($0))" } ?? ""
            return Array("WARNING: \(warning.code): \("\(warning.message)\(place)".visible)\n".utf8)
        case .exported(let step, let image, let tags, let time):
            var lines = ["writing image \(image)"]
            lines += tags.map { "naming to \($0.canonical)" }
            lines.append("DONE \(time.tenths)s")
            defer { state.running[step] = nil }
            return say(step, lines, &state)
        }
    }

    // MARK: - Who speaks

    private func say(_ step: Int, _ lines: [String], _ state: inout State) -> [UInt8] {
        turn(to: step, &state) + lines.flatMap { Array("#\(step) \($0)\n".utf8) }
    }

    /// What comes between the lines of one step and those of another.
    private func turn(to step: Int, _ state: inout State) -> [UInt8] {
        if state.speaker == step { return [] }
        let left = state.speaker.map { state.running[$0] == nil ? "\n" : "#\($0) ...\n\n" } ?? ""
        state.speaker = step
        let label = state.running[step]?.label ?? ""
        return Array("\(left)#\(step) \(label)\n".utf8)
    }

    private func end(_ step: Int, _ text: String, _ state: inout State) -> [UInt8] {
        var bytes = turn(to: step, &state)
        if let running = state.running[step], !running.partial.isEmpty {
            bytes += line(running.partial, step, elapsed(running))
        }
        state.running[step] = nil
        state.speaker = nil
        return bytes + Array("#\(step) \(text)\n\n".utf8)
    }

    // MARK: - Output

    /// The lines that `bytes` completes; only those are looked at, however long a line grows.
    private func lines(of bytes: [UInt8], _ step: Int, _ state: inout State) -> [UInt8] {
        guard var running = state.running[step] else { return [] }
        var result: [UInt8] = []
        let time = elapsed(running)
        var pieces = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        let last = pieces.removeLast()
        for piece in pieces {
            running.partial += piece
            result += line(running.partial, step, time)
            running.partial.removeAll(keepingCapacity: true)
        }
        running.partial += last
        if running.partial.count >= Self.maximumLineBytes {
            result += line(running.partial, step, time)
            running.partial = []
        }
        state.running[step] = running
        return result.isEmpty ? [] : turn(to: step, &state) + result
    }

    private func elapsed(_ running: Running) -> String {
        (ContinuousClock.now - running.start).thousandths
    }

    /// The line without what a carriage return overwrote.
    private func line(_ bytes: [UInt8], _ step: Int, _ time: String) -> [UInt8] {
        let visible = bytes.split(separator: 0x0D).last ?? []
        var line = Array("#\(step) \(time) ".utf8)
        if isTerminal {
            line += Array(TerminalText.colored(visible).utf8)
        } else {
            line += visible
        }
        line.append(0x0A)
        return line
    }
}

extension Duration {
    private var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }

    /// Seconds with one decimal: `1.3`.
    var tenths: String {
        let tenths = (milliseconds + 50) / 100
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// Seconds with three decimals: `0.214`.
    var thousandths: String {
        let digits = String(milliseconds % 1000)
        let zeros = String(repeating: "0", count: 3 - digits.utf8.count)
        return "\(milliseconds / 1000).\(zeros)\(digits)"
    }
}
