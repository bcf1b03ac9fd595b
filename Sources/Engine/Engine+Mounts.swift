package import FuseDriver
internal import Glibc
internal import ImageSpec
package import Layers
internal import LinuxIO
package import Store
internal import Views
internal import VirtualFS

/// What `mount` and `serve` show, and where.
package struct MountRequest: Sendable {
    package enum Subject: Sendable {
        case image(ImageSource)
        /// With a writable top that is thrown away when the mount ends.
        case writableImage(ImageSource)
        /// A container's root file system, whose changes stay.
        case container(ContainerRecord)
        case gallery

        fileprivate var isWritable: Bool {
            if case .writableImage = self { return true }
            return false
        }
    }
    package var subject: Subject
    /// Made if it is missing and the subject is the gallery.
    package var mountPoint: String
    package var access: Access

    /// Who may enter besides the user who mounts.
    package enum Access: Sendable {
        case ownerOnly
        /// Everyone, where that is allowed (root, or `user_allow_other` in /etc/fuse.conf).
        case everyoneIfAllowed
        case everyone
    }

    package init(subject: Subject, mountPoint: String, access: Access) {
        self.subject = subject
        self.mountPoint = mountPoint
        self.access = access
    }

    fileprivate var mountAccess: MountOptions.Access {
        switch access {
        case .ownerOnly: .ownerOnly
        case .everyoneIfAllowed: .everyoneIfAllowed
        case .everyone: .everyone
        }
    }
}

/// A mount of ours.
package struct MountedView: Sendable {
    package var mountPoint: String
    package var source: String
}

extension Engine {
    /// Mounts, calls `ready`, and serves until the mount is taken away or the process is asked to
    /// end. Blocks the thread.
    /// - Parameter progress: of reading what is not in the store.
    /// - Throws: ``FuseError`` when it cannot be mounted.
    package func serve(
        _ request: MountRequest, progress: ((ArchiveProgress) -> Void)? = nil, ready: () -> Void
    ) throws {
        // A gallery is there for long, and often the first after a boot. "gc" tells of failures.
        if case .gallery = request.subject {
            try refuseServedGallery(request.mountPoint)
            _ = try? store.removeDeadLeases(ending: endRemains)
        }
        let lease =
            try request.subject.isWritable
            ? store.lease("mount \(request.mountPoint)")
            : store.readingLease("mount \(request.mountPoint)")
        defer { lease.end() }
        var options: MountOptions
        let fileSystem: any FileSystem
        switch request.subject {
        case .image(let source):
            let shown = try open(source, lease: lease, progress: progress)
            options = MountOptions(source: shown.source.text)
            options.isReadOnly = true
            fileSystem = try GlassView(.tree(shown.tree), store: store)
        case .writableImage(let source):
            let shown = try open(source, lease: lease, progress: progress)
            options = MountOptions(source: MountSource(foreign: source.text).text)
            fileSystem = try WorkingTree(
                base: shown.tree, store: store, lease: lease, mountTargets: [])
        case .container(let record):
            let container = try open(record)
            container.note(mountPoint: try StoreLocation.mountPoint(request.mountPoint))
            options = MountOptions(source: MountSource(foreign: record.name).text)
            let view = try WorkingTree(container: container, store: store, lease: lease)
            // What is mounted when it runs is not here; "cp" shows it there for itself.
            try view.showMountTargets(shownTargets(of: record))
            try MountedContainer(self, record, view).listen()
            fileSystem = view
        case .gallery:
            try makeMountPoint(request.mountPoint)
            let context = GalleryContext(store: store) { [self] record in
                try inspect(record).encoded(indent: 4)
            }
            options = MountOptions(source: MountSource.gallery.text)
            options.isReadOnly = true
            fileSystem = try GlassView(
                .directory(GalleryRoot(context)), store: store, source: context.changes,
                drafts: context.drafts)
        }
        options.access = request.mountAccess
        // Listens before there is a mount, so that no signal leaves one without its server.
        let stopping = StopRequest()
        let listener = SignalListener { _ in stopping.stop() }
        let session = try FuseSession.mount(fileSystem, at: request.mountPoint, options: options)
        stopping.follow(session)
        ready()
        session.wait()
        withExtendedLifetime(listener) {}
    }

