internal import Dispatch
internal import LinuxIO
internal import Sandbox
internal import Synchronization

/// A process of a container with what is typed into it and what it prints. Thread-safe.
final class SupervisedProcess: Sendable {
    enum Start: Sendable {
        case running(SupervisedProcess)
        case failed(StartFailure)
    }

    let output: OutputHub
    /// Nil if it reads nothing.
    let input: ProcessInput?
    private let process: ContainedProcess
    /// Left when a stream has ended.
    private let streams = DispatchGroup()
    /// How many streams hand over what was read at the moment.
    private let deliveries = Atomic<Int>(0)

    /// How long output of a process that has ended is waited for: others may still have its streams.
    private static let drainPatience = DispatchTimeInterval.seconds(2)
    private static let chunkBytes = 1 << 16

    private init(_ process: ContainedProcess, _ input: ProcessInput?, _ output: OutputHub) {
        self.process = process
        self.input = input
        self.output = output
    }

    /// Starts a process whose streams this process has.
    /// - Parameters:
    ///   - hasTerminal: then its terminal is all three streams.
    ///   - launch: starts it with the streams.
    static func start(
        hasTerminal: Bool, keepsInputOpen: Bool, output: OutputHub,
        _ launch: (ContainerRuntime.Streams) throws -> DetachedContainer.Start
    ) throws -> Start {
        if hasTerminal { return try start(withTerminal: keepsInputOpen, output, launch) }
        let input = try ChildProcess.Pipe()
        let out = try ChildProcess.Pipe()
        let error = try ChildProcess.Pipe()
        let start = try launch(
            ContainerRuntime.Streams(
                input: keepsInputOpen ? input.reading.rawValue : nil,
                output: out.writing.rawValue, error: error.writing.rawValue))
        switch start {
        case .failed(let failure): return .failed(failure)
        case .running(let process):
            let typed =
                keepsInputOpen ? ProcessInput(input.keepWriting(), isPipe: true) : nil
            let running = SupervisedProcess(process, typed, output)
            try running.pump(.output, out.keepReading())
            try running.pump(.error, error.keepReading())
            return .running(running)
        }
    }

    private static func start(
        withTerminal keepsInputOpen: Bool, _ output: OutputHub,
        _ launch: (ContainerRuntime.Streams) throws -> DetachedContainer.Start
    ) throws -> Start {
        switch try launch(ContainerRuntime.Streams()) {
        case .failed(let failure): return .failed(failure)
        case .running(let process):
            guard let terminal = process.terminal else {
                preconditionFailure("the runtime was asked for a terminal")
            }
            let typed =
                keepsInputOpen
                ? ProcessInput(try DescriptorIO.duplicate(terminal), isPipe: false) : nil
            let running = SupervisedProcess(process, typed, output)
            try running.pump(.output, try DescriptorIO.duplicate(terminal))
            return .running(running)
        }
    }

    /// Reads a stream to its end, on a thread of its own. A terminal ends with EIO.
    private func pump(
        _ stream: OutputHub.Stream, _ descriptor: consuming OwnedDescriptor
    ) throws {
        let number = descriptor.release()
        streams.enter()
        do {
            try BlockingThread.detach { [self] in
                let source = OwnedDescriptor(adopting: number)
                var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
                while let count = try? DescriptorIO.read(source.rawValue, into: &chunk), count > 0 {
                    deliveries.add(1, ordering: .acquiringAndReleasing)
                    output.write(stream, Array(chunk[..<count]))
                    deliveries.subtract(1, ordering: .acquiringAndReleasing)
                }
                streams.leave()
            }
        } catch {
            streams.leave()
            _ = OwnedDescriptor(adopting: number)
            throw error
        }
    }

    /// As the host numbers it.
    var processID: Int32 { process.processID }

    func signal(_ number: Int32) { process.kill(number) }

    func resize(_ size: TerminalDevice.Size) { process.resize(size) }

    /// Blocks the thread until it has ended and its output is out: for as long as somebody who is
    /// attached takes to read it, but not for others who have its streams and say nothing.
    /// - Parameter isHurried: whether nobody who is attached is waited for any more.
    func wait(isHurried: () -> Bool) -> ChildProcess.Exit {
        let exit = process.wait()
        while streams.wait(timeout: .now() + Self.drainPatience) == .timedOut {
            if deliveries.load(ordering: .acquiring) == 0 || isHurried() { break }
        }
        output.finish()
        return exit
    }

    /// - Returns: nil if it still runs.
    func wait(upTo limit: Duration) -> ChildProcess.Exit? { process.wait(upTo: limit) }
}
