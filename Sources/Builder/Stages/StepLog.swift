internal import LinuxIO
internal import Synchronization

/// Takes what a command prints: to its log, to who watches, and the last lines for an error.
final class StepLog: StepOutput {
    /// What an error shows of a command's output.
    static let tailLines = 20
    private static let tailBytes = 16 << 10

    private struct State: ~Copyable {
        /// Nil when it could not be made; the build goes on without.
        var file: OwnedDescriptor?
        var tail: [UInt8] = []
    }

    private let step: Int
    private let observer: any BuildObserver
    private let state: Mutex<State>

    init(step: Int, path: String, observer: any BuildObserver) {
        self.step = step
        self.observer = observer
        // A log that cannot be written is no reason to stop a build.
        let file = try? OwnedDescriptor(opening: path, [.writeOnly, .create, .truncate])
        state = Mutex(State(file: file))
    }

    func write(_ bytes: [UInt8]) {
        state.withLock { state in
            // As above.
            if let raw = state.file?.rawValue { try? DescriptorIO.writeAll(raw, bytes) }
            state.tail += bytes
            if state.tail.count > 2 * Self.tailBytes {
                state.tail.removeFirst(state.tail.count - Self.tailBytes)
            }
        }
        observer.observe(.output(step: step, bytes))
    }

    /// The last lines.
    var tail: [String] {
        let bytes = state.withLock { $0.tail }
        return bytes.split(separator: 0x0A, omittingEmptySubsequences: true)
            .suffix(Self.tailLines).map { line in
                // What a progress bar overwrote does not show on a terminal either.
                let visible = line.split(separator: 0x0D).last ?? line
                return String(decoding: visible, as: UTF8.self)
            }
    }
}
