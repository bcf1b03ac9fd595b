internal import FileTree
internal import FuseDriver
internal import ImageSpec
internal import LinuxIO
internal import Store
internal import Synchronization
internal import Views
internal import VirtualFS

/// A root that is mounted for a copy alone, in the work directory of a lease of its own: that of a
/// container that does not run, with its volumes and bind mounts, or an image's.
///
/// What a killed process leaves of it goes with the lease.
final class PrivateRoot: CopyRoot {
    private let engine: Engine
    private let lease: Lease
    private let session: FuseSession
    let record: ContainerRecord?
    private let name: String
    private let root: Mutex<Root>

    private struct Root: ~Copyable, Sendable {
        /// Nil once ended.
        var descriptor: OwnedDescriptor?
    }

    private init(
        _ engine: Engine, _ fileSystem: any FileSystem, _ lease: Lease, record: ContainerRecord?,
        name: String
    ) throws {
        let mountPoint = lease.newWorkPath("root")
        try HostDirectory.make(mountPoint, permissions: 0o700)
        var options = MountOptions(source: MountSource.step.text)
        options.isReadOnly = record == nil
        // Nothing runs here, so that nothing of it takes effect.
        options.access = .ownerOnly
        options.allowsExecution = false
        session = try FuseSession.mount(fileSystem, at: mountPoint, options: options)
        self.engine = engine
        self.lease = lease
        self.record = record
        self.name = name
        do {
            root = Mutex(
                Root(
                    descriptor: try OwnedDescriptor(opening: mountPoint, [.readOnly, .directory])))
        } catch {
            // The first error is the one to tell; the rest goes with the lease.
            try? session.unmount(lazily: true)
            throw error
        }
    }

    /// An image, which cannot be written to.
    static func image(_ image: ImageRecord, name: String, of engine: Engine) throws -> PrivateRoot {
        let lease = try engine.store.readingLease("cp from \(name)")
        do {
            let tree = try engine.store.tree(of: image)
            try lease.hold(tree)
            let view = try GlassView(.tree(tree), store: engine.store)
            return try PrivateRoot(engine, view, lease, record: nil, name: name)
        } catch {
            lease.end()
            throw error
        }
    }

    /// A container that this process has taken for itself.
    static func container(_ container: OpenContainer, of engine: Engine) throws -> PrivateRoot {
        let record = container.record
        let lease = try engine.store.lease("cp with \(record.name)")
        do {
            let view = try WorkingTree(container: container, store: engine.store, lease: lease)
            let shown = try engine.shownMounts(of: record)
            try view.showMountTargets(
                shown.map {
                    Views.MountTarget(path: $0.target, kind: $0.isFile ? .file : .directory)
                })
            let root = try PrivateRoot(engine, view, lease, record: record, name: record.name)
            do {
                try root.bind(shown)
            } catch {
                try? root.end()  // the first error is the one to tell
                throw error
            }
            return root
        } catch {
            lease.end()
            throw error
        }
    }

    /// Shows volumes and directories of the host at their targets, which are looked up inside the
    /// root. Where mounting is not permitted they stay away.
    private func bind(_ mounts: [Engine.ShownMount]) throws {
        for mount in mounts {
            let target = [UInt8(ascii: "/")] + mount.target.bytes
            do throws(Errno) {
                let place = try open(target, .pathOnly)
                try BindMount.make(mount.source.rawValue, over: place.rawValue)
                if mount.isReadOnly {
                    let shown = try open(target, .pathOnly)
                    try BindMount.makeReadOnly(shown.rawValue)
                }
            } catch .notPermitted {
                // Without the right to mount, what is there is not shown.
                continue
            } catch {
                throw EngineError(
                    .failed,
                    "could not show what is mounted at \(mount.target) of \(name): \(error)")
            }
        }
    }

    var container: String? { name }

    func open(_ path: [UInt8], _ mode: OwnedDescriptor.Mode) throws(Errno) -> OwnedDescriptor {
        guard let descriptor = number else { throw .notConnected }
        return try OwnedDescriptor(opening: path, inRoot: descriptor, mode)
    }

    /// Of the descriptor: who copies is the one who ends it.
    private var number: Int32? { root.withLock { $0.descriptor?.rawValue } }

    func describe(_ path: String) -> String { "\(name):\(path)" }

    func checkWritable(_ directory: Int32) throws {
        guard let record, let descriptor = number else { return }
        try checkWritable(
            directory, root: descriptor, isRootReadOnly: record.settings.isRootReadOnly)
    }

    /// A container's changes are durable when it returns.
    func end() throws {
        let wasOpen = root.withLock { root in
            defer { root.descriptor = nil }
            return root.descriptor != nil
        }
        guard wasOpen else { return }
        defer { lease.end() }
        try engine.endMounts(below: session.mountPoint + [UInt8(ascii: "/")])
        session.stop()
        session.wait()
    }

    /// Takes the mounts out of sight while somebody still uses them.
    func abandon() {
        // The process is about to end; what stays goes with the lease.
        try? engine.endMounts(below: session.mountPoint + [UInt8(ascii: "/")])
        try? session.unmount(lazily: true)
    }
}

extension Engine {
    /// A volume or a path of the host that a container has, opened.
    final class ShownMount {
        let source: OwnedDescriptor
        let target: TreePath
        let isReadOnly: Bool
        let isFile: Bool

        init(
            _ source: consuming OwnedDescriptor, target: TreePath, isReadOnly: Bool
        ) throws(Errno) {
            isFile = try FileStatus(of: source.rawValue).kind != .directory
            self.source = source
            self.target = target
            self.isReadOnly = isReadOnly
        }
    }

    /// The mounts of a container that are there while it does not run: its volumes, filled as when
    /// it starts, and its bind mounts. Those further up come first.
    func shownMounts(of record: ContainerRecord) throws -> [ShownMount] {
        var shown: [ShownMount] = []
        for mount in record.settings.mounts {
            let target = try TreePath(cleaning: Array(mount.target.utf8))
            let path: String
            switch mount.source {
            case .volume(let name, let isAnonymous):
                _ = try store.makeVolume(name: name, isAnonymous: isAnonymous)
                let tree = try mount.isFilled ? imageTree(of: record) : nil
                try fillVolume(name, from: tree, at: target)
                path = store.layout.volumeData(name)
            case .bind(let host, _): path = host
            case .memory: continue
            }
            do throws(Errno) {
                shown.append(
                    try ShownMount(
                        try OwnedDescriptor(opening: path, .pathOnly), target: target,
                        isReadOnly: mount.isReadOnly))
            } catch .notFound {
                continue  // made when the container starts, or missed then
            } catch {
                throw EngineError(
                    .failed,
                    "could not open \(path.visible), which \(record.name) has at "
                        + "\(mount.target): \(error)")
            }
        }
        return shown.sorted { $0.target.names.count < $1.target.names.count }
    }

    /// What a container was made from; nil if the image is gone.
    private func imageTree(of record: ContainerRecord) throws -> Tree? {
        try store.image(record.image).map { try store.tree(of: $0) }
    }
}
