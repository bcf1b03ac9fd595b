internal import Glibc
package import LinuxIO

/// Runs containers with an OCI runtime.
///
/// Each container has a bundle directory of its own below `bundleRoot` while it exists, and the
/// runtime keeps its state below `stateRoot`. Both are private to one process: what it leaves when
/// it is killed is found there, and ended by ``removeLeftovers()``.
package struct ContainerRuntime: Sendable {
    package let choice: RuntimeChoice
    /// An existing directory. The runtime keeps caches there from one container to the next.
    package let stateRoot: String
    /// An existing directory, best in memory.
    package let bundleRoot: String
    package let networkHelper: NetworkHelper?
    /// crun copies itself before it runs anything, so that no container can write to the program, and
    /// starts a second time: 2.5 ms of 8. One that is sealed already spares it that.
    package let program: SealedProgram?
    /// The mount points that are nothing to its containers. Where the runtime has a mount namespace of
    /// its own, and the host's mounts are private, each container would keep them alive.
    package let foreignMounts: @Sendable () -> [String]

    package init(
        choice: RuntimeChoice, stateRoot: String, bundleRoot: String,
        networkHelper: NetworkHelper? = nil,
        program: SealedProgram? = nil, foreignMounts: @escaping @Sendable () -> [String] = { [] }
    ) {
        self.choice = choice
        self.stateRoot = stateRoot
        self.bundleRoot = bundleRoot
        self.networkHelper = networkHelper
        self.program = program
        self.foreignMounts = foreignMounts
    }

    /// The descriptors that the command gets; borrowed for the start. Nil is /dev/null.
    package struct Streams: Sendable {
        package var input: Int32?
        package var output: Int32?
        package var error: Int32?

        package init(input: Int32? = nil, output: Int32? = nil, error: Int32? = nil) {
            self.input = input
            self.output = output
            self.error = error
        }
    }

    /// A command of the runtime, in the surroundings that it needs.
    func command(
        _ arguments: [String], logPath: String? = nil, streams: Streams = Streams()
    ) -> ChildProcess.Request {
        var options = ["--root", stateRoot]
        if let logPath { options += ["--log", logPath, "--log-format", "json"] }
        if choice.kind == .crun {
            let manager = choice.controlGroups == .disabled ? "disabled" : "cgroupfs"
            options.append("--cgroup-manager=\(manager)")
        }
        var request = ChildProcess.Request(
            program: program?.path ?? choice.path, arguments: options + arguments,
            // runc looks for newuidmap in PATH.
            environment: ["PATH=\(ContainerRequest.defaultPath)"], directory: "/",
            standardInput: streams.input, standardOutput: streams.output,
            standardError: streams.error)
        // Ctrl-C in a terminal is for this process, which then ends its containers in order.
        request.group = .own
        if choice.needsPrivateCgroupMount {
            request.namespaces = [.mount]
            request.detached = foreignMounts()
            // nosuid, nodev, noexec
            request.mounts = [
                .init(
                    source: "cgroup2", target: "/sys/fs/cgroup", type: "cgroup2", flags: 2 | 4 | 8)
            ]
        }
        return request
    }

    /// The network of a container that is to have its own; nil for every other.
    /// - Throws: `networkUnavailable`.
    package func attachment(
        for request: ContainerRequest
    ) throws(SandboxError) -> NetworkHelper.Attachment? {
        guard request.network == .isolated else { return nil }
        guard let networkHelper else {
            throw SandboxError(
                .networkUnavailable, "there is no program that gives a container its own network",
                hint: "install passt or slirp4netns, or use the host's network")
        }
        return try networkHelper.attach(in: bundleRoot)
    }

    /// Runs a command of the runtime that is done at once, such as `kill` and `delete`.
    @discardableResult
    func perform(_ arguments: [String]) throws(SandboxError) -> ChildProcess.Output {
        do throws(ChildProcess.StartError) {
            return try ChildProcess.output(of: command(arguments), limit: 1 << 16)
        } catch {
            throw SandboxError(.runtimeFailed, error.description)
        }
    }

    /// Whether a runtime keeps the state of a container below the directory.
    package static func hasContainers(_ stateRoot: String) throws(SandboxError) -> Bool {
        try !containers(stateRoot).isEmpty
    }

    private static func containers(_ stateRoot: String) throws(SandboxError) -> [String] {
        do throws(Errno) {
            // Names that begin with a dot are caches.
            return try HostDirectory.names(ofPath: stateRoot)
                .filter { $0.first != UInt8(ascii: ".") }
                .map { String(decoding: $0, as: UTF8.self) }
        } catch .notFound {
            return []
        } catch {
            throw SandboxError(.system, "could not list \(stateRoot): \(error)")
        }
    }

    private static let crunStateName = "status"
    private static let runcStateName = "state.json"

    /// Which runtime made the containers whose state is kept below the directory; nil if that cannot be
    /// told, as of one that was killed in the making.
    package static func kind(
        ofContainersIn stateRoot: String
    ) throws(SandboxError) -> RuntimeChoice.Kind? {
        for identifier in try containers(stateRoot) {
            if HostDirectory.exists("\(stateRoot)/\(identifier)/\(runcStateName)") { return .runc }
            if HostDirectory.exists("\(stateRoot)/\(identifier)/\(crunStateName)") { return .crun }
        }
        return nil
    }

    /// Ends and removes the containers of processes that are gone.
    ///
    /// The caller makes sure that no process uses `stateRoot` any more, such as by the lock of the
    /// store's owner.
    /// - Throws: `runtimeFailed` when a container is still there.
    package func removeLeftovers() throws(SandboxError) {
        // What one runtime does not understand of another's state it takes for a container that
        // never was, and removes the state alone.
        let foreign = choice.kind == .crun ? Self.runcStateName : Self.crunStateName
        for identifier in try Self.containers(stateRoot) {
            guard !HostDirectory.exists("\(stateRoot)/\(identifier)/\(foreign)") else {
                throw SandboxError(
                    .runtimeFailed,
                    "the container \(identifier) was made by another runtime than \(choice.path)",
                    hint: "end its processes, then remove \(stateRoot)/\(identifier)")
            }
            let output = try perform(["delete", "--force", identifier])
            // Another process may have been quicker, or be about to; that it is gone is what counts.
            for _ in 0..<200 where HostDirectory.exists("\(stateRoot)/\(identifier)") {
                usleep(10_000)
            }
            guard !HostDirectory.exists("\(stateRoot)/\(identifier)") else {
                throw SandboxError(
                    .runtimeFailed,
                    "could not remove the container \(identifier): "
                        + String(decoding: output.standardError.prefix(400), as: UTF8.self))
            }
            // The bundle may be gone or on a file system that is; what matters is the container.
            try? HostDirectory.removeAll("\(bundleRoot)/\(identifier)")
        }
    }
}
