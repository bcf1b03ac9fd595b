internal import LinuxIO
internal import Synchronization

/// What is typed into a process: the end of its pipe, or its terminal. Thread-safe.
final class ProcessInput: Sendable {
    /// Held while something is written, which may wait for the process to read: what two people type
    /// is never mixed within a frame.
    private let end: Mutex<OwnedDescriptor?>
    /// Whether a process learns of the end by its pipe.
    private let isPipe: Bool

    init(_ end: consuming OwnedDescriptor, isPipe: Bool) {
        self.end = Mutex(end)
        self.isPipe = isPipe
    }

    /// What a process no longer reads is lost, as in a pipe.
    func write(_ bytes: [UInt8]) {
        end.withLock { end in
            guard let descriptor = end?.rawValue else { return }
            try? DescriptorIO.writeAll(descriptor, bytes)
        }
    }

    /// Nothing more will be typed. A terminal stays: its programs know its end by a key.
    func close() {
        if isPipe { end.withLock { $0 = nil } }
    }
}
