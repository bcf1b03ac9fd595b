internal import ArgumentParser
internal import Engine
internal import Foundation
internal import ImageSpec
internal import Store

struct MountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount", abstract: "Mount an image or a container as a directory.",
        discussion: """
            A small background process serves the mount until it is taken away by "vitrine umount" \
            (or umount(8)). Without arguments, lists the mounts.

            A container's name or ID mounts its root file system, writable: what is changed there \
            stays, whatever happens to the process, and after a power cut what was fsynced does. \
            Where a container and an image have one name the container is meant.

            IMAGE is one of the store, or docker-archive:FILE[:NAME], oci-archive:FILE[:NAME], \
            oci:DIRECTORY[:NAME], or dir:DIRECTORY (a directory of the host as it is now). What is \
            not in the store is read into it for as long as the mount lasts.

              vitrine mount debian:bookworm /mnt
              vitrine mount docker-archive:app.tar /mnt
              vitrine mount --rw app /mnt        changes are thrown away with the mount
              vitrine mount brave_hopper /mnt    a container's changes stay
              vitrine umount /mnt
            """)
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions
    @Flag(
        name: .customLong("rw"),
        help: "An image with a writable top, which is thrown away when the mount ends.")
    var writable = false
    @Flag(help: "Serve in this process, until SIGTERM, Ctrl-C or the unmount.")
    var foreground = false
    @Flag(name: .customLong("report-ready"), help: .private) var reportsReady = false
    @Argument(help: "The image or container.") var image: String?
    @Argument(help: "An existing directory.", completion: .directory) var directory: String?

    func validate() throws {
        if image != nil, directory == nil {
            throw ValidationError("mount needs an image or a container, and a directory")
        }
        if image != nil, output.isForPrograms {
            throw ValidationError("--json and --format are for the list of mounts")
        }
    }

    func run() throws {
        guard let image, let directory else { return try list() }
        let source = try ImageSource(image)
        let mountPoint = try StoreLocation.absolute(directory)
        guard foreground else {
            // The new process says through this one what is wrong with the image.
            var arguments = ["mount", "--foreground", "--report-ready", "--root", try store.path()]
            if writable { arguments.append("--rw") }
            return try Background.start(arguments + ["--", source.text, mountPoint])
        }
        try Background.reporting(reportsReady, try store.path()) { ready in
            let engine = try store.engine(source.isForeign ? .made : .existing)
            let meter = ArchiveMeter("reading")
            defer { meter.finish() }
            try engine.serve(
                MountRequest(
                    subject: try subject(source, engine),
                    mountPoint: mountPoint, access: .everyoneIfAllowed),
                progress: { meter.show($0) },
                ready: {
                    meter.finish()
                    ready()
                })
        }
    }

    private func subject(
        _ source: ImageSource, _ engine: Engine
    ) throws -> MountRequest.Subject {
        let image = writable ? MountRequest.Subject.writableImage(source) : .image(source)
        guard case .stored(let name) = source,
            let container = try engine.containerMeant(by: name)
        else { return image }
        return .container(container)
    }

    private func list() throws {
        try output.print(
            Engine.mounts().map { mount in
                Row([
                    ("MountPoint", .string(mount.mountPoint)), ("Source", .string(mount.source)),
                ])
            }, fields: [Field("MountPoint", "MOUNT POINT"), Field("Source", "SOURCE")])
    }
}

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Mount the gallery: every image, cache entry and build.",
        discussion: """
            Serves in the foreground until SIGTERM or Ctrl-C; --detach leaves a background process. \
            The gallery shows build arguments and environments, so only its owner may enter it, \
            unless --allow-other opens it to every user of the host.

              vitrine serve --detach
              ls /run/vitrine/gallery/images/debian:bookworm/rootfs
              diff -r /run/vitrine/gallery/images/app:{1,2}/rootfs
              vitrine umount /run/vitrine/gallery
            """)
    @OptionGroup var store: StoreOptions
    @Option(
        help: ArgumentHelp(
            "Where to mount (VITRINE_MOUNT; /run/vitrine/gallery for root).",
            valueName: "directory"), completion: .directory)
    var mount: String?
    @Flag(name: .customLong("allow-other"), help: "Let every user of the host look in.")
    var allowOther = false
    @Flag(name: .shortAndLong, help: "Leave a background process and return.") var detach = false
    @Flag(name: .customLong("report-ready"), help: .private) var reportsReady = false

    func validate() throws {
        if mount == "" { throw ValidationError("--mount needs a directory") }
    }

    func run() throws {
        let mountPoint =
            try mount.map { try StoreLocation.absolute($0) }
            ?? StoreLocation.gallery(environment: ProcessInfo.processInfo.environment)
        if detach {
            var arguments = ["serve", "--report-ready", "--root", try store.path()]
            if allowOther { arguments.append("--allow-other") }
            try Background.start(arguments + ["--mount", mountPoint])
            Terminal.write("\(mountPoint.visible)\n")
            return
        }
        try Background.reporting(reportsReady, try store.path()) { ready in
            try store.engine().serve(
                MountRequest(
                    subject: .gallery, mountPoint: mountPoint,
                    access: allowOther ? .everyone : .ownerOnly),
                ready: {
                    if !reportsReady { Terminal.note("the gallery is at \(mountPoint.visible)") }
                    ready()
                })
        }
    }
}

struct UmountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "umount", abstract: "Take a mount away.",
        discussion: """
            Says who uses it when it is busy.

              vitrine umount /mnt
              vitrine umount --lazy /mnt     it ends with its last user
            """)
    @Flag(name: [.customLong("lazy"), .customShort("l")], help: "Also when it is in use.")
    var lazy = false
    @Argument(help: "Mount points.", completion: .directory) var directories: [String]

    func run() throws {
        var failed = false
        for directory in directories {
            do {
                try Engine.unmount(directory, lazily: lazy) { delay in
                    Terminal.note("\(directory) is unmounted; \(delay)")
                }
            } catch {
                Terminal.failure(error)
                failed = true
            }
        }
        if failed { throw ExitCode(1) }
    }
}

/// The two sides of a mount that a background process serves.
enum Background {
    static func start(_ arguments: [String]) throws {
        try BackgroundMount.start(
            arguments: arguments,
            environment: ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" })
    }

    /// Runs `serve`, and tells the process that waits, if one does, how its start went.
    static func reporting(
        _ reports: Bool, _ root: String,
        _ serve: (_ ready: @escaping () -> Void) throws -> Void
    ) throws {
        guard reports else { return try serve {} }
        var isReady = false
        do {
            try serve {
                isReady = true
                BackgroundMount.report(nil, root: root)
            }
        } catch {
            guard !isReady else { throw error }
            // The waiting process says it.
            BackgroundMount.report(error, root: root)
            throw ExitCode.failure
        }
    }
}
