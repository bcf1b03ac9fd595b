internal import ImageSpec
internal import LinuxIO

/// Runs a container with a candidate and sees whether it keeps what ``ContainerSpec`` promises.
struct Trial {
    enum Result {
        case works(RuntimeChoice)
        case fails(String)
    }

    private let candidate: RuntimeChoice
    private let probe: RuntimeProbe

    init(_ candidate: RuntimeChoice, _ probe: RuntimeProbe) {
        self.candidate = candidate
        self.probe = probe
    }

    func result() -> Result {
        do throws(SandboxError) {
            let root = try TrialRoot(in: probe.bundleRoot)
            defer { root.remove() }
            return .works(try best(of: candidate, root))
        } catch {
            return .fails(error.message)
        }
    }

    /// The candidate with the filter that costs least, and its time.
    private func best(
        of candidate: RuntimeChoice, _ root: TrialRoot
    ) throws(SandboxError) -> RuntimeChoice {
        var choice = candidate
        // The first run finds the runtime's files cold.
        try check(choice, root)
        choice.milliseconds = try shortestTime(choice, root)
        guard choice.kind == .crun, choice.filter == .profile,
            let program = try translatedFilter(root)
        else { return choice }
        var faster = choice
        faster.filter = .program(program)
        // A program that the runtime does not take back leaves the profile in place.
        guard let time = try? shortestTime(faster, root), time < choice.milliseconds else {
            return choice
        }
        faster.milliseconds = time
        return faster
    }

    /// The best of a few: what else the host does makes a run slower, never faster.
    private func shortestTime(
        _ choice: RuntimeChoice, _ root: TrialRoot
    ) throws(SandboxError) -> Double {
        var best = Double.infinity
        for _ in 0..<4 { best = min(best, try check(choice, root)) }
        return best
    }

    private func request(_ purpose: String, _ root: TrialRoot) -> ContainerRequest {
        ContainerRequest(
            id: "probe-\(purpose)-\(ProcessIdentity.token)", rootfs: root.path,
            arguments: [root.program, "/proc/self/mountinfo", "/proc/self/status"],
            nameFiles: .init(resolver: nil, hosts: nil, hostname: nil), mounts: root.mounts)
    }

    private func runtime(_ choice: RuntimeChoice) -> ContainerRuntime {
        ContainerRuntime(
            choice: choice, stateRoot: probe.stateRoot, bundleRoot: probe.bundleRoot)
    }

    /// Runs the container once.
    /// - Returns: the milliseconds it took.
    @discardableResult
    private func check(
        _ choice: RuntimeChoice, _ root: TrialRoot
    ) throws(SandboxError) -> Double {
        let capture: ChildProcess.Capture
        do throws(Errno) {
            capture = try ChildProcess.Capture()
        } catch {
            throw SandboxError(.system, "could not make a file in memory: \(error)")
        }
        let clock = ContinuousClock()
        let start = clock.now
        let container = try Container.start(
            request("run", root), with: runtime(choice), streams: .init(output: capture.descriptor))
        let outcome = container.wait()
        let time = clock.now - start
        switch outcome {
        case .exited(0): break
        case .exited(let code):
            throw SandboxError(.runtimeFailed, "the trial ended with code \(code)")
        case .notStarted(let failure): throw SandboxError(.runtimeFailed, failure.message)
        case .runtimeKilled(let signal):
            throw SandboxError(.runtimeFailed, "it was ended by signal \(signal)")
        case .cancelled: throw SandboxError(.runtimeFailed, "the trial was cancelled")
        }
        try inspect(String(decoding: capture.content(), as: UTF8.self), choice)
        return Double(time.components.seconds) * 1000
            + Double(time.components.attoseconds) / 1_000_000_000_000_000
    }

    /// Looks at the container's mounts and status as it saw them.
    private func inspect(_ text: String, _ choice: RuntimeChoice) throws(SandboxError) {
        let lines = text.split(separator: "\n")
        // proc(5): the fifth field is the mount point, the sixth has the options of the mount.
        let root = lines.map { $0.split(separator: " ") }.last { $0.count > 6 && $0[4] == "/" }
        guard let root else {
            throw SandboxError(.runtimeFailed, "it did not run what it was given")
        }
        let isGuarded = root[5].split(separator: ",").contains("nodev")
        if choice.controlGroups == .disabled, !isGuarded {
            throw SandboxError(.runtimeFailed, "it leaves device nodes of images usable")
        }
        if choice.filter != .none, !lines.contains("Seccomp:\t2") {
            throw SandboxError(.runtimeFailed, "it does not filter system calls")
        }
    }

    /// The filter that crun made of the default profile: it leaves it beside the state of a
    /// container that was made and not started.
    /// - Returns: nil where there is none.
    private func translatedFilter(_ root: TrialRoot) throws(SandboxError) -> [UInt8]? {
        let request = request("filter", root)
        let runtime = runtime(candidate)
        let bundle = try Bundle(of: request, with: runtime, networkPath: nil)
        defer { bundle.remove() }
        let created = try runtime.perform(["create", "--bundle", bundle.path, request.id])
        defer {
            // What is left, `removeLeftovers` removes.
            _ = try? runtime.perform(["delete", "--force", request.id])
        }
        guard created.exit.isSuccess,
            // Other versions may keep it elsewhere: then the profile is used as it is.
            let file = try? OwnedDescriptor(
                opening: "\(probe.stateRoot)/\(request.id)/seccomp.bpf", .readOnly),
            let program = try? DescriptorIO.readAll(file.rawValue, limit: 1 << 16),
            !program.isEmpty, program.count % Self.instructionBytes == 0
        else { return nil }
        return program
    }

    /// `struct sock_filter` (linux/filter.h).
    private static let instructionBytes = 8
}
