internal import FileTree
internal import LinuxIO
internal import Store
internal import Synchronization
internal import Views

/// Answers at the socket of a container that is only mounted: it can be committed meanwhile.
final class MountedContainer: Sendable {
    private let engine: Engine
    private let record: ContainerRecord
    private let view: WorkingTree
    /// Held until the tree of a freeze is taken over, which another one would put an end to.
    private let freezing = Mutex(())

    init(_ engine: Engine, _ record: ContainerRecord, _ view: WorkingTree) {
        self.engine = engine
        self.record = record
        self.view = view
    }

    func listen() throws {
        try ControlListener.start(in: engine.store.layout.container(record.id)) { [self] in
            answer($0)
        }
    }

    private func answer(_ connection: ControlConnection) {
        guard let frame = try? connection.receive(), frame.kind == .request,
            let request = frame.decode(ControlRequest.self)
        else { return }
        do {
            guard case .freeze(_, let hashesLayer) = request else {
                throw EngineError(
                    .failed, "container \"\(record.name)\" is mounted, and does not run")
            }
            try freezing.withLock { _ in
                let lease = try engine.store.lease("commit \(record.name)")
                defer { lease.end() }
                try connection.send(
                    frozen: try engine.freeze(
                        view, of: record, hashesLayer: hashesLayer, lease: lease))
            }
        } catch {
            // Who asked may have gone.
            try? connection.send(.failed(ControlFailure(error)))
        }
    }
}

extension ControlConnection {
    /// Tells a tree, and waits until the other side has taken it over.
    func send(frozen root: FrozenRoot) throws {
        try send(
            .frozen(
                TreeEncoding.encode(
                    attributes: root.tree.attributes, directory: root.tree.directory),
                layer: root.layer))
        while try receive() != nil {}
    }
}
