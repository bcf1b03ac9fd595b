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
/// Of a container that `vitrine mount` shows somewhere it is that mount, shown here as well.
///
/// What a killed process leaves of it goes with the lease.
final class PrivateRoot: CopyRoot {
    private let engine: Engine
    private let lease: Lease
    /// Nil if another process serves it.
    private let session: FuseSession?
    /// Resolved.
    private let mountPoint: [UInt8]
    let record: ContainerRecord?
    private let name: String
    private let root: Mutex<Root>

    private struct Root: ~Copyable, Sendable {
        /// Nil once ended.
        var descriptor: OwnedDescriptor?
    }

    /// - Parameter mountPoint: where the descriptor was opened.
    private init(
        _ engine: Engine, _ lease: Lease, _ session: FuseSession?, at mountPoint: [UInt8],
        _ descriptor: consuming OwnedDescriptor, record: ContainerRecord?, name: String
    ) {
        self.engine = engine
        self.lease = lease
        self.session = session
        self.mountPoint = mountPoint
        self.record = record
        self.name = name
        root = Mutex(Root(descriptor: descriptor))
    }

    private static func serving(
        _ fileSystem: any FileSystem, _ lease: Lease, record: ContainerRecord?, name: String,
        of engine: Engine
    ) throws -> PrivateRoot {
        let place = try place(in: lease)
        var options = MountOptions(source: MountSource.step.text)
        options.isReadOnly = record == nil
        // Nothing runs here, so that nothing of it takes effect.
        options.access = .ownerOnly
        options.allowsExecution = false
        var session: FuseSession?
        do {
            let mounted = try FuseSession.mount(fileSystem, at: place, options: options)
            session = mounted
            return PrivateRoot(
                engine, lease, session, at: mounted.mountPoint,
                try OwnedDescriptor(opening: place, [.readOnly, .directory]), record: record,
                name: name)
        } catch {
            // The first error is the one to tell; the rest goes with the lease.
            try? session?.unmount(lazily: true)
            removePlace(Array(place.utf8), lease)
            throw error
        }
    }

    private static func place(in lease: Lease) throws -> String {
        let place =
            lease.hasWorkDirectory
            ? lease.newWorkPath("root") : "/tmp/vitrine-root-\(UInt64.random(in: 0 ... .max))"
        try HostDirectory.make(place, permissions: 0o700)
        return place
    }

    /// That of a store which cannot be written to goes with no lease.
    private static func removePlace(_ place: [UInt8], _ lease: Lease) {
        if lease.hasWorkDirectory { return }
        // An empty directory of /tmp may stay.
        try? HostDirectory.removeEmpty(String(decoding: place, as: UTF8.self))
    }

    /// An image, which cannot be written to.
    static func image(_ image: ImageRecord, name: String, of engine: Engine) throws -> PrivateRoot {
        let lease = try engine.store.readingLease("cp from \(name)")
        do {
            let tree = try engine.store.tree(of: image)
            try lease.hold(tree)
            let view = try GlassView(.tree(tree), store: engine.store)
            return try serving(view, lease, record: nil, name: name, of: engine)
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
            let root = try serving(
                view, lease, record: record, name: record.name, of: engine)
            return try root.showing(shown)
        } catch {
            lease.end()
            throw error
        }
    }

    /// A container that `vitrine mount` shows: there it has no volumes and bind mounts.
    /// - Returns: the root itself, if nothing is missing in it or mounting is not permitted.
    static func container(
        _ record: ContainerRecord, mountedAs root: ContainerRoot, of engine: Engine
    ) throws -> any CopyRoot {
        let shown = try engine.shownMounts(of: record)
        if shown.isEmpty { return root }
        let lease = try engine.store.lease("cp with \(record.name)")
        do {
            let place = try place(in: lease)
            guard try root.show(at: place) else {
                lease.end()
                return root
            }
            let shownRoot = PrivateRoot(
                engine, lease, nil, at: Array(try HostDirectory.realPath(place).utf8),
                try OwnedDescriptor(opening: place, [.readOnly, .directory]), record: record,
                name: record.name)
            return try shownRoot.showing(shown)
        } catch {
            // With what is mounted in it.
            try? engine.endMounts(below: Array(HostDirectory.realPath(lease.workDirectory).utf8))
            lease.end()
            throw error
        }
    }

    /// The root with these mounts in it; without them, it has ended.
    private func showing(_ mounts: [Engine.ShownMount]) throws -> PrivateRoot {
        do {
            try bind(mounts)
            return self
        } catch {
            try? end()  // the first error is the one to tell
            throw error
        }
    }

    /// Shows volumes and directories of the host at their targets, which are looked up inside the
    /// root. Where mounting is not permitted they stay away, and so does one whose place is missing in
    /// another mount that cannot be written to: all else is there for the copy.
    private func bind(_ mounts: [Engine.ShownMount]) throws {
        for mount in mounts {
            let target = [UInt8(ascii: "/")] + mount.target.bytes
            do throws(Errno) {
                guard let place = try place(of: mount, at: target) else { continue }
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

    /// Where a mount is to be shown. What is missing of the place is so inside of another mount, for
    /// the root shows the rest, and is made there as the runtime does it when the container starts.
    /// - Returns: nil where it cannot be made.
    private func place(
        of mount: Engine.ShownMount, at target: [UInt8]
    ) throws(Errno) -> OwnedDescriptor? {
        do throws(Errno) {
            return try open(target, .pathOnly)
        } catch .notFound {}
        guard let root = number else { throw .notConnected }
        do throws(Errno) {
            return try OwnedDescriptor(
                making: mount.isFile ? .file : .directory, at: target, inRoot: root)
        } catch  where error == .readOnly || error == .accessDenied {
            return nil
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
        guard let session else { return try engine.endMounts(below: mountPoint) }
        try engine.endMounts(below: mountPoint + [UInt8(ascii: "/")])
        session.stop()
        session.wait()
        Self.removePlace(mountPoint, lease)
    }

    /// Takes the mounts out of sight while somebody still uses them.
    func abandon() {
        // The process is about to end; what stays goes with the lease.
        try? engine.endMounts(below: mountPoint)
        Self.removePlace(mountPoint, lease)
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

    /// Where these are. A bind mount whose source is missing has no place.
    func shownTargets(of record: ContainerRecord) throws -> [Views.MountTarget] {
        try record.settings.mounts.compactMap { mount in
            let path = try TreePath(cleaning: Array(mount.target.utf8))
            switch mount.source {
            case .memory: return nil
            case .volume: return Views.MountTarget(path: path, kind: .directory)
            case .bind(let host, _):
                guard let status = try? FileStatus(ofPath: host) else { return nil }
                return Views.MountTarget(
                    path: path, kind: status.kind == .directory ? .directory : .file)
            }
        }
    }

    /// What a container was made from; nil if the image is gone.
    private func imageTree(of record: ContainerRecord) throws -> Tree? {
        try store.image(record.image).map { try store.tree(of: $0) }
    }
}
