internal import ArgumentParser
internal import Builder
internal import Dockerfile
internal import Engine
internal import Foundation

/// What `build` gives to RUN steps, and allows them.
struct BuildRunOptions: ParsableArguments {
    @Option(
        name: .customLong("secret"),
        help: ArgumentHelp(
            "A secret for RUN --mount=type=secret: a file or a variable of the environment.",
            valueName: "id=NAME[,src=FILE|,env=NAME]"))
    var secrets: [String] = []
    @Option(
        name: .customLong("ssh"),
        help: ArgumentHelp(
            "An SSH agent for RUN --mount=type=ssh: its socket, or keys.",
            valueName: "default|ID[=SOCKET|KEY[,KEY]]"))
    var agents: [String] = []
    @Option(
        help: ArgumentHelp(
            "Allow RUN --security=insecure (security.insecure).", valueName: "entitlement"))
    var allow: [String] = []
    @Option(
        name: .customLong("ulimit"),
        help: ArgumentHelp("A limit of RUN's processes.", valueName: "name=soft[:hard]"))
    var limits: [String] = []
    @Option(
        name: .customLong("shm-size"),
        help: ArgumentHelp("The size of /dev/shm (64m).", valueName: "size"))
    var sharedMemory: String?
    @Option(
        name: .customLong("add-host"),
        help: ArgumentHelp(
            "A line of /etc/hosts in RUN; host-gateway is this machine.",
            valueName: "name:address"))
    var hosts: [String] = []

    // What Docker's classic builder knows. Scripts give it; here it means nothing, and is said to.
    @Option(name: .customLong("cgroup-parent"), help: .hidden) var cgroupParent: String?
    @Option(name: [.customShort("m"), .customLong("memory")], help: .hidden) var memory: String?
    @Option(name: .customLong("memory-swap"), help: .hidden) var memorySwap: String?
    @Option(name: [.customShort("c"), .customLong("cpu-shares")], help: .hidden)
    var cpuShares: String?
    @Option(name: .customLong("cpu-period"), help: .hidden) var cpuPeriod: String?
    @Option(name: .customLong("cpu-quota"), help: .hidden) var cpuQuota: String?
    @Option(name: .customLong("cpuset-cpus"), help: .hidden) var cpus: String?
    @Option(name: .customLong("cpuset-mems"), help: .hidden) var memoryNodes: String?

    private static let entitlement = "security.insecure"
    /// Steps have the host's network by default, so what this allows in buildx is allowed anyway.
    private static let networkEntitlement = "network.host"

    /// Says which of the options are ignored.
    func reportIgnored() {
        let ignored = [
            ("--cgroup-parent", cgroupParent), ("--memory", memory),
            ("--memory-swap", memorySwap), ("--cpu-shares", cpuShares),
            ("--cpu-period", cpuPeriod), ("--cpu-quota", cpuQuota), ("--cpuset-cpus", cpus),
            ("--cpuset-mems", memoryNodes),
        ].filter { $0.1 != nil }.map(\.0)
        guard !ignored.isEmpty else { return }
        Terminal.note(
            "\(ignored.joined(separator: ", ")): ignored, steps share the limits of this process "
                + "(\"systemd-run --scope -p MemoryMax=… vitrine build …\" sets them)")
    }

    /// - Throws: `ValidationError`, ``BuildError``.
    func options() throws -> RunOptions {
        var options = RunOptions()
        options.secrets = try secrets.map { try Self.secret($0) }
        options.agents = try agents.map { try Self.agent($0) }
        for text in allow.flatMap({ $0.split(separator: ",") }) {
            guard text == Self.entitlement || text == Self.networkEntitlement else {
                throw ValidationError(
                    "--allow \(text): the entitlements are \(Self.entitlement) and "
                        + Self.networkEntitlement)
            }
            if text == Self.entitlement { options.allowsInsecure = true }
        }
        options.resourceLimits = try limits.map { try ResourceLimitOption(parsing: $0) }
        options.extraHosts = try hosts.map { try ExtraHost(parsing: $0) }
        if let sharedMemory {
            guard let bytes = ByteSize.parse(sharedMemory), bytes >= 0 else {
                throw ValidationError(
                    "--shm-size \"\(sharedMemory)\" is no size; write 64m or 1g")
            }
            // As in Docker, none is the standard size.
            if bytes > 0 { options.sharedMemoryBytes = bytes }
        }
        return options
    }

    /// As buildx: without a source it is the variable of its name, else the file.
    private static func secret(_ text: String) throws -> SecretSource {
        func invalid(_ reason: String) -> ValidationError {
            ValidationError("--secret \"\(text)\": \(reason)")
        }
        var (id, path, variable): (String?, String?, String?)
        var type: String?
        let fields: MountOptions
        do {
            fields = try MountOptions(parsing: text)
        } catch {
            throw invalid("it is no list of KEY=VALUE, separated by commas")
        }
        for field in fields.options {
            guard let value = field.value else {
                throw invalid("invalid field '\(field.key)' must be a key=value pair")
            }
            switch field.key {
            case "id": id = value
            case "type": type = value
            case "source", "src": path = value
            case "env": variable = value
            default: throw invalid("unexpected key '\(field.key)'; write id, src, env or type")
            }
        }
        guard let id, !id.isEmpty else { throw invalid("it has no id") }
        switch type {
        case nil, "file": break
        case "env":
            variable = variable ?? path
            path = nil
        case let type?: throw invalid("unsupported secret type \"\(type)\"; write file or env")
        }
        guard path == nil || variable == nil else { throw invalid("it has both src and env") }
        let environment = ProcessInfo.processInfo.environment
        if path == nil, variable == nil {
            if type != "file", environment[id] != nil { variable = id } else { path = id }
        }
        if let variable {
            // As buildx: what is not set is empty.
            return SecretSource(id: id, origin: .value(Array((environment[variable] ?? "").utf8)))
        }
        let file = try Self.absolute(path ?? id)
        guard FileManager.default.isReadableFile(atPath: file) else {
            throw invalid("there is no file \(file) to read")
        }
        return SecretSource(id: id, origin: .file(path: file))
    }

    private static func agent(_ text: String) throws -> AgentSource {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let id = parts[0].isEmpty ? "default" : String(parts[0])
        guard parts.count == 2 else {
            guard let socket = ProcessInfo.processInfo.environment["SSH_AUTH_SOCK"],
                !socket.isEmpty
            else {
                throw ValidationError(
                    "--ssh \(text): there is no agent, SSH_AUTH_SOCK is not set; start one, or "
                        + "give --ssh \(id)=SOCKET or --ssh \(id)=KEYFILE")
            }
            return AgentSource(id: id, paths: [try absolute(socket)])
        }
        let paths = try parts[1].split(separator: ",").map { try absolute(String($0)) }
        guard !paths.isEmpty else { throw ValidationError("--ssh \(text) names no file") }
        for path in paths where !FileManager.default.fileExists(atPath: path) {
            throw ValidationError("--ssh \(text): there is no \(path)")
        }
        return AgentSource(id: id, paths: paths)
    }

    private static func absolute(_ path: String) throws -> String {
        try StoreLocation.absolute(path)
    }
}
