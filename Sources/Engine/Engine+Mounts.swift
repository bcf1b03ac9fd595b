package import FuseDriver
internal import Glibc
internal import ImageSpec
internal import LinuxIO
package import Store
internal import Views
internal import VirtualFS

/// What `mount` and `serve` show, and where.
package struct MountRequest: Sendable {
    package enum Subject: Sendable {
        case image(ImageRecord, name: String)
        /// With a writable top that is thrown away when the mount ends.
        case writableImage(ImageRecord, name: String)
        case gallery
    }
    package var subject: Subject
    /// Made if it is missing and the subject is the gallery.
    package var mountPoint: String
    package var access: MountOptions.Access

    package init(
        subject: Subject, mountPoint: String, access: MountOptions.Access = .everyoneIfAllowed
    ) {
        self.subject = subject
        self.mountPoint = mountPoint
        self.access = access
    }
}

extension Engine {
    /// Mounts, calls `ready`, and serves until the mount is taken away or the process is asked to
    /// end. Blocks the thread.
    /// - Throws: ``FuseError`` when it cannot be mounted.
    package func serve(_ request: MountRequest, ready: () -> Void) throws {
        // A gallery is there for long, and often the first after a boot. "gc" tells of failures.
        if case .gallery = request.subject {
            _ = try? store.removeDeadLeases(ending: endRemains)
        }
        let lease = try store.lease("mount \(request.mountPoint)")
        defer { lease.end() }
        var options: MountOptions
        let fileSystem: any FileSystem
        switch request.subject {
        case .image(let image, let name):
            let tree = try store.tree(of: image)
            try lease.hold(tree)
            options = MountOptions(source: MountSource(image: image.id, name: name).text)
            options.isReadOnly = true
            fileSystem = try GlassView(.tree(tree), store: store)
        case .writableImage(let image, let name):
            let tree = try store.tree(of: image)
            try lease.hold(tree)
            options = MountOptions(source: "vitrine:\(name)")
            fileSystem = try WorkingTree(
                base: tree, store: store, lease: lease, mountTargets: [])
        case .gallery:
            try makeMountPoint(request.mountPoint)
            let context = GalleryContext(store: store)
            options = MountOptions(source: MountSource.gallery.text)
            options.isReadOnly = true
            fileSystem = try GlassView(
                .directory(GalleryRoot(context)), store: store, source: context.changes)
        }
        options.access = request.access
        // Listens before there is a mount, so that no signal leaves one without its server.
        let stopping = StopRequest()
        let listener = SignalListener { _ in stopping.stop() }
        let session = try FuseSession.mount(fileSystem, at: request.mountPoint, options: options)
        stopping.follow(session)
        ready()
        session.wait()
        withExtendedLifetime(listener) {}
    }

    private func makeMountPoint(_ path: String) throws {
        do throws(Errno) {
            try HostDirectory.makeAll(path)
        } catch {
            // A gallery whose process died answers ENOTCONN until it is mounted over.
            if error != .notConnected && error != .exists {
                throw EngineError(.failed, "could not make the mount point \(path): \(error)")
            }
        }
    }

    /// Takes a mount of ours away.
    /// - Parameter lazily: also when it is in use; it ends with its last user.
    /// - Throws: ``FuseError`` `busy` with who uses it; ``EngineError`` for what is not ours.
    package static func unmount(_ path: String, lazily: Bool) throws {
        let absolute = StoreLocation.absolute(path)
        guard let mount = MountTable()?.entry(at: Array(absolute.utf8)) else {
            throw EngineError(
                .notFound, "nothing is mounted at \(absolute)",
                hint: "\"vitrine mount\" without arguments lists the mounts")
        }
        guard mount.type == Array("fuse.vitrine".utf8) else {
            throw EngineError(
                .invalid,
                "\(absolute) is a mount of type \(String(decoding: mount.type, as: UTF8.self)), not one of vitrine's",
                hint: "use umount(8)")
        }
        try FuseSession.unmount(Array(absolute.utf8), lazily: lazily)
    }

    /// The mounts of ours that this process can see.
    package static func mounts() -> [(mountPoint: String, source: String)] {
        (MountTable()?.entries ?? []).filter { $0.type == Array("fuse.vitrine".utf8) }.map {
            (
                String(decoding: $0.mountPoint, as: UTF8.self),
                String(decoding: $0.source, as: UTF8.self)
            )
        }
    }
}
