internal import Glibc
internal import ImageSpec
internal import LinuxIO

/// One start of a process by the runtime, which leaves when it runs.
struct RuntimeLaunch {
    private let runtime: ContainerRuntime
    /// Where the files of the launch are for a moment; the runtime works in it, since the address of
    /// a socket has 107 bytes and paths of stores have more.
    private let directory: String
    private let name: String
    private let hasTerminal: Bool

    /// - Parameter name: of the process; no other in this directory has it.
    init(_ runtime: ContainerRuntime, directory: String, name: String, hasTerminal: Bool) {
        self.runtime = runtime
        self.directory = directory
        self.name = name
        self.hasTerminal = hasTerminal
    }

    private var numberName: String { "\(name).pid" }
    private var consoleName: String { "\(name).console" }
    private var logPath: String { "\(directory)/\(name).log" }

    /// - Parameter arguments: of the runtime, without the container's name.
    func run(
        _ arguments: [String], id: String, _ streams: ContainerRuntime.Streams
    ) throws(SandboxError) -> DetachedContainer.Start {
        defer { for file in [numberName, consoleName, "\(name).log"] { remove(file) } }
        let listener = try console()
        var options = ["--pid-file", numberName]
        if hasTerminal { options += ["--console-socket", consoleName] }
        var request = runtime.command(
            arguments + options + [id], logPath: logPath,
            streams: hasTerminal ? ContainerRuntime.Streams() : streams)
        request.directory = directory
        let outcome = try ChildProcess.expectingOrphan { () throws(SandboxError) in
            try launch(request)
        }
        let process: ChildProcess
        switch outcome {
        case .failed(let failure): return .failed(failure)
        case .running(let child): process = child
        }
        guard let listener else { return .running(ContainedProcess(process, terminal: nil)) }
        return .running(ContainedProcess(process, terminal: try master(listener)))
    }

    private enum LaunchResult {
        case running(ChildProcess)
        case failed(StartFailure)
    }

    private func launch(
        _ request: ChildProcess.Request
    ) throws(SandboxError) -> LaunchResult {
        let exit: ChildProcess.Exit
        do throws(ChildProcess.StartError) {
            exit = try ChildProcess.start(request).wait()
        } catch {
            throw SandboxError(.runtimeFailed, error.description)
        }
        guard exit.isSuccess else { return .failed(failure(exit)) }
        return .running(ChildProcess.adopt(try processNumber()))
    }

    private func remove(_ file: String) {
        try? HostDirectory.unlink("\(directory)/\(file)")  // not every launch makes each of them
    }

    private func console() throws(SandboxError) -> OwnedDescriptor? {
        guard hasTerminal else { return nil }
        do throws(Errno) {
            return try UnixSocket.listen(consoleName, in: directory)
        } catch {
            throw SandboxError(.system, "could not make a socket in \(directory): \(error)")
        }
    }

    /// The runtime has sent it before it left.
    private func master(_ listener: borrowing OwnedDescriptor) throws(SandboxError)
        -> OwnedDescriptor
    {
        do throws(Errno) {
            let connection = try UnixSocket.accept(listener.rawValue)
            return try UnixSocket.receiveDescriptor(connection.rawValue)
        } catch {
            throw SandboxError(
                .runtimeFailed, "the runtime gave no terminal for the container: \(error)")
        }
    }

    private func processNumber() throws(SandboxError) -> Int32 {
        let path = "\(directory)/\(numberName)"
        do throws(Errno) {
            let file = try OwnedDescriptor(opening: path, .readOnly)
            let text = String(
                decoding: try DescriptorIO.readAll(file.rawValue, limit: 64), as: UTF8.self)
            if let number = Int32(text.filter { $0.isNumber }), number > 1 { return number }
        } catch {
            throw SandboxError(
                .runtimeFailed, "the runtime did not tell the container's process: \(error)")
        }
        throw SandboxError(.runtimeFailed, "the runtime did not tell the container's process")
    }

    private func failure(_ exit: ChildProcess.Exit) -> StartFailure {
        // Without a log the runtime's own code is all there is to tell.
        if let file = try? OwnedDescriptor(opening: logPath, .readOnly),
            let log = try? DescriptorIO.readAll(file.rawValue, limit: 1 << 20),
            let failure = StartFailure(log: log)
        {
            return failure
        }
        let ending =
            switch exit {
            case .code(let code): "ended with code \(code)"
            case .signal(let number): "was ended by signal \(number)"
            }
        return StartFailure(kind: .runtime, message: "the OCI runtime \(ending)")
    }
}
