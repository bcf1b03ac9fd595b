internal import Foundation

/// What a container was asked to be: all that `create` takes, with the image's own settings merged
/// in. Names and units are those of Docker's container config and host config.
///
/// Kept as JSON; a member that is added later has a default for those that lack it.
package struct ContainerSettings: Codable, Hashable, Sendable {
    // MARK: What runs

    /// The last members of the command line; after the entry point.
    package var command: [String] = []
    package var entrypoint: [String] = []
    /// `NAME=value`, the image's with the caller's set in their places.
    package var environment: [String] = []
    /// Empty is `/`.
    package var workingDirectory = ""
    /// `name`, `uid`, `name:group`, `uid:gid`; empty is root.
    package var user = ""
    /// Names or numbers of further groups (`--group-add`).
    package var additionalGroups: [String] = []
    package var labels: [String: String] = [:]
    /// A name or a number; nil is SIGTERM.
    package var stopSignal: String?
    /// How long `stop` waits before it kills; nil is ten seconds.
    package var stopTimeoutSeconds: Int?
    package var healthCheck: HealthCheckSettings?
    /// Whether the command reads from who is attached (`-i`).
    package var keepsInputOpen = false
    /// Whether it has a terminal (`-t`).
    package var hasTerminal = false
    /// A small first process that passes signals on and reaps orphans (`--init`).
    package var hasInit = false
    package var restartPolicy = RestartPolicy()
    /// For the OCI runtime and its hooks (`--annotation`).
    package var annotations: [String: String] = [:]
    /// The OCI runtime, as given: a name or a path; nil is the one that is chosen by trial.
    package var runtime: String?
    /// Removed, with its anonymous volumes, when it ends (`--rm`).
    package var removesItself = false
    /// Whether its output is kept for `logs` (`--log-driver none` keeps nothing).
    package var keepsLog = true
    /// Above this the log begins anew, and one older part is kept; nil never does.
    package var maximumLogBytes: Int64?

    // MARK: What it sees

    /// Nil is the first twelve digits of its ID; the host's with the host's network.
    package var hostname: String?
    package var domainName: String?
    package var mounts: [ContainerMount] = []
    /// As given; there is `local` alone.
    package var volumeDriver = ""
    package var isRootReadOnly = false
    package var devices: [ContainerDevice] = []
    /// Devices that may be used once there is a node of them, as `c 189:* rwm`.
    package var deviceRules: [String] = []
    /// Of `/dev/shm`; nil is 64 MiB.
    package var sharedMemoryBytes: Int64?
    package var network = NetworkMode.standard
    package var publishedPorts: [PublishedPort] = []
    /// All exposed ports get one of the host's (`-P`).
    package var publishesAll = false
    /// `80/tcp`, the image's and the caller's.
    package var exposedPorts: Set<String> = []
    /// `name:address`, as given; `host-gateway` is an address.
    package var extraHosts: [String] = []
    /// Of its network's interface (`--mac-address`); nil is one that is made up.
    package var hardwareAddress: String?
    package var nameServers: [String] = []
    package var searchDomains: [String] = []
    package var resolverOptions: [String] = []
    /// Which processes it sees (`--pid`).
    package var processes = ProcessMode.own
    /// Which memory segments, queues and semaphores it sees (`--ipc`).
    package var interprocess = InterprocessMode.own
    /// The host's name is its own (`--uts host`).
    package var sharesHostNames = false
    /// Whether its own control group is the root of those it sees (`--cgroupns`); nil is as the host
    /// has it: of version 2 it is.
    package var hasOwnControlGroups: Bool?
    /// The host's users are its own, as they are without saying so (`--userns host`).
    package var sharesHostUsers = false
    /// The group above its own, on the host (`--cgroup-parent`); nil is the usual one.
    package var controlGroupParent: String?

    // MARK: What it may do

    package var isPrivileged = false
    /// With or without `CAP_`, and `ALL`.
    package var addedCapabilities: [String] = []
    package var droppedCapabilities: [String] = []
    package var hasNoNewPrivileges = false
    package var seccomp = Seccomp.standard
    /// Nothing of `/proc` and `/sys` is hidden or read-only (`--security-opt systempaths=unconfined`).
    package var showsSystemPaths = false
    /// `--security-opt` as given, for `inspect`.
    package var securityOptions: [String] = []
    package var resourceLimits: [ResourceLimit] = []
    package var limits = Limits()
    /// Whom the kernel kills first when memory is short, from -1000 (never) to 1000 (`--oom-score-adj`).
    package var memoryKillerScore: Int?
    /// `net.core.somaxconn` and the like.
    package var kernelParameters: [String: String] = [:]

    package init() {}
}

