internal import ImageSpec
internal import LinuxIO
internal import Store
internal import Synchronization

/// What a container printed, in the format of Kubernetes' container logs, which Podman's `k8s-file`
/// has too:
///
///     2026-11-27T09:15:02.123456789Z stdout F a whole line
///     2026-11-27T09:15:02.123456789Z stderr P the beginning of a line
///
/// A `P` part is followed by the rest of its line; an `F` line has an end of line of its own. Lines
/// of a terminal end with a carriage return as well. Thread-safe.
final class ContainerLog: Sendable {
    private let place: ContainerPlace
    private let maximumBytes: Int64?
    /// Held while a line is written, so that lines of both streams never mix.
    private let state: Mutex<State>

    private struct State: ~Copyable {
        var file: OwnedDescriptor?
        var sizeBytes: Int64
        /// What has come of a line that has not ended.
        var open: [OutputHub.Stream: [UInt8]] = [:]
    }

    /// Longer lines are written in parts, as Docker does.
    private static let maximumPartBytes = 16 << 10

    /// - Parameter maximumBytes: see ``ContainerSettings/maximumLogBytes``.
    init(_ place: ContainerPlace, maximumBytes: Int64?) throws(Errno) {
        self.place = place
        self.maximumBytes = maximumBytes
        let file = try Self.open(place)
        let size = Int64(clamping: try FileStatus(of: file.rawValue).sizeBytes)
        state = Mutex(State(file: file, sizeBytes: size))
    }

    private static func open(_ place: ContainerPlace) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor(
            opening: place.log, [.writeOnly, .create, .append], permissions: 0o600)
    }

    func append(_ stream: OutputHub.Stream, _ bytes: [UInt8]) {
        let time = Self.now()
        state.withLock { state in
            var text: [UInt8] = []
            var rest = bytes[...]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = (state.open.removeValue(forKey: stream) ?? []) + rest[..<end]
                Self.write(line, isWhole: true, stream, time, to: &text)
                rest = rest[(end + 1)...]
            }
            if !rest.isEmpty {
                var line = (state.open.removeValue(forKey: stream) ?? []) + rest
                while line.count > Self.maximumPartBytes {
                    let part = Array(line.prefix(Self.maximumPartBytes))
                    Self.write(part, isWhole: false, stream, time, to: &text)
                    line.removeFirst(part.count)
                }
                state.open[stream] = line
            }
            write(text, &state)
        }
    }

    func finish() {
        let time = Self.now()
        state.withLock { state in
            var text: [UInt8] = []
            for (stream, line) in state.open where !line.isEmpty {
                Self.write(line, isWhole: false, stream, time, to: &text)
            }
            state.open = [:]
            write(text, &state)
        }
    }

    private static func now() -> String {
        Timestamp(nanosecondsSinceEpoch: Store.now()).fullText
    }

    private static func write(
        _ line: [UInt8], isWhole: Bool, _ stream: OutputHub.Stream, _ time: String,
        to text: inout [UInt8]
    ) {
        var rest = line[...]
        while rest.count > maximumPartBytes {
            text += "\(time) \(stream.rawValue) P ".utf8
            text += rest.prefix(maximumPartBytes)
            text.append(UInt8(ascii: "\n"))
            rest = rest.dropFirst(maximumPartBytes)
        }
        text += "\(time) \(stream.rawValue) \(isWhole ? "F" : "P") ".utf8
        text += rest
        text.append(UInt8(ascii: "\n"))
    }

    private func write(_ text: [UInt8], _ state: inout State) {
        var rest = text[...]
        while !rest.isEmpty {
            var part = fitting(rest, state.sizeBytes)
            if part.isEmpty {
                if beginAnew(&state) { continue }
                part = rest
            }
            rest = rest[part.endIndex...]
            // Descriptors may be scarce for a while.
            if state.file == nil { state.file = try? Self.open(place) }
            guard let file = state.file?.rawValue else { continue }
            do throws(Errno) {
                try DescriptorIO.writeAll(file, Array(part))
                state.sizeBytes += Int64(part.count)
            } catch {
                // A full disk costs lines of the log, not the container. No line is left in parts,
                // or the next one would be taken for its rest.
                try? DescriptorIO.truncate(file, to: UInt64(clamping: state.sizeBytes))
            }
        }
    }

    /// As many whole lines as the file has room for; the first in any case where it is empty.
    private func fitting(_ text: ArraySlice<UInt8>, _ sizeBytes: Int64) -> ArraySlice<UInt8> {
        guard let maximumBytes else { return text }
        let room = maximumBytes - sizeBytes
        if Int64(text.count) <= room { return text }
        let newline = UInt8(ascii: "\n")
        if room > 0, let end = text.prefix(Int(room)).lastIndex(of: newline) {
            return text[...end]
        }
        if sizeBytes > 0 { return [] }
        return text.firstIndex(of: newline).map { text[...$0] } ?? text
    }

    /// - Returns: false where that cannot be: the file grows on.
    private func beginAnew(_ state: inout State) -> Bool {
        do throws(Errno) {
            try HostDirectory.rename(place.log, to: place.olderLog)
        } catch {
            // Somebody removed it: what is written to it now nobody reads.
            guard error == .notFound else { return false }
        }
        state.file = nil
        state.sizeBytes = 0
        return true
    }
}
