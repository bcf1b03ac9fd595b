internal import ImageSpec
internal import Synchronization

/// Shows a build on a terminal: finished steps stay, below them the running one with its time and
/// the last lines it printed.
///
///     [+] Building debian-tools
///      => [1/3] FROM docker.io/library/debian:bookworm             0.0s
///      => CACHED [2/3] RUN apt-get update                1f0a9c21b3d4
///      => [3/3] RUN make                                           4.2s
///      =>  > cc -o a a.c
///
/// The owner calls ``tick()`` several times a second: then the time moves, and what the command
/// printed meanwhile is shown. Thread-safe.
package final class TerminalProgress: BuildObserver {
    /// The lines of a running command that are shown.
    private static let logLines = 6
    /// More of a line than any terminal shows, control sequences included, is dropped.
    private static let maximumLineBytes = 4 << 10

    private struct State {
        var running: (step: BuildStep, start: ContinuousClock.Instant)?
        /// The running command's last lines; the last one may not be complete.
        var log: [[UInt8]] = [[]]
        /// Lines of the live region on the screen, to be drawn over.
        var liveLines = 0
    }

    private let columns: @Sendable () -> Int
    private let write: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - columns: the terminal's width, asked for at each drawing.
    ///   - write: takes text with control sequences (ECMA-48).
    package init(
        columns: @escaping @Sendable () -> Int, _ write: @escaping @Sendable (String) -> Void
    ) {
        self.columns = columns
        self.write = write
    }

    package func observe(_ event: BuildEvent) {
        state.withLock { state in
            let width = max(20, columns())
            let text = handle(event, &state, width)
            if !text.isEmpty { write(text) }
        }
    }

    /// Draws the running step anew.
    package func tick() {
        state.withLock { state in
            guard state.running != nil else { return }
            write(redraw(&state, max(20, columns())))
        }
    }

    private func handle(_ event: BuildEvent, _ state: inout State, _ width: Int) -> String {
        switch event {
        case .started(_, let title): return "[+] Building \(title.visible)\n"
        case .stepStarted(let step):
            state.running = (step, .now)
            state.log = [[]]
            return redraw(&state, width)
        case .output(_, let bytes):
            Self.append(bytes, to: &state.log)
            return ""
        case .stepCached(_, let key):
            return finish(&state, width, mark: "CACHED ", note: key.digest.short)
        case .stepDone(_, let time): return finish(&state, width, note: "\(time.tenths)s")
        case .stepFailed(_, let time, _):
            return finish(&state, width, mark: "ERROR ", note: "\(time.tenths)s")
        case .warning(let warning):
            let place = warning.place.map { " (\($0))" } ?? ""
            let line = Self.fitted(" ! \(warning.message)\(place)", "", width)
            return clear(&state) + line + "\n" + redraw(&state, width)
        case .exporting: return ""
        case .exported(_, let image, let tags, let time):
            let names = tags.map(\.familiarName).joined(separator: ", ")
            let text = " => \(names.isEmpty ? "image" : names) is \(image.digest.short)"
            state.running = nil
            return clear(&state) + Self.fitted(text, "\(time.tenths)s", width) + "\n"
        }
    }

    private func finish(
        _ state: inout State, _ width: Int, mark: String = "", note: String
    ) -> String {
        guard let (step, _) = state.running else { return "" }
        state.running = nil
        return clear(&state) + Self.fitted(" => \(mark)\(step.label)", note, width) + "\n"
    }

    /// Takes the live region off the screen; the cursor is where it began.
    private func clear(_ state: inout State) -> String {
        defer { state.liveLines = 0 }
        // Cursor up, then erase to the end of the screen.
        return state.liveLines > 0 ? "\u{1B}[\(state.liveLines)A\u{1B}[J" : ""
    }

    private func redraw(_ state: inout State, _ width: Int) -> String {
        guard let (step, start) = state.running else { return "" }
        var lines = [Self.fitted(" => \(step.label)", "\((.now - start).tenths)s", width)]
        let shown = state.log.filter { !$0.isEmpty }.suffix(Self.logLines)
        for line in shown {
            lines.append(Self.fitted(" =>  > \(TerminalText.plain(line))", "", width))
        }
        let text = clear(&state) + lines.map { $0 + "\n" }.joined()
        state.liveLines = lines.count
        return text
    }

    private static func append(_ bytes: [UInt8], to log: inout [[UInt8]]) {
        for byte in bytes {
            switch byte {
            case 0x0A:
                log.append([])
                if log.count > logLines + 1 { log.removeFirst() }
            case 0x0D: log[log.count - 1].removeAll(keepingCapacity: true)
            default:
                if log[log.count - 1].count < maximumLineBytes { log[log.count - 1].append(byte) }
            }
        }
    }

    /// The text cut to the width, the note at the right edge.
    private static func fitted(_ text: String, _ note: String, _ width: Int) -> String {
        let text = text.split(separator: "\n").joined(separator: " ").visible
        // The last column stays free: a full line would wrap.
        let room = max(1, width - 1 - (note.isEmpty ? 0 : note.count + 1))
        let cut = text.count <= room ? text : text.prefix(room - 1) + "…"
        guard !note.isEmpty else { return String(cut) }
        let padding = String(repeating: " ", count: max(0, room - cut.count))
        return "\(cut)\(padding) \(note)"
    }
}