extension ContainerSettings {
    /// Docker's `HEALTHCHECK`, without what is inherited.
    package struct HealthCheckSettings: Codable, Hashable, Sendable {
        /// `CMD` and arguments, `CMD-SHELL` and a command line, or `NONE`.
        package var test: [String]
        /// What is 0 was not said, and is as by default.
        package var intervalNanoseconds: Int64 = 0
        package var timeoutNanoseconds: Int64 = 0
        package var startPeriodNanoseconds: Int64 = 0
        package var startIntervalNanoseconds: Int64 = 0
        /// So many failures in a row make it unhealthy.
        package var retries = 0

        package init(test: [String]) { self.test = test }

        /// Says that there is none, whatever the image says.
        package static let disabled = "NONE"

        // Docker's defaults.
        package var interval: Duration { Self.duration(intervalNanoseconds, .seconds(30)) }
        package var timeout: Duration { Self.duration(timeoutNanoseconds, .seconds(30)) }
        package var startPeriod: Duration { .nanoseconds(startPeriodNanoseconds) }
        package var startInterval: Duration {
            Self.duration(startIntervalNanoseconds, .seconds(5))
        }
        package var failuresThatCount: Int { retries == 0 ? 3 : retries }

        private static func duration(_ nanoseconds: Int64, _ standard: Duration) -> Duration {
            nanoseconds == 0 ? standard : .nanoseconds(nanoseconds)
        }
    }

    /// How to look after its health, if anybody is to.
    package var activeHealthCheck: HealthCheckSettings? {
        guard let check = healthCheck, let kind = check.test.first,
            kind != HealthCheckSettings.disabled
        else { return nil }
        return check
    }

    package struct RestartPolicy: Codable, Hashable, Sendable {
        package enum Kind: String, Codable, Sendable {
            case no
            case always
            case unlessStopped = "unless-stopped"
            case onFailure = "on-failure"
        }
        package var kind = Kind.no
        /// Of `on-failure`; 0 is without end.
        package var maximumRetries = 0

        package init(_ kind: Kind = .no, maximumRetries: Int = 0) {
            self.kind = kind
            self.maximumRetries = maximumRetries
        }
    }

    package enum NetworkMode: CodedChoice, Hashable, Sendable {
        /// A network of its own, with a way out.
        case standard
        case none
        case host
        /// That of another container, by its ID.
        case container(String)

        static let plain = ["standard": Self.standard, "none": .none, "host": .host]
        static var textual: (name: String, make: (String) -> Self) { ("container", Self.container) }
        var text: String? { if case .container(let id) = self { id } else { nil } }
    }

    package enum ProcessMode: CodedChoice, Hashable, Sendable {
        case own
        case host
        /// Those of another container, by its ID.
        case container(String)

        static let plain = ["own": Self.own, "host": .host]
        static var textual: (name: String, make: (String) -> Self) { ("container", Self.container) }
        var text: String? { if case .container(let id) = self { id } else { nil } }
    }

    package enum InterprocessMode: CodedChoice, Hashable, Sendable {
        /// Its own, which nobody else may join.
        case own
        /// Its own, and no `/dev/shm`.
        case none
        /// Its own, which other containers may join.
        case shareable
        case host
        /// That of another container, by its ID.
        case container(String)

        static let plain = [
            "own": Self.own, "none": .none, "shareable": .shareable, "host": .host,
        ]
        static var textual: (name: String, make: (String) -> Self) { ("container", Self.container) }
        var text: String? { if case .container(let id) = self { id } else { nil } }
    }

    /// A port of the host that leads into the container (`-p`).
    package struct PublishedPort: Codable, Hashable, Sendable {
        package enum Transport: String, Codable, Sendable { case tcp, udp }
        /// An address of the host; nil is all of them.
        package var hostAddress: String?
        /// 0 is one that is free when the container starts.
        package var hostPort: UInt16
        /// The end of a range from `hostPort` on, of which the first is taken that is free.
        package var lastHostPort: UInt16?
        package var containerPort: UInt16
        package var transport: Transport

        package init(
            hostAddress: String? = nil, hostPort: UInt16, containerPort: UInt16,
            transport: Transport = .tcp
        ) {
            self.hostAddress = hostAddress
            self.hostPort = hostPort
            self.containerPort = containerPort
            self.transport = transport
        }
    }

