internal import Glibc
internal import LinuxIO

extension NetworkHelper {
    /// How long a helper may take to be ready; the usual is under 100 ms.
    private static let patience = Duration.seconds(5)

    /// Makes a network namespace and connects it. Blocks the thread until the connection works.
    /// - Parameter directory: where the namespace gets a name while it is attached.
    /// - Throws: `networkUnavailable`.
    package func attach(in directory: String) throws(SandboxError) -> Attachment {
        let path = "\(directory)/network-\(ProcessIdentity.token)"
        do throws(Errno) {
            let namespace = try Self.makeNamespace()
            // pasta gives its privileges up, and then may not look into our /proc/PID/fd.
            try NamespaceFile.make(path, of: namespace.rawValue)
            do throws(Errno) {
                return try connect(path)
            } catch {
                try? NamespaceFile.remove(path)  // the first error is the one to report
                throw error
            }
        } catch {
            throw SandboxError(
                .networkUnavailable, "could not connect a network with \(self.path): \(error)",
                hint: "use the host's network")
        }
    }

    private func connect(_ namespacePath: String) throws(Errno) -> Attachment {
        let ready = try ChildProcess.Pipe()
        let lifeline = try ChildProcess.Pipe()
        let numberPath = namespacePath + ".pid"
        var request = ChildProcess.Request(
            program: path, arguments: arguments(namespacePath, numberPath),
            environment: ["PATH=\(ContainerRequest.defaultPath)"])
        request.furtherDescriptors = [ready.writing.rawValue, lifeline.reading.rawValue]
        request.group = .own
        // slirp4netns has the lifeline; pasta ends with this thread, which is the step's.
        if kind == .pasta { request.deathSignal = 9 }
        let process = try start(request)
        defer { try? HostDirectory.unlink(numberPath) }  // slirp4netns makes none
        guard try isReady(process, ready.keepReading(), numberPath) else { throw .notConnected }
        return Attachment(
            path: namespacePath, lifeline: lifeline.keepWriting(), process: process)
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
    private func arguments(_ namespacePath: String, _ numberPath: String) -> [String] {
        switch kind {
        case .slirp4netns:
            [
                "--configure", "--mtu=65520", "--disable-host-loopback", "--ready-fd=3",
                "--exit-fd=4", "--netns-type=path", namespacePath, "tap0",
            ]
        case .pasta:
            // It writes its number once it is ready, and closes what it inherits.
            [
                "--foreground", "--quiet", "--config-net", "--no-map-gw", "--pid", numberPath,
                "-t", "none", "-u", "none", "-T", "none", "-U", "none",
            ]
                // Started by root it becomes nobody, who may not enter the namespace.
                + (geteuid() == 0 ? ["--runas", "0"] : []) + ["--netns", namespacePath]
        }
    }

    /// Waits for a byte of the helper's, in the pipe or in the file, or for its end.
    private func isReady(
        _ process: ChildProcess, _ ready: consuming OwnedDescriptor, _ numberPath: String
    ) throws(Errno) -> Bool {
        let deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline {
            var entry = pollfd(fd: ready.rawValue, events: Int16(POLLIN), revents: 0)
            let pause: Int32 = kind == .pasta ? 2 : 20
            if unsafe poll(&entry, 1, pause) > 0, Int32(entry.revents) & POLLIN != 0 { return true }
            // A file that is not there yet has no size.
            if let status = try? FileStatus(ofPath: numberPath), status.sizeBytes > 0 {
                return true
            }
            if process.wait(upTo: .zero) != nil { return false }
        }
        return false
    }
}
