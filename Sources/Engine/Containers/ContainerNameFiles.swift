internal import Builder
internal import LinuxIO
internal import Sandbox
internal import Store

/// What a container's `/etc/hosts`, `/etc/hostname` and `/etc/resolv.conf` hold, as Docker writes
/// them.
struct ContainerNameFiles {
    private let settings: ContainerSettings
    private let hostname: String

    /// - Parameter hostname: the container's.
    init(_ settings: ContainerSettings, hostname: String) {
        self.settings = settings
        self.hostname = hostname
    }

    /// The name that a container has: its own, the host's with the host's network, or the start of
    /// its ID.
    static func hostname(of record: ContainerRecord) -> String {
        if record.settings.sharesHostNames || record.settings.network == .host,
            record.settings.hostname == nil,
            let host = try? content("/proc/sys/kernel/hostname")  // else its ID's
        {
            return String(decoding: host.filter { $0 != 0x0A }, as: UTF8.self)
        }
        return record.settings.hostname ?? record.id.short
    }

    /// - Parameters:
    ///   - directory: where they are kept, and written to by the container.
    ///   - shared: the directory of the container whose network it joins.
    /// - Throws: ``EngineError``.
    func files(
        in directory: String, shared: String? = nil
    ) throws -> ContainerRequest.NameFiles {
        var files = ContainerRequest.NameFiles(
            resolver: try resolver(), hosts: try hosts(), hostname: Array("\(hostname)\n".utf8))
        files.directory = directory
        if let shared {
            // As Docker: who joins a network has its names, too.
            files.resolver = try Self.content("\(shared)/resolv.conf") ?? files.resolver
            files.hosts = try Self.content("\(shared)/hosts") ?? files.hosts
            files.hostname = try Self.content("\(shared)/hostname") ?? files.hostname
        }
        return files
    }

    private func hosts() throws -> [UInt8] {
        var hosts: [(name: String, address: String)] = []
        for text in settings.extraHosts {
            let host = try ExtraHost(parsing: text)
            let network: Network = settings.network == .host ? .host : .isolated
            guard let address = host.address(on: network) else {
                throw EngineError(
                    .unavailable,
                    "the container's network does not reach the host that \(host.name) is to name",
                    hint: "use --network host, or an address instead of host-gateway")
            }
            hosts.append((host.name, address))
        }
        if settings.network == .host, let own = try Self.content("/etc/hosts") {
            return own + hosts.flatMap { Array("\($0.address)\t\($0.name)\n".utf8) }
        }
        var name = hostname
        if let domain = settings.domainName, !domain.isEmpty { name = "\(name).\(domain) \(name)" }
        return HostsFile.content(hostname: name, extraHosts: hosts)
    }

    private func resolver() throws -> [UInt8] {
        let host = try Self.content(ResolverConfiguration.hostPath) ?? []
        let base =
            settings.network == .host
            ? ResolverConfiguration.shared(host: host)
            : ResolverConfiguration.isolated(
                host: host, systemd: try Self.content(ResolverConfiguration.systemdPath))
        return ResolverConfiguration.replacing(
            base, servers: settings.nameServers, domains: settings.searchDomains,
            options: settings.resolverOptions)
    }

    /// - Returns: nil where there is no such file.
    private static func content(_ path: String) throws -> [UInt8]? {
        do throws(Errno) {
            let file = try OwnedDescriptor(opening: path, .readOnly)
            return try DescriptorIO.readAll(file.rawValue, limit: 1 << 20)
        } catch .notFound {
            return nil
        } catch {
            throw EngineError(.failed, "could not read \(path): \(error)")
        }
    }
}
