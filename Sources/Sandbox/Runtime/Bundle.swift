internal import ImageSpec
internal import LinuxIO

/// The directory from which the runtime reads what to run (OCI runtime-spec, bundle.md), with the
/// files that are bound into the container.
struct Bundle: Sendable {
    let path: String
    var logPath: String { "\(path)/log" }

    init(
        of request: ContainerRequest, with runtime: ContainerRuntime, networkPath: String?
    ) throws(SandboxError) {
        path = "\(runtime.bundleRoot)/\(request.id)"
        let spec = ContainerSpec(
            request: request, choice: runtime.choice, bundlePath: path,
            networkPath: networkPath, heldCapabilities: Self.heldCapabilities)
        do throws(Errno) {
            try HostDirectory.make(path, permissions: 0o700)
            for file in request.nameFiles.files {
                if let directory = request.nameFiles.directory {
                    try keep(file.content, "\(directory)/\(file.name)")
                } else {
                    try write(file.content, file.name)
                }
            }
            try write(spec.document.json.encoded, "config.json")
        } catch {
            if error != .exists { remove() }
            throw SandboxError(.system, "could not write the bundle \(path): \(error)")
        }
    }

    /// Read once: a process only ever loses capabilities when it means to.
    static let heldCapabilities: Set<String>? = {
        // Without /proc the runtime will say what is missing.
        guard let file = try? OwnedDescriptor(opening: "/proc/self/status", .readOnly),
            let status = try? DescriptorIO.readAll(file.rawValue, limit: 1 << 16)
        else { return nil }
        return Capability.held(status: status)
    }()

    /// No fsync: a bundle that a crash leaves behind is removed, not read.
    private func write(_ bytes: [UInt8], _ name: String) throws(Errno) {
        let file = try OwnedDescriptor(
            opening: "\(path)/\(name)", [.writeOnly, .create, .exclusive], permissions: 0o644)
        try Self.fill(file, bytes)
    }

    /// Writes the file in its place: a container that joins this one's network shares it.
    private func keep(_ bytes: [UInt8], _ path: String) throws(Errno) {
        let file = try OwnedDescriptor(
            opening: path, [.writeOnly, .create, .truncate], permissions: 0o644)
        try Self.fill(file, bytes)
    }

    /// All users of the container read them, whatever the caller's umask is.
    private static func fill(
        _ file: borrowing OwnedDescriptor, _ bytes: [UInt8]
    ) throws(Errno) {
        try DescriptorIO.setPermissions(file.rawValue, 0o644)
        try DescriptorIO.writeAll(file.rawValue, bytes)
    }

    /// What the runtime logged; empty when there is nothing.
    var log: [UInt8] {
        // Without a log the command's own code is all there is to tell.
        guard let file = try? OwnedDescriptor(opening: logPath, .readOnly) else { return [] }
        return (try? DescriptorIO.readAll(file.rawValue, limit: 1 << 20)) ?? []
    }

    func remove() {
        // What cannot be removed now is found by `removeLeftovers`; the outcome stands.
        try? HostDirectory.removeAll(path)
    }
}
