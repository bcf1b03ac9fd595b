internal import Glibc
internal import LinuxIO

extension NetworkHelper {
    /// How long a helper may take to be ready; the usual is under 100 ms.
    private static let patience = Duration.seconds(5)

    /// Makes a network namespace and connects it. Blocks the thread until the connection works.
    /// - Throws: `networkUnavailable`.
    package func attach() throws(SandboxError) -> Attachment {
        do throws(Errno) {
            let namespace = try Self.makeNamespace()
            // By our number, so that nothing has to be mounted.
            let namespacePath = "/proc/\(getpid())/fd/\(namespace.rawValue)"
            let ready = try ChildProcess.Pipe()
            let lifeline = try ChildProcess.Pipe()
            var request = ChildProcess.Request(
                program: path, arguments: arguments(namespacePath),
                environment: ["PATH=\(ContainerRequest.defaultPath)"])
            request.furtherDescriptors = [ready.writing.rawValue, lifeline.reading.rawValue]
            request.group = .own
            let process = try start(request)
            guard try isReady(process, ready.keepReading()) else { throw .notConnected }
            return Attachment(
                path: namespacePath, namespace: namespace, lifeline: lifeline.keepWriting(),
                process: process)
        } catch {
            throw SandboxError(
                .networkUnavailable, "could not connect a network with \(path): \(error)",
                hint: "use the host's network")
        }
    }

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

    private func start(_ request: ChildProcess.Request) throws(Errno) -> ChildProcess {
        do throws(ChildProcess.StartError) {
            return try ChildProcess.start(request)
        } catch {
            throw error.errno
        }
    }

    /// The services of the host's loopback stay out of the container's reach with both.
    private func arguments(_ namespacePath: String) -> [String] {
        switch kind {
        case .slirp4netns:
            [
                "--configure", "--mtu=65520", "--disable-host-loopback", "--ready-fd=3",
                "--exit-fd=4", "--netns-type=path", namespacePath, "tap0",
            ]
        case .pasta:
            // It writes its number once it is ready.
            [
                "--foreground", "--quiet", "--config-net", "--no-map-gw", "--pid", "/dev/fd/3",
                "-t", "none", "-u", "none", "-T", "none", "-U", "none", "--netns", namespacePath,
            ]
        }
    }

    /// Waits for a byte of the helper's, or for its end.
    private func isReady(
        _ process: ChildProcess, _ ready: consuming OwnedDescriptor
    ) throws(Errno) -> Bool {
        let deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline {
            var entry = pollfd(fd: ready.rawValue, events: Int16(POLLIN), revents: 0)
            if unsafe poll(&entry, 1, 20) > 0, Int32(entry.revents) & POLLIN != 0 { return true }
            if process.wait(upTo: .zero) != nil { return false }
        }
        return false
    }
}
