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
    private struct State {
        var start: ContinuousClock.Instant?
        /// The line that a command has begun and not ended.
        var partial: [UInt8] = []
    }

    private let write: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// - Parameter write: takes whole lines, with their line feeds.
    package init(_ write: @escaping @Sendable (String) -> Void) { self.write = write }

    package func observe(_ event: BuildEvent) {
        state.withLock { state in
            let text = Self.text(for: event, &state)
            if !text.isEmpty { write(text) }
        }
    }

    private static func text(for event: BuildEvent, _ state: inout State) -> String {
        switch event {
        case .started: return ""
        case .stepStarted(let step):
            state.start = ContinuousClock.now
            state.partial = []
            return "#\(step.number) \(step.label)\n"
        case .output(let step, let bytes): return lines(of: bytes, step, &state)
        case .stepCached(let step, let key):
            return "#\(step) CACHED \(key.digest.short)\n\n"
        case .stepDone(let step, let time):
            return rest(step, &state) + "#\(step) DONE \(time.tenths)s\n\n"
        case .stepFailed(let step, _, let message):
            return rest(step, &state) + "#\(step) ERROR: \(message)\n\n"
        case .warning(let warning):
            let place = warning.place.map { " (\($0))" } ?? ""
            return "WARNING: \(warning.code): \(warning.message)\(place)\n"
        case .exporting: return ""
        case .exported(let step, let image, let tags, let time):
            var text = "#\(step) writing image \(image)\n"
            for tag in tags { text += "#\(step) naming to \(tag.canonical)\n" }
            return text + "#\(step) DONE \(time.tenths)s\n"
        }
    }

    private static func lines(of bytes: [UInt8], _ step: Int, _ state: inout State) -> String {
        state.partial += bytes
        guard let end = state.partial.lastIndex(of: 0x0A) else { return "" }
        let complete = state.partial[..<end]
        state.partial = Array(state.partial[(end + 1)...])
        let time = elapsed(state)
        return complete.split(separator: 0x0A, omittingEmptySubsequences: false)
            .map { "#\(step) \(time) \(text(of: $0))\n" }.joined()
    }

    /// A last line without its end.
    private static func rest(_ step: Int, _ state: inout State) -> String {
        guard !state.partial.isEmpty else { return "" }
        defer { state.partial = [] }
        return "#\(step) \(elapsed(state)) \(text(of: state.partial[...]))\n"
    }

    private static func elapsed(_ state: State) -> String {
        let duration = state.start.map { ContinuousClock.now - $0 } ?? .zero
        return duration.thousandths
    }

    /// The line as text, without what a carriage return overwrote.
    private static func text(of line: ArraySlice<UInt8>) -> String {
        let visible = line.split(separator: 0x0D).last ?? []
        return String(decoding: visible, as: UTF8.self)
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
