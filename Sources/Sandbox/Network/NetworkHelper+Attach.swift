internal import Glibc
internal import LinuxIO

extension NetworkHelper {
    /// How long a helper may take to be ready; the usual is under 100 ms, and seconds on a machine that
    /// has too much to do.
    private static let patienceSeconds = 60

    /// Makes a network namespace and connects it. Blocks the thread until the connection works. It ends
    /// with this process, at the latest.
    /// - Parameters:
    ///   - directory: where the namespace gets a name while it is attached.
    ///   - requests: ports of the host that are to lead into it.
    ///   - hardwareAddress: of its interface; nil is one that is made up.
    /// - Throws: `networkUnavailable`; `portAllocated`, `invalidRequest` for ports.
    package func attach(
        in directory: String, ports requests: [PortRequest] = [], hardwareAddress: String? = nil
    ) throws(SandboxError) -> Attachment {
        if kind == .slirp4netns,
            let address = requests.compactMap(\.hostAddress).first(where: {
                $0.contains(":")
            })
        {
            throw SandboxError(
                .invalidRequest, "slirp4netns cannot publish ports of the IPv6 address \(address)",
                hint: "install passt, or publish on an IPv4 address")
        }
        let ports = try PortAllocation.ports(for: requests)
        let path = "\(directory)/network-\(ProcessIdentity.token)"
        do throws(Errno) {
            let namespace = try Self.makeNamespace()
            // pasta gives its privileges up, and then may not look into our /proc/PID/fd.
            try NamespaceFile.make(path, of: namespace.rawValue)
        } catch {
            throw unavailable(Failure(error))
        }
        do throws(Failure) {
            return try connect(path, ports, hardwareAddress)
        } catch {
            try? NamespaceFile.remove(path)  // the first error is the one to report
            throw unavailable(error)
        }
    }

    /// Why a helper does not connect a network.
    struct Failure: Error {
        let reason: String

        init(_ reason: String) { self.reason = reason }

        init(_ error: Errno) { reason = "\(error)" }

        /// - Parameter messages: what the helper said; the last line is why it ended.
        init(_ exit: ChildProcess.Exit, messages: [UInt8]) {
            let end =
                switch exit {
                case .code(let code): "it ended with exit code \(code)"
                case .signal(let signal): "it was ended by signal \(signal)"
                }
            let last = messages.split(separator: UInt8(ascii: "\n")).last ?? []
            reason =
                end + (last.isEmpty ? "" : ": " + String(decoding: last.prefix(400), as: UTF8.self))
        }
    }

    private func unavailable(_ failure: Failure) -> SandboxError {
        SandboxError(
            .networkUnavailable, "could not connect a network with \(path): \(failure.reason)",
            hint: "use the host's network")
    }

    private func connect(
        _ namespacePath: String, _ ports: [PublishedPort], _ hardwareAddress: String?
    ) throws(Failure) -> Attachment {
        let carried = LoopbackRelay.carried(of: ports)
        let helpersPorts = ports.filter { !($0.isOfLoopbackOnly && carried.contains($0)) }
        let keeper = try HelperKeeper { isStopping throws(Failure) in
            try start(namespacePath, helpersPorts, hardwareAddress, isStopping)
        }
        do throws(Errno) {
            let relay = try LoopbackRelay(
                carried, namespacePath: namespacePath, address: Self.guestAddress)
            return Attachment(path: namespacePath, ports: ports, keeper: keeper, relay: relay)
        } catch {
            keeper.stop()
            throw Failure(error)
        }
    }

    /// Starts the program and waits until it is ready.
    private func start(
        _ namespacePath: String, _ ports: [PublishedPort], _ hardwareAddress: String?,
        _ isStopping: () -> Bool
    ) throws(Failure) -> HelperKeeper.Running {
        let numberPath = namespacePath + ".pid"
        let socketPath = namespacePath + Self.socketSuffix
        // Each kind makes one of them.
        defer { for file in [numberPath, socketPath] { try? HostDirectory.unlink(file) } }
        let started = try Self.reported { () throws(Errno) in
            try start(namespacePath, numberPath, ports, hardwareAddress)
        }
        do throws(Failure) {
            try waitUntilReady(started, numberPath, isStopping)
            if kind == .slirp4netns {
                try Self.reported { () throws(Errno) in
                    for port in ports { try SlirpControl.publish(port, at: socketPath) }
                }
            }
            return HelperKeeper.Running(
                process: started.process, lifeline: started.lifeline, messages: started.messages)
        } catch {
            started.process.kill(Self.killSignal)
            _ = started.process.wait()
            throw error
        }
    }

    private static func reported<Value: ~Copyable>(
        _ body: () throws(Errno) -> Value
    ) throws(Failure) -> Value {
        do throws(Errno) {
            return try body()
        } catch {
            throw Failure(error)
        }
    }

    /// A helper that was started.
    private struct Started: ~Copyable {
        let process: ChildProcess
        /// Says that it is ready, where it is slirp4netns.
        let ready: OwnedDescriptor
        let lifeline: OwnedDescriptor
        let messages: ChildProcess.Messages
    }

