internal import LinuxIO
internal import Sandbox
internal import Store

/// Whose processes and whose memory segments, queues and semaphores a container sees in one run
/// (`--pid`, `--ipc`).
final class ContainerNamespaces {
    let processes: ContainerRequest.NamespaceOrigin
    let interprocess: ContainerRequest.NamespaceOrigin
    let sharedMemory: ContainerRequest.SharedMemory
    private let mount: SharedMemoryMount?

    private static let hostMemory = "/dev/shm"

    /// - Throws: ``EngineError`` for containers that cannot be joined.
    init(_ engine: Engine, _ settings: ContainerSettings, lease: Lease) throws {
        processes =
            switch settings.processes {
            case .own: .own
            case .host: .host
            case .container(let id):
                .joined(path: try engine.runningContainer(id, toJoinIts: .processes).path)
            }
        let size = settings.sharedMemoryBytes ?? ContainerRequest.SharedMemory.standardBytes
        switch settings.interprocess {
        case .own: (interprocess, sharedMemory, mount) = (.own, .own(sizeBytes: size), nil)
        case .none: (interprocess, sharedMemory, mount) = (.own, .none, nil)
        case .shareable:
            let made = try SharedMemoryMount(sizeBytes: size, in: lease)
            (interprocess, sharedMemory, mount) = (.own, .host(path: made.path), made)
        case .host:
            // A host need not have it.
            let isThere = HostDirectory.exists(Self.hostMemory)
            (interprocess, mount) = (.host, nil)
            sharedMemory = isThere ? .host(path: Self.hostMemory) : .none
        case .container(let id):
            let joined = try engine.runningContainer(id, toJoinIts: .interprocess)
            let made = try SharedMemoryMount(of: joined, in: lease)
            (interprocess, sharedMemory) = (.joined(path: joined.path), .host(path: made.path))
            mount = made
        }
    }

    /// Where others find its `/dev/shm`, if they may join; else empty.
    var joinableMemory: String {
        if case .host(let path) = sharedMemory { path } else { "" }
    }

    /// Who has joined keeps what they share.
    func end() { mount?.end() }
}

/// A kind of namespace that containers can have together, as `/proc/PID/ns` names it.
enum JoinableNamespace: String {
    case network = "net"
    case processes = "pid"
    case interprocess = "ipc"

    /// Docker's word for it.
    fileprivate var title: String {
        switch self {
        case .network: "network"
        case .processes: "PID"
        case .interprocess: "IPC"
        }
    }
}

/// A container that another one joins.
struct JoinedContainer {
    let record: ContainerRecord
    let state: ContainerState
    fileprivate let namespace: JoinableNamespace

    /// Leads to the namespace.
    var path: String { "/proc/\(state.processID)/ns/\(namespace.rawValue)" }

    func refusal(_ reason: String, hint: String) -> EngineError {
        EngineError(
            .failed, "can not join \(namespace.title) of container \"\(record.name)\": \(reason)",
            hint: hint)
    }
}

extension Engine {
    /// Each runs before who joins it, so that there is no circle; more would be a damaged store.
    private static let maximumJoins = 64

    /// The container whose network a container has: the one that it joins, or that one joins in turn;
    /// itself if it joins none.
    func networkOwner(_ record: ContainerRecord) throws -> ContainerRecord {
        var owner = record
        for _ in 0..<Self.maximumJoins {
            guard case .container(let id) = owner.settings.network,
                let next = try findContainer(id)
            else { break }
            owner = next
        }
        return owner
    }

    /// - Throws: ``EngineError`` for one that is gone or does not run.
    func runningContainer(
        _ id: String, toJoinIts namespace: JoinableNamespace
    ) throws -> JoinedContainer {
        guard let record = try findContainer(id) else {
            throw EngineError(
                .notFound,
                "can not join \(namespace.title) of container \(id.prefix(12)): it was removed",
                hint: "make this container anew, with another one to join")
        }
        let joined = JoinedContainer(
            record: record, state: store.currentState(of: record), namespace: namespace)
        guard joined.state.status != .restarting else {
            throw joined.refusal("it is restarting", hint: "wait until it is running")
        }
        guard joined.state.isRunning, joined.state.processID > 0 else {
            throw joined.refusal(
                "it is not running", hint: "\"vitrine start \(record.name)\" starts it")
        }
        return joined
    }
}
