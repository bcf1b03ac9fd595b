internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Sandbox
internal import Store
internal import Views

/// What one run of a container has on the host besides its root file system. Used by one thread.
final class ContainerPreparation {
    let request: ContainerRequest
    let runtime: ContainerRuntime
    /// The network namespace to join; nil for one that the runtime makes, and for the host's.
    let networkPath: String?
    let publishedPorts: [ContainerSettings.PublishedPort]
    private let attachment: NetworkHelper.Attachment?
    private let namespaces: ContainerNamespaces
    /// Ends the container if this process is killed.
    private let keeper: ContainerKeeper

    /// - Parameter rootfs: where its root file system is mounted.
    init(_ engine: Engine, _ record: ContainerRecord, rootfs: String, lease: Lease) throws {
        let settings = record.settings
        runtime = try engine.containerRuntime(
            lease, for: .containers, program: try settings.runtime.map(RuntimeName.program))
        keeper = try ContainerKeeper(of: runtime)
        var attachment: NetworkHelper.Attachment?
        let namespaces = try ContainerNamespaces(engine, settings, lease: lease)
        // What fails after them leaves nothing behind.
        var isComplete = false
        defer {
            if !isComplete {
                attachment?.detach()
                namespaces.end()
            }
        }
        let network: Network
        var shared: ContainerRecord?
        switch settings.network {
        case .standard:
            attachment = try NetworkHelper.attach(
                in: runtime.bundleRoot, ports: settings.portRequests,
                hardwareAddress: settings.hardwareAddress)
            (network, networkPath) = (.isolated, attachment?.path)
        case .none: (network, networkPath) = (.none, nil)
        case .host: (network, networkPath) = (.host, nil)
        case .container(let id):
            let other = try engine.runningContainer(id, toJoinIts: .network)
            (network, networkPath) = (.isolated, other.path)
            shared = other.record
        }
        publishedPorts = (attachment?.ports ?? []).map(ContainerSettings.PublishedPort.init)
        var record = record
        // As Docker: who joins a network has its names, too.
        let owner = settings.sharesHostNames ? record : try engine.networkOwner(record)
        record.settings.domainName = owner.settings.domainName
        let hostname = ContainerNameFiles.hostname(of: owner)
        let names = ContainerNameFiles(settings, hostname: hostname)
        let layout = engine.store.layout
        request = try ContainerRequest(
            record,
            in: ContainerSurroundings(
                controlGroup: record.id.controlGroup(of: lease.id), rootfs: rootfs,
                accounts: try AccountFiles(ofRoot: rootfs), hostname: hostname,
                network: network, namespaces: namespaces,
                nameFiles: try names.files(
                    in: layout.container(record.id).directory,
                    shared: shared.map { layout.container($0.id).directory }),
                volumePath: { [record] in try engine.volumePath($0, of: record) }))
        self.attachment = attachment
        self.namespaces = namespaces
        isComplete = true
    }

    /// What programs look for in a container, as Docker has it there where the image does not: the
    /// mounted file systems under their old name, and what says that it is a container.
    static let marks = [
        place("/etc/mtab", .symbolicLink(to: Array("/proc/mounts".utf8))),
        place("/.dockerenv", .file),
    ]

    private static func place(_ path: String, _ kind: Views.MountTarget.Kind) -> Views.MountTarget {
        guard let path = try? TreePath(cleaning: Array(path.utf8)) else {
            preconditionFailure("\(path) is a path")
        }
        return Views.MountTarget(path: path, kind: kind)
    }

    /// Where other containers find its `/dev/shm`, if they may join; else empty.
    var joinableMemory: String { namespaces.joinableMemory }

    /// Ends what does not end with the container.
    func end() {
        attachment?.detach()
        namespaces.end()
    }

    /// The variables of a process of `exec`.
    /// - Parameters:
    ///   - changes: `NAME=value`, or `NAME` of one that is taken away.
    ///   - home: of its user, if that is another than the container's.
    static func environment(
        _ base: [String], with changes: [String], hasTerminal: Bool, home: String?
    ) -> [String] {
        var variables = base
        if let home { variables = ContainerConfig.merging(variables, with: ["HOME=\(home)"]) }
        if hasTerminal, !variables.contains(where: { $0.hasPrefix("TERM=") }) {
            variables.append("TERM=xterm")
        }
        for change in changes {
            if change.contains("=") {
                variables = ContainerConfig.merging(variables, with: [change])
            } else {
                variables.removeAll { $0.hasPrefix("\(change)=") }
            }
        }
        return variables
    }
}

extension UserSpecification.Resolved {
    /// A user as `exec --user` names it, with the container's further groups.
    init(_ text: String, in accounts: AccountFiles, additionalGroups: [String]) throws {
        self = try UserSpecification.parse(text).resolve(accounts: accounts)
        for group in additionalGroups {
            let number = try accounts.groupNumber(group)
            if !self.additionalGroups.contains(number) { self.additionalGroups.append(number) }
        }
    }
}