    /// `-v`, `--mount`, `--tmpfs`, and the volumes of the image.
    package struct ContainerMount: Codable, Hashable, Sendable {
        package enum Source: Codable, Hashable, Sendable {
            /// A path of the host; a directory is made if `isMade` and there is nothing.
            case bind(path: String, isMade: Bool)
            /// A volume by its name. An anonymous one goes with the container by `rm --volumes`.
            case volume(name: String, isAnonymous: Bool)
            /// Memory; nil is without limit. The mode of its root, in octal.
            case memory(sizeBytes: Int64?, mode: String?)
        }
        package var source: Source
        /// Absolute, in the container.
        package var target: String
        package var isReadOnly = false
        /// An empty volume is filled with what the image has there, unless `nocopy` was said.
        package var isFilled = true
        /// `rprivate`, `rshared`, `rslave` and so on; nil is `rprivate`.
        package var propagation: String?
        /// Whether a bind shows what is mounted below its source, too.
        package var isRecursive = true
        /// Further options of mount(8), such as `noexec`.
        package var options: [String] = []

        package init(_ source: Source, target: String) {
            self.source = source
            self.target = target
        }
    }

    /// `--device`
    package struct ContainerDevice: Codable, Hashable, Sendable {
        package var hostPath: String
        package var containerPath: String
        /// Of `r`, `w` and `m`.
        package var access: String

        package init(hostPath: String, containerPath: String, access: String = "rwm") {
            self.hostPath = hostPath
            self.containerPath = containerPath
            self.access = access
        }
    }

    package enum Seccomp: CodedChoice, Hashable, Sendable {
        case standard
        case unconfined
        /// A profile in Docker's form, as JSON text.
        case profile(String)

        static let plain = ["standard": Self.standard, "unconfined": .unconfined]
        static var textual: (name: String, make: (String) -> Self) { ("profile", Self.profile) }
        var text: String? { if case .profile(let text) = self { text } else { nil } }
    }

    /// `--ulimit`
    package struct ResourceLimit: Codable, Hashable, Sendable {
        /// `RLIMIT_NOFILE` and the like.
        package var type: String
        package var soft: UInt64
        package var hard: UInt64

        package init(type: String, soft: UInt64, hard: UInt64) {
            self.type = type
            self.soft = soft
            self.hard = hard
        }
    }

    /// What control groups limit; nil is without limit.
    package struct Limits: Codable, Hashable, Sendable {
        package var memoryBytes: Int64?
        /// Memory and swap together; -1 is without limit.
        package var memoryAndSwapBytes: Int64?
        package var memoryReservationBytes: Int64?
        /// Billionths of a CPU (`--cpus`).
        package var nanoCPUs: Int64?
        package var cpuShares: UInt64?
        package var cpuQuotaMicroseconds: Int64?
        package var cpuPeriodMicroseconds: UInt64?
        package var cpus: String?
        package var memoryNodes: String?
        package var processes: Int64?
        /// From 0 (rather not) to 100, of version 1.
        package var memorySwappiness: Int64?
        /// Nobody is killed for want of memory: who asks for more waits. Of version 1.
        package var disablesMemoryKiller: Bool?
        package var realtimePeriodMicroseconds: Int64?
        package var realtimeRuntimeMicroseconds: Int64?
        /// From 10 to 1000, as against other groups.
        package var blockWeight: Int64?
        package var deviceWeights: [DeviceFigure]?
        /// Bytes and operations in a second.
        package var deviceReadBytes: [DeviceFigure]?
        package var deviceWriteBytes: [DeviceFigure]?
        package var deviceReadOperations: [DeviceFigure]?
        package var deviceWriteOperations: [DeviceFigure]?

        package init() {}
        package var isEmpty: Bool { self == Limits() }

        /// With the other's in their places, as far as it has any.
        package mutating func set(_ other: Limits) {
            memoryBytes = other.memoryBytes ?? memoryBytes
            memoryAndSwapBytes = other.memoryAndSwapBytes ?? memoryAndSwapBytes
            memoryReservationBytes = other.memoryReservationBytes ?? memoryReservationBytes
            nanoCPUs = other.nanoCPUs ?? nanoCPUs
            cpuShares = other.cpuShares ?? cpuShares
            cpuQuotaMicroseconds = other.cpuQuotaMicroseconds ?? cpuQuotaMicroseconds
            cpuPeriodMicroseconds = other.cpuPeriodMicroseconds ?? cpuPeriodMicroseconds
            cpus = other.cpus ?? cpus
            memoryNodes = other.memoryNodes ?? memoryNodes
            processes = other.processes ?? processes
            memorySwappiness = other.memorySwappiness ?? memorySwappiness
            disablesMemoryKiller = other.disablesMemoryKiller ?? disablesMemoryKiller
            realtimePeriodMicroseconds =
                other.realtimePeriodMicroseconds ?? realtimePeriodMicroseconds
            realtimeRuntimeMicroseconds =
                other.realtimeRuntimeMicroseconds ?? realtimeRuntimeMicroseconds
            blockWeight = other.blockWeight ?? blockWeight
            deviceWeights = other.deviceWeights ?? deviceWeights
            deviceReadBytes = other.deviceReadBytes ?? deviceReadBytes
            deviceWriteBytes = other.deviceWriteBytes ?? deviceWriteBytes
            deviceReadOperations = other.deviceReadOperations ?? deviceReadOperations
            deviceWriteOperations = other.deviceWriteOperations ?? deviceWriteOperations
        }
    }