    private func start(
        _ namespacePath: String, _ numberPath: String, _ ports: [PublishedPort],
        _ hardwareAddress: String?
    ) throws(Errno) -> Started {
        let ready = try ChildProcess.Pipe()
        let lifeline = try ChildProcess.Pipe()
        let messages = try ChildProcess.Messages()
        let slash = namespacePath.lastIndex(of: "/") ?? namespacePath.startIndex
        var request = ChildProcess.Request(
            program: path,
            arguments: arguments(namespacePath, numberPath, ports, hardwareAddress),
            environment: ["PATH=\(ContainerRequest.defaultPath)"],
            // The address of a socket has 107 bytes, and paths of stores have more.
            directory: String(namespacePath[..<slash]), standardError: messages.descriptor)
        request.furtherDescriptors = [ready.writing.rawValue, lifeline.reading.rawValue]
        request.group = .own
        // slirp4netns has the lifeline; pasta ends with this thread, which is its keeper's.
        if kind == .pasta { request.deathSignal = 9 }
        do throws(ChildProcess.StartError) {
            return Started(
                process: try ChildProcess.start(request), ready: ready.keepReading(),
                lifeline: lifeline.keepWriting(), messages: messages)
        } catch {
            throw error.errno
        }
    }

    private static let socketSuffix = ".socket"
    /// The container's address, which is slirp4netns' default.
    static let guestAddress = "10.0.2.100"
    private static let killSignal: Int32 = 9

    private static func makeNamespace() throws(Errno) -> OwnedDescriptor {
        let made = OwnThread.run { () -> Result<Int32, Errno> in
            do throws(Errno) {
                return .success(try ChildProcess.makeNetworkNamespace().release())
            } catch {
                return .failure(error)
            }
        }
        guard let made else { throw Errno(rawValue: EAGAIN) }
        return OwnedDescriptor(adopting: try made.get())
    }

    /// The services of the host's loopback stay out of the container's reach with both.
    private func arguments(
        _ namespacePath: String, _ numberPath: String, _ ports: [PublishedPort],
        _ hardwareAddress: String?
    ) -> [String] {
        let name = namespacePath.split(separator: "/").last.map(String.init) ?? namespacePath
        switch kind {
        case .slirp4netns:
            return [
                "--configure", "--mtu=65520", "--disable-host-loopback", "--ready-fd=3",
                "--exit-fd=4", "--netns-type=path", "--api-socket", name + Self.socketSuffix,
            ] + (hardwareAddress.map { ["--macaddress=\($0)"] } ?? []) + [namespacePath, "tap0"]
        case .pasta:
            // It writes its number once it is ready, and closes what it inherits.
            return [
                "--foreground", "--quiet", "--config-net", "--no-map-gw", "--pid", numberPath,
            ]
                + Self.ownAddress + (hardwareAddress.map { ["--ns-mac-addr", $0] } ?? [])
                + Self.forwarding("-t", ports.filter { $0.transport == .tcp })
                + Self.forwarding("-u", ports.filter { $0.transport == .udp })
                + ["-T", "none", "-U", "none"]
                // Started by root it becomes nobody, who may not enter the namespace.
                + (geteuid() == 0 ? ["--runas", "0"] : []) + ["--netns", namespacePath]
        }
    }

    /// An address of the container's own, slirp4netns' one: with the host's, which pasta would copy, the
    /// host could not be told from the container by either of them.
    private static let ownAddress = [
        "--address", guestAddress, "--netmask", "24", "--gateway", "10.0.2.2",
    ]

    /// pasta(1): `-t ADDRESS/HOST:CONTAINER`
    private static func forwarding(_ option: String, _ ports: [PublishedPort]) -> [String] {
        if ports.isEmpty { return [option, "none"] }
        return ports.flatMap { port in
            let address = port.hostAddress.map { "\($0)/" } ?? ""
            return [option, "\(address)\(port.hostPort):\(port.containerPort)"]
        }
    }

    /// Waits for a byte of the helper's, in the pipe or in the file, or for its end.
    private func waitUntilReady(
        _ running: borrowing Started, _ numberPath: String, _ isStopping: () -> Bool
    ) throws(Failure) {
        let deadline = ContinuousClock.now + .seconds(Self.patienceSeconds)
        while ContinuousClock.now < deadline {
            if isStopping() { throw Failure("it is not wanted any more") }
            var entry = pollfd(fd: running.ready.rawValue, events: Int16(POLLIN), revents: 0)
            let pause: Int32 = kind == .pasta ? 2 : 20
            if unsafe poll(&entry, 1, pause) > 0, Int32(entry.revents) & POLLIN != 0 { return }
            // A file that is not there yet has no size.
            if let status = try? FileStatus(ofPath: numberPath), status.sizeBytes > 0 { return }
            if let exit = running.process.wait(upTo: .zero) {
                throw Failure(exit, messages: running.messages.content())
            }
        }
        throw Failure("it was not ready after \(Self.patienceSeconds) seconds")
    }
}
