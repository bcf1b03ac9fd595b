internal import ImageSpec
internal import Synchronization

/// Shows a build on a terminal: what has ended stays, below it what runs, with times and the last
/// lines that were printed.
///
///      => [tools 1/3] FROM docker.io/library/debian:bookworm                   0.0s
///      => CACHED [tools 2/3] RUN apt-get update                        1f0a9c21b3d4
///     [+] Building app 4.3s (2/9)
///      => [tools 3/3] RUN make                                                 4.2s
///      =>  > cc -o a a.c
///      => [docs 2/2] RUN make html                                             1.1s
///
/// The owner calls ``tick()`` several times a second: then times move, and what commands printed
/// meanwhile is shown. Thread-safe.
package final class TerminalProgress: BuildObserver {
    /// A terminal's size in characters.
    package struct Size: Hashable, Sendable {
        package var columns: Int
        package var rows: Int

        package init(columns: Int, rows: Int) {
            self.columns = max(1, columns)
            self.rows = max(1, rows)
        }
    }

    private struct Running {
        var step: BuildStep
        var start: ContinuousClock.Instant
        var log = LogTail()
        /// Whether another build runs it.
        var isWaiting = false
    }

    private struct State {
        var title = ""
        var start = ContinuousClock.now
        /// In the order of their numbers.
        var running: [Running] = []
        var endedCount = 0
        var cachedCount = 0
        /// Nil until it is known.
        var stepCount: Int?
        /// What is on the screen, to be drawn over.
        var live: [TerminalLine] = []
        var isEnded = false
        /// While the terminal is somebody else's: what is to be shown after that.
        var held: String?
    }

    private let size: @Sendable () -> Size
    private let write: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - size: the terminal's, asked for at each drawing.
    ///   - write: takes text with control sequences (ECMA-48).
    package init(
        size: @escaping @Sendable () -> Size, _ write: @escaping @Sendable (String) -> Void
    ) {
        self.size = size
        self.write = write
    }

    package func observe(_ event: BuildEvent) {
        state.withLock { state in
            switch event {
            case .terminalLent:
                write(Self.clear(&state, size()))
                state.held = ""
            case .terminalReturned:
                let held = state.held ?? ""
                state.held = nil
                write(held + Self.draw(&state, size()))
            default:
                // Output alone is shown with the next tick.
                guard let line = Self.handle(event, &state) else { return }
                show(line, &state)
            }
        }
    }

    /// Draws what runs anew.
    package func tick() {
        state.withLock { state in
            guard state.held == nil, !state.running.isEmpty else { return }
            let size = size()
            write(Self.clear(&state, size) + Self.draw(&state, size))
        }
    }

    /// Takes what runs off the screen: nothing follows.
    package func finish() {
        state.withLock { state in
            write((state.held ?? "") + Self.clear(&state, size()))
            state.held = nil
            state.isEnded = true
        }
    }

    private func show(_ line: (text: String, note: String), _ state: inout State) {
        let size = size()
        let text =
            line.text.isEmpty
            ? "" : TerminalLine(line.text, note: line.note, columns: size.columns).text + "\n"
        if let held = state.held {
            // More than anybody will read after a look around is dropped.
            if held.utf8.count < Self.maximumHeldBytes { state.held = held + text }
            return
        }
        write(Self.clear(&state, size) + text + Self.draw(&state, size))
    }

    private static let maximumHeldBytes = 64 << 10

    // MARK: - Events

    /// - Returns: the line that stays, empty for none; nil when nothing is to be drawn.
    private static func handle(
        _ event: BuildEvent, _ state: inout State
    ) -> (text: String, note: String)? {
        switch event {
        case .started(_, let title):
            state.title = title
            state.start = .now
            return ("", "")
        case .planned(let count):
            state.stepCount = count
            return nil
        case .stepStarted(let step):
            state.running.append(Running(step: step, start: .now))
            state.running.sort { $0.step.number < $1.step.number }
            return ("", "")
        case .output(let step, let bytes):
            update(step, &state) { $0.log.append(bytes) }
            return nil
        case .stepExplained(let step, _):
            update(step, &state) { $0.isWaiting = false }
            return nil
        case .stepWaiting(let step):
            update(step, &state) { $0.isWaiting = true }
            return ("", "")
        case .stepCached(let step, let key):
            state.cachedCount += 1
            return end(step, &state, mark: "CACHED ", note: key.digest.short)
        case .stepDone(let step, let time): return end(step, &state, note: "\(time.tenths)s")
        case .stepFailed(let step, let time, _):
            return end(step, &state, mark: "ERROR ", note: "\(time.tenths)s")
        case .stepCancelled(let step, let time):
            return end(step, &state, mark: "CANCELED ", note: "\(time.tenths)s")
        case .warning(let warning):
            let place = warning.place.map { " (\($0))" } ?? ""
            return (" ! \(warning.message)\(place)", "")
        case .exported(let step, let image, let tags, let time):
            _ = end(step, &state, note: "")
            let names = tags.map(\.familiarName).joined(separator: ", ")
            return (
                " => \(names.isEmpty ? "image" : names) is \(image.digest.short)",
                "\(time.tenths)s"
            )
        case .exporting, .terminalLent, .terminalReturned: return nil
        }
    }

    private static func update(
        _ step: Int, _ state: inout State, _ change: (inout Running) -> Void
    ) {
        guard let index = state.running.firstIndex(where: { $0.step.number == step }) else {
            return
        }
        change(&state.running[index])
    }

    private static func end(
        _ step: Int, _ state: inout State, mark: String = "", note: String
    ) -> (text: String, note: String)? {
        guard let index = state.running.firstIndex(where: { $0.step.number == step }) else {
            return nil
        }
        state.endedCount += 1
        return (" => \(mark)\(state.running.remove(at: index).step.label)", note)
    }

    // MARK: - Drawing

    /// Takes the live region off the screen; the cursor is where it began.
    private static func clear(_ state: inout State, _ size: Size) -> String {
        // A terminal that was made narrower has broken what was on it, and what went off its top is
        // out of reach.
        let broken = state.live.reduce(0) { $0 + $1.rows(size.columns) }
        let rows = min(broken, max(1, size.rows - 1))
        state.live = []
        guard rows > 0 else { return "" }
        // Cursor up, erase the line, then from the next one to the end of the screen: tmux puts what
        // is erased from the very first place on into its history.
        return "\u{1B}[\(rows)A\r\u{1B}[K\u{1B}[B\u{1B}[J\u{1B}[A"
    }

    private static func draw(_ state: inout State, _ size: Size) -> String {
        if state.isEnded || state.running.isEmpty { return "" }
        state.live = lines(state, size)
        return state.live.map { $0.text + "\n" }.joined()
    }

    /// What fits on the screen: the cursor has the last row.
    private static func lines(_ state: State, _ size: Size) -> [TerminalLine] {
        let now = ContinuousClock.now
        var room = max(1, size.rows - 1)
        var lines: [TerminalLine] = []
        func line(_ text: String, _ note: String = "") -> TerminalLine {
            TerminalLine(text, note: note, columns: size.columns)
        }
        if room > 1 {
            let total = state.stepCount.map { "/\($0)" } ?? ""
            let cached = state.cachedCount > 0 ? ", \(state.cachedCount) cached" : ""
            let time = (now - state.start).tenths
            lines.append(
                line("[+] Building \(state.title) \(time)s (\(state.endedCount)\(total)\(cached))"))
            room -= 1
        }
        let isCrowded = state.running.count > room
        let shown = state.running.prefix(isCrowded ? max(1, room - 1) : room)
        let logRoom = max(0, room - state.running.count) / max(1, shown.count)
        for running in shown {
            lines.append(line(" => \(running.step.label)", "\((now - running.start).tenths)s"))
            if running.isWaiting, logRoom > 0 {
                lines.append(line(" =>  waiting for another build that runs this step"))
            } else {
                for text in running.log.last(min(logRoom, LogTail.lines)) {
                    lines.append(line(" =>  > \(text)"))
                }
            }
        }
        if isCrowded, room > 1 {
            lines.append(line(" => and \(state.running.count - shown.count) more"))
        }
        return lines
    }
}
