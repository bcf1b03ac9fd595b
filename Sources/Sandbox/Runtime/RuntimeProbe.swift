internal import Glibc
internal import ImageSpec
internal import LinuxIO

/// Finds the OCI runtime that runs containers fastest here, by trying. One that filters system calls
/// goes before any that does not.
///
/// A trial runs the host's `cat` in a container with the default profile and looks at what it sees of
/// itself. The choice is kept in a file for as long as the runtimes, the kernel and the profile stay
/// the same.
package struct RuntimeProbe: Sendable {
    /// Directories to look for runtimes in, in this order.
    package var searchPath = Self.searchPath
    /// Nil tries all that are known; else this one alone, which may be another that takes the same
    /// commands.
    package var program: String?
    package var stateRoot: String
    package var bundleRoot: String
    /// Nil tries each time.
    package var cachePath: String?

    /// Where programs of the system are.
    package static let searchPath = [
        "/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin", "/bin", "/sbin",
    ]

    package init(stateRoot: String, bundleRoot: String, cachePath: String?) {
        self.stateRoot = stateRoot
        self.bundleRoot = bundleRoot
        self.cachePath = cachePath
    }

    /// What the runtime is for.
    package enum Purpose: String, Sendable {
        /// Steps of builds: the fastest.
        case steps
        /// Containers that are limited and paused: the fastest that makes a control group for each,
        /// if any does.
        case containers
    }

    /// The fastest runtime that works.
    /// - Throws: `noRuntime`, with what each one said.
    package func choose(for purpose: Purpose = .steps) throws(SandboxError) -> RuntimeChoice {
        let found = runtimes()
        if let program, found.isEmpty {
            throw SandboxError(
                .noRuntime, "\(program) is no OCI runtime: it does not tell its version",
                hint: "\"\(program) --version\" has to")
        }
        guard !found.isEmpty else {
            throw SandboxError(
                .noRuntime, "there is no OCI runtime in \(searchPath.joined(separator: ", "))",
                hint: "install crun (or runc)")
        }
        let key = cacheKey(found)
        if let choice = cached(key) { return choice }
        var working: [RuntimeChoice] = []
        var notes: [String] = []
        for candidate in candidates(found) {
            switch Trial(candidate, self).result() {
            case .works(let choice): working.append(choice)
            case .fails(let reason):
                notes.append("\(candidate.label) does not work here: \(reason)")
            }
        }
        guard var best = Self.best(of: working, for: purpose) else {
            throw SandboxError(
                .noRuntime, "no OCI runtime works here: " + notes.joined(separator: "; "),
                hint: "see that /proc, /sys and namespaces are allowed to this process")
        }
        best.explanation = explain(best, working, notes)
        store(best, key)
        return best
    }

    /// The fastest of those that filter system calls; of the others only where there are none.
    static func best(
        of working: [RuntimeChoice], for purpose: Purpose = .steps
    ) -> RuntimeChoice? {
        if purpose == .containers {
            let native = working.filter { $0.controlGroups == .native }
            if let best = best(of: native) { return best }
        }
        let filtering = working.filter { $0.filter != .none }
        return (filtering.isEmpty ? working : filtering)
            .min { $0.milliseconds < $1.milliseconds }
    }

    // MARK: - Candidates

    func runtimes() -> [RuntimeChoice] {
        var found: [RuntimeChoice] = []
        for kind in [RuntimeChoice.Kind.crun, .runc] {
            guard let path = path(of: kind) else { continue }
            found.append(
                RuntimeChoice(
                    kind: kind, path: path, version: "", controlGroups: .native,
                    needsPrivateCgroupMount: false,
                    // crun works with version 2 alone: the host's, or a mount of its own.
                    hasGroupNamespace: kind == .crun || ControlGroups.isUnified,
                    filter: .none, milliseconds: 0, explanation: ""))
        }
        return found
    }

    private func path(of kind: RuntimeChoice.Kind) -> String? {
        guard let program else {
            return searchPath.map { "\($0)/\(kind.rawValue)" }.first(where: HostDirectory.exists)
        }
        // Others than crun take runc's options.
        guard let version = version(of: program) else { return nil }
        return version.name.hasPrefix("crun") == (kind == .crun) ? program : nil
    }

    /// Each runtime in each mode that could work.
    func candidates(_ found: [RuntimeChoice]) -> [RuntimeChoice] {
        var candidates: [RuntimeChoice] = []
        for runtime in found {
            var runtime = runtime
            guard let version = version(of: runtime.path) else { continue }
            runtime.version = version.name
            runtime.filter = version.hasFilter ? .profile : .none
            if runtime.kind == .crun {
                var plain = runtime
                plain.controlGroups = .disabled
                plain.needsPrivateCgroupMount = !ControlGroups.isUnified
                candidates.append(plain)
            }
            candidates.append(runtime)
        }
        return candidates
    }

    private func version(of path: String) -> (name: String, hasFilter: Bool)? {
        let request = ChildProcess.Request(program: path, arguments: ["--version"])
        // A file that is no program is no candidate.
        guard let output = try? ChildProcess.output(of: request), output.exit.isSuccess else {
            return nil
        }
        let text = String(decoding: output.standardOutput, as: UTF8.self)
        let name = text.split(separator: "\n").first.map(String.init) ?? path
        return (name, text.lowercased().contains("seccomp"))
    }

    // MARK: - Cache

    /// What the choice depends on, as text.
    private func cacheKey(_ found: [RuntimeChoice]) -> String {
        var parts = ["4"]
        for runtime in found {
            // A file that vanished since changes the key as well.
            guard let status = try? FileStatus(ofPath: runtime.path) else { continue }
            let time = status.modificationTime
            parts.append(
                "\(runtime.path) \(status.inode) \(status.sizeBytes) "
                    + "\(time.seconds).\(time.nanoseconds)")
        }
        parts.append(contents("/proc/sys/kernel/osrelease") ?? "")
        parts.append(contents("/proc/self/cgroup") == nil ? "" : "cgroups")
        parts.append("\(ControlGroups.isUnified)")
        let profile = SeccompProfile.document(capabilities: Capability.standard)
        parts.append(Digest(of: profile?.encoded ?? []).hex)
        return parts.joined(separator: "\n")
    }

    private func contents(_ path: String) -> String? {
        // Files of /proc that cannot be read leave their part of the key empty.
        guard let file = try? OwnedDescriptor(opening: path, .readOnly),
            let bytes = try? DescriptorIO.readAll(file.rawValue, limit: 1 << 16)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func cached(_ key: String) -> RuntimeChoice? {
        // A cache that is not there or not understood is made anew.
        guard let cachePath, let text = contents(cachePath),
            let json = try? JSONParser.parse(Array(text.utf8)), json["key"]?.stringValue == key
        else { return nil }
        return json["choice"].flatMap(RuntimeChoice.init(json:))
    }

    private func store(_ choice: RuntimeChoice, _ key: String) {
        guard let cachePath else { return }
        let json: JSONValue = ["key": .string(key), "choice": choice.json]
        // Without the cache the next process tries again, which costs it a moment.
        try? HostDirectory.replaceFile(cachePath, with: json.encoded, durability: .deferred)
    }

    // MARK: - Explanation

    private func explain(
        _ best: RuntimeChoice, _ working: [RuntimeChoice], _ notes: [String]
    ) -> String {
        func time(_ choice: RuntimeChoice) -> String {
            "\((choice.milliseconds * 10).rounded() / 10) ms"
        }
        var text = "\(best.label) (\(best.path)) takes \(time(best)) a container"
        for other in working where other.path != best.path || other.label != best.label {
            text += "; \(other.label) takes \(time(other))"
            if other.filter == .none { text += " without seccomp" }
        }
        for note in notes { text += "; \(note)" }
        if best.controlGroups == .disabled {
            text +=
                "; without control groups, device nodes of images cannot be opened and there are "
                + "no limits"
        }
        if best.filter == .none { text += "; it was built without seccomp" }
        return text
    }
}

extension RuntimeChoice {
    /// The runtime and its mode, for messages.
    var label: String {
        switch (kind, controlGroups) {
        case (.crun, .disabled): "\(version) without control groups"
        default: version
        }
    }
}
