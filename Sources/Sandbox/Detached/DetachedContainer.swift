internal import ImageSpec
internal import LinuxIO

/// A container that runs without its runtime: this process is the parent of its first process, and
/// of those that are started in it later.
///
/// ``remove()`` must be called once its first process has ended. Safe to use from several threads.
package final class DetachedContainer: Sendable {
    /// What came of the attempt to start a process.
    package enum Start: Sendable {
        case running(ContainedProcess)
        case failed(StartFailure)
    }

    package let id: String
    private let runtime: ContainerRuntime
    private let bundle: Bundle
    /// Those that only this finds.
    private let strays: StrayProcesses?

    private init(
        _ runtime: ContainerRuntime, _ bundle: Bundle, id: String,
        strays: StrayProcesses?
    ) {
        self.id = id
        self.runtime = runtime
        self.bundle = bundle
        self.strays = strays
    }

    /// Makes the container and starts its first process.
    /// - Parameter networkPath: the network namespace to join, of an isolated network.
    /// - Returns: the container, which is removed already if its process could not be started.
    /// - Throws: `invalidRequest`, `runtimeFailed`, `system`.
    package static func start(
        _ request: ContainerRequest, with runtime: ContainerRuntime, networkPath: String?,
        streams: ContainerRuntime.Streams
    ) throws(SandboxError) -> (container: DetachedContainer, start: Start) {
        try request.validate(for: runtime.choice)
        let bundle = try Bundle(of: request, with: runtime, networkPath: networkPath)
        do throws(SandboxError) {
            let launch = RuntimeLaunch(
                runtime, directory: bundle.path, name: "first", hasTerminal: request.hasTerminal)
            let start = try launch.run(
                ["run", "--detach", "--bundle", bundle.path], id: request.id, streams)
            let container = DetachedContainer(
                runtime, bundle, id: request.id, strays: strays(of: request, start, runtime))
            if case .failed = start { container.remove() }
            return (container, start)
        } catch {
            DetachedContainer(runtime, bundle, id: request.id, strays: nil).remove()
            throw error
        }
    }

    private static func strays(
        of request: ContainerRequest, _ start: Start, _ runtime: ContainerRuntime
    ) -> StrayProcesses? {
        guard case .running(let first) = start, request.processes != .own,
            runtime.choice.controlGroups == .disabled,
            // Without it nothing can be told apart.
            let root = try? FileStatus(ofPath: request.rootfs)
        else { return nil }
        return StrayProcesses(atRoot: root.device, first: first.processID)
    }

    /// Starts another process in the container.
    /// - Parameters:
    ///   - request: the container's own, with what differs: arguments, variables, directory, user,
    ///     terminal, privileges.
    ///   - name: of this process; no other in this container has it.
    package func execute(
        _ request: ContainerRequest, name: String, streams: ContainerRuntime.Streams
    ) throws(SandboxError) -> Start {
        try request.validate()
        let path = "\(bundle.path)/\(name).json"
        let process = ContainerSpec(
            request: request, choice: runtime.choice, bundlePath: bundle.path,
            heldCapabilities: Bundle.heldCapabilities
        ).document.process
        do throws(Errno) {
            let file = try OwnedDescriptor(
                opening: path, [.writeOnly, .create, .exclusive], permissions: 0o600)
            try DescriptorIO.writeAll(file.rawValue, process.json.encoded)
        } catch {
            throw SandboxError(.system, "could not write \(path): \(error)")
        }
        defer { try? HostDirectory.unlink(path) }  // else it goes with the bundle
        let launch = RuntimeLaunch(
            runtime, directory: bundle.path, name: name, hasTerminal: request.hasTerminal)
        return try launch.run(["exec", "--detach", "--process", path], id: id, streams)
    }

    /// Stops all its processes where they are (cgroups(7), the freezer).
    /// - Throws: `runtimeFailed`.
    package func pause() throws(SandboxError) { try perform("pause", "pause") }

    package func resume() throws(SandboxError) { try perform("resume", "let go on") }

    private func perform(_ command: String, _ what: String) throws(SandboxError) {
        guard runtime.choice.controlGroups == .native else {
            throw SandboxError(
                .runtimeFailed,
                "could not \(what) the container: the runtime in use has no control groups",
                hint: "install a runtime that can use this host's control groups")
        }
        let output = try runtime.perform([command, id])
        guard output.exit.isSuccess else {
            throw SandboxError(
                .runtimeFailed,
                "could not \(what) the container: "
                    + String(decoding: output.standardError.prefix(400), as: UTF8.self))
        }
    }

    /// Sets other limits.
    /// - Throws: `runtimeFailed`.
    package func update(_ limits: ContainerRequest.Limits) throws(SandboxError) {
        let path = "\(bundle.path)/resources.json"
        do throws(Errno) {
            try HostDirectory.replaceFile(path, with: limits.resources.json.encoded)
        } catch {
            throw SandboxError(.system, "could not write \(path): \(error)")
        }
        let output = try runtime.perform(["update", "--resources", path, id])
        guard output.exit.isSuccess else {
            throw SandboxError(
                .runtimeFailed,
                "could not set the container's limits: "
                    + String(decoding: output.standardError.prefix(400), as: UTF8.self))
        }
    }

    /// Ends what is left of it, and removes what it had on the host.
    package func remove() {
        if HostDirectory.exists("\(runtime.stateRoot)/\(id)") {
            // What cannot be removed now, `removeLeftovers` will.
            _ = try? runtime.perform(["delete", "--force", id])
        }
        strays?.end()
        bundle.remove()
    }
}
