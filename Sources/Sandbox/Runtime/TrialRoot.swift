internal import LinuxIO

/// A root filesystem for trials: an empty directory over which the host's programs are bound.
struct TrialRoot {
    let path: String
    /// The host's `cat`.
    let program: String
    let mounts: [ContainerRequest.Mount]

    /// Where programs and what they need are kept on one distribution or another.
    private static let directories = ["/usr", "/bin", "/lib", "/lib32", "/lib64", "/nix", "/gnu"]
    private static let programs = ["/bin/cat", "/usr/bin/cat"]

    init(in directory: String) throws(SandboxError) {
        guard let program = Self.programs.first(where: HostDirectory.exists) else {
            throw SandboxError(.system, "this host has no /bin/cat to try a container with")
        }
        self.program = program
        path = "\(directory)/probe-root-\(ProcessIdentity.token)"
        // Links such as /bin → usr/bin are bound as what they lead to.
        mounts = Self.directories.filter(HostDirectory.exists).map {
            .init(source: .host(path: $0), target: $0, isReadOnly: true)
        }
        do throws(Errno) {
            try HostDirectory.make(path, permissions: 0o755)
        } catch {
            throw SandboxError(.system, "could not make \(path): \(error)")
        }
    }

    func remove() {
        // An empty tree; what stays is in nobody's way.
        try? HostDirectory.removeAll(path)
    }
}