    private func refuseServedGallery(_ path: String) throws {
        guard let place = try? StoreLocation.mountPoint(path),  // made later
            let mount = MountTable()?.entry(at: Array(place.utf8)),
            mount.source == Array(MountSource.gallery.text.utf8)
        else { return }
        // One whose process died is mounted over.
        if MountPointState(at: Array(place.utf8)) == .stale { return }
        throw EngineError(
            .inUse, "the gallery is already served at \(place.visible)",
            hint: "\"vitrine umount \(place.visible)\" ends that")
    }

    private func makeMountPoint(_ path: String) throws {
        do throws(Errno) {
            try HostDirectory.makeAll(path)
        } catch {
            // A gallery whose process died answers ENOTCONN until it is mounted over.
            if error != .notConnected && error != .exists {
                throw EngineError(
                    .failed, "could not make the mount point \(path.visible): \(error)")
            }
        }
    }

    /// Takes a mount of ours away.
    /// - Parameters:
    ///   - lazily: also when it is in use; it ends with its last user.
    ///   - onDelay: called once, when it has not ended after some seconds.
    /// - Throws: ``FuseError`` `busy` with who uses it; ``EngineError`` for what is not ours.
    package static func unmount(
        _ path: String, lazily: Bool, onDelay: (UnmountDelay) -> Void = { _ in }
    ) throws {
        let place = try StoreLocation.mountPoint(path)
        guard let mount = MountTable()?.entry(at: Array(place.utf8)) else {
            throw EngineError(
                .notFound, "nothing is mounted at \(place.visible)",
                hint: "\"vitrine mount\" without arguments lists the mounts")
        }
        guard mount.type == Array("fuse.vitrine".utf8) else {
            let type = String(decoding: mount.type, as: UTF8.self)
            throw EngineError(
                .invalid,
                "\(place.visible) is a mount of type \(type), not one of vitrine's",
                hint: "use umount(8)")
        }
        try refuseRoot(ofContainerAt: place)
        try FuseSession.unmount(Array(place.utf8), lazily: lazily, onDelay: onDelay)
    }

    /// The store that a container's root file system would be in: `STORE/work/LEASE/rootfs-1`.
    private static func store(ofRoot place: String) -> String? {
        let names = place.split(separator: "/", omittingEmptySubsequences: false)
        guard names.count > 3, names[names.count - 3] == "work",
            names[names.count - 1].hasPrefix("rootfs-")
        else { return nil }
        return names.dropLast(3).joined(separator: "/")
    }

    /// Refuses to take its root file system from a container that runs, whatever its store.
    private static func refuseRoot(ofContainerAt place: String) throws {
        // A store that cannot be read has no container that could be stopped.
        guard let root = store(ofRoot: place), let engine = try? Engine(root: root, .existing),
            let containers = try? engine.containers()
        else { return }
        for container in containers where container.state.isRunning {
            guard let mountPoint = container.holder?.mountPoint,
                StoreLocation.place(of: mountPoint) == place
            else { continue }
            let name = container.record.name
            throw EngineError(
                .inUse, "container \"\(name)\" runs on \(place.visible)",
                hint: "\"vitrine stop \(name)\" ends it, and the mount with it")
        }
    }

    /// The mounts of ours that this process can see, without those that builds work in.
    package static func mounts() -> [MountedView] {
        (MountTable()?.entries ?? []).filter { $0.type == Array("fuse.vitrine".utf8) }.map {
            MountedView(
                mountPoint: String(decoding: $0.mountPoint, as: UTF8.self),
                source: String(decoding: $0.source, as: UTF8.self))
        }.filter { $0.source != MountSource.step.text }
    }
}
