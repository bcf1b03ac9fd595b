internal import LinuxIO

/// Connects network namespaces to the world through a program in user space: pasta (of passt) or
/// slirp4netns.
package struct NetworkHelper: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable { case pasta, slirp4netns }

    package let kind: Kind
    package let path: String

    package init(kind: Kind, path: String) {
        self.kind = kind
        self.path = path
    }

    /// The first that works here, by trying; pasta before slirp4netns, since it is faster.
    /// Blocks the thread for up to a few hundred milliseconds.
    /// - Parameter directory: see ``attach(in:)``.
    package static func working(
        in searchPath: [String], directory: String
    ) -> NetworkHelper? {
        for kind in [Kind.pasta, .slirp4netns] {
            for directory in searchPath {
                let helper = NetworkHelper(kind: kind, path: "\(directory)/\(kind.rawValue)")
                guard HostDirectory.exists(helper.path) else { continue }
                // One that cannot do it here is passed over, whatever the reason.
                guard let attachment = try? helper.attach(in: directory) else { break }
                attachment.detach()
                return helper
            }
        }
        return nil
    }

    /// Connects a new namespace with the first program that is there and can do it, without a trial;
    /// see ``attach(in:ports:hardwareAddress:)``.
    /// - Throws: `networkUnavailable`; `portAllocated`, `invalidRequest` for ports.
    package static func attach(
        in directory: String, ports: [PortRequest], hardwareAddress: String? = nil,
        searchPath: [String] = RuntimeProbe.searchPath
    ) throws(SandboxError) -> Attachment {
        var failure = SandboxError(
            .networkUnavailable, "there is no program that gives a container its own network",
            hint: "install passt or slirp4netns, or use --network host or none")
        for kind in [Kind.pasta, .slirp4netns] {
            let paths = searchPath.map { "\($0)/\(kind.rawValue)" }
            guard let path = paths.first(where: HostDirectory.exists) else { continue }
            do throws(SandboxError) {
                return try NetworkHelper(kind: kind, path: path).attach(
                    in: directory, ports: ports, hardwareAddress: hardwareAddress)
            } catch {
                // Another one would find the ports no freer.
                guard error.code == .networkUnavailable else { throw error }
                failure = error
            }
        }
        throw failure
    }

    /// A network namespace with its connection.
    package final class Attachment: Sendable {
        /// The namespace, for as long as it is attached.
        package let path: String
        /// Where the host's ports are that lead into it.
        package let ports: [PublishedPort]
        private let keeper: HelperKeeper
        private let relay: LoopbackRelay

        init(
            path: String, ports: [PublishedPort], keeper: HelperKeeper, relay: LoopbackRelay
        ) {
            self.path = path
            self.ports = ports
            self.keeper = keeper
            self.relay = relay
        }

        /// Ends the connection. The namespace goes with its last user.
        package func detach() {
            relay.stop()
            keeper.stop()
            // Else it goes with the directory, when somebody clears up.
            try? NamespaceFile.remove(path)
        }
    }
}