    /// What holds for one block device of the host.
    package struct DeviceFigure: Codable, Hashable, Sendable {
        /// Below `/dev`.
        package var path: String
        package var figure: UInt64

        package init(path: String, figure: UInt64) {
            self.path = path
            self.figure = figure
        }
    }
}

extension ContainerSettings.Limits {
    /// Memory and swap together as they hold: who is given memory alone gets as much swap.
    package var wholeMemoryBytes: Int64? {
        memoryAndSwapBytes ?? memoryBytes.map { $0 > .max / 2 ? .max : $0 * 2 }
    }
}

extension ContainerSettings {
    /// What runs, as a command line.
    package var arguments: [String] { entrypoint + command }

    /// As a JSON document, for people and their tools.
    package func document() throws -> [UInt8] {
        Array(try ContainerCoding.encode(self)) + [UInt8(ascii: "\n")]
    }
}

/// Values of a container's row, and what is said over its socket, as JSON.
package enum ContainerCoding {
    package static func bytes(_ value: some Encodable) throws -> [UInt8] {
        Array(try encode(value))
    }

    /// - Returns: nil for what is no such value.
    package static func value<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) -> Value? {
        try? JSONDecoder().decode(type, from: Data(bytes))  // a stranger's bytes need not be one
    }

    static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }

    /// - Parameter defaults: for the members that an earlier version did not write.
    static func decode<Value: Codable>(_ data: Data, over defaults: Value) throws -> Value {
        // Most rows have them all.
        if let value = try? JSONDecoder().decode(Value.self, from: data) { return value }
        let members = try JSONDecoder().decode([String: Member].self, from: data)
        var merged = try JSONDecoder().decode([String: Member].self, from: encode(defaults))
        merged.merge(members) { _, own in own }
        return try JSONDecoder().decode(Value.self, from: encode(merged))
    }

    /// Any JSON value.
    private enum Member: Codable {
        case null
        case bool(Bool)
        case integer(Int64)
        case number(Double)
        case text(String)
        case list([Member])
        case object([String: Member])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .null
            } else if let value = try? container.decode(Bool.self) {
                self = .bool(value)
            } else if let value = try? container.decode(Int64.self) {
                self = .integer(value)
            } else if let value = try? container.decode(Double.self) {
                self = .number(value)
            } else if let value = try? container.decode(String.self) {
                self = .text(value)
            } else if let value = try? container.decode([Member].self) {
                self = .list(value)
            } else {
                self = .object(try container.decode([String: Member].self))
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .null: try container.encodeNil()
            case .bool(let value): try container.encode(value)
            case .integer(let value): try container.encode(value)
            case .number(let value): try container.encode(value)
            case .text(let value): try container.encode(value)
            case .list(let value): try container.encode(value)
            case .object(let value): try container.encode(value)
            }
        }
    }
}
