internal import ImageSpec
internal import Synchronization

/// Shows a build as lines that can go to a file, in BuildKit's plain form.
///
///     #2 [2/4] RUN make
///     #2 0.214 cc -o a a.c
///     #2 DONE 1.3s
///
///     #3 [3/4] COPY a /bin/
///     #3 CACHED 1f0a9c21b3d4
///
/// A hit is named with the first digits of its key, by which the gallery knows it.
package final class PlainProgress: BuildObserver {
    /// Where a line that does not end is cut: more than any line that somebody reads.
    private static let maximumLineBytes = 64 << 10

    private struct State {
        var start: ContinuousClock.Instant?
        /// The line that a command has begun and not ended, shorter than a line may be.
        var partial: [UInt8] = []
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
            let bytes = bytes(for: event, &state)
            if !bytes.isEmpty { write(bytes) }
        }
    }

    private func bytes(for event: BuildEvent, _ state: inout State) -> [UInt8] {
        switch event {
        case .started, .exporting: return []
        case .stepStarted(let step):
            state.start = ContinuousClock.now
            state.partial = []
            return Array("#\(step.number) \(step.label.visible)\n".utf8)
        case .output(let step, let bytes): return lines(of: bytes, step, &state)
        case .stepCached(let step, let key):
            return Array("#\(step) CACHED \(key.digest.short)\n\n".utf8)
        case .stepDone(let step, let time):
            return rest(step, &state) + Array("#\(step) DONE \(time.tenths)s\n\n".utf8)
        case .stepFailed(let step, _, let message):
            return rest(step, &state) + Array("#\(step) ERROR: \(message.visible)\n\n".utf8)
        case .warning(let warning):
            let place = warning.place.map { " (\($0))" } ?? ""
            return Array("WARNING: \(warning.code): \("\(warning.message)\(place)".visible)\n".utf8)
        case .exported(let step, let image, let tags, let time):
            var text = "#\(step) writing image \(image)\n"
            for tag in tags { text += "#\(step) naming to \(tag.canonical)\n" }
            return Array((text + "#\(step) DONE \(time.tenths)s\n").utf8)
        }
    }

    /// The lines that `bytes` completes; only those are looked at, however long a line grows.
    private func lines(of bytes: [UInt8], _ step: Int, _ state: inout State) -> [UInt8] {
        var result: [UInt8] = []
        let time = elapsed(state)
        var pieces = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        let last = pieces.removeLast()
        for piece in pieces {
            state.partial += piece
            result += line(state.partial, step, time)
            state.partial.removeAll(keepingCapacity: true)
        }
        state.partial += last
        if state.partial.count >= Self.maximumLineBytes {
            result += line(state.partial, step, time)
            state.partial = []
        }
        return result
    }

    /// A last line without its end.
    private func rest(_ step: Int, _ state: inout State) -> [UInt8] {
        guard !state.partial.isEmpty else { return [] }
        defer { state.partial = [] }
        return line(state.partial, step, elapsed(state))
    }

    private func elapsed(_ state: State) -> String {
        (state.start.map { ContinuousClock.now - $0 } ?? .zero).thousandths
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
