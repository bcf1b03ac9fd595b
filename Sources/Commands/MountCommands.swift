internal import ArgumentParser
internal import Engine
internal import Foundation

struct MountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount", abstract: "Mount an image as a directory.",
        discussion: """
            A small background process serves the mount until it is taken away by "vitrine umount" \
            (or umount(8)). Without arguments, lists the mounts.

              vitrine mount debian:bookworm /mnt
              vitrine mount --rw app /mnt        changes are thrown away with the mount
              vitrine umount /mnt
            """)
    @OptionGroup var store: StoreOptions
    @Flag(
        name: .customLong("rw"),
        help: "With a writable top, which is thrown away when the mount ends.")
    var writable = false
    @Flag(help: "Serve in this process, until SIGTERM, Ctrl-C or the unmount.")
    var foreground = false
    @Flag(name: .customLong("report-ready"), help: .private) var reportsReady = false
    @Argument(help: "The image.") var image: String?
    @Argument(help: "An existing directory.", completion: .directory) var directory: String?

    func validate() throws {
        if image != nil, directory == nil {
            throw ValidationError("mount needs an image and a directory")
        }
    }

    func run() throws {
        guard let image, let directory else {
            var table = Table(["MOUNT POINT", "SOURCE"])
            for mount in Engine.mounts() { table.append([mount.mountPoint, mount.source]) }
            Terminal.write(table.text)
            return
        }
        let mountPoint = StoreLocation.absolute(directory)
        guard foreground else {
            // The new process says through this one what is wrong with the image.
            var arguments = ["mount", "--foreground", "--report-ready", "--root", store.path]
            if writable { arguments.append("--rw") }
            return try Background.start(arguments + ["--", image, mountPoint])
        }
        try Background.reporting(reportsReady, store) { ready in
            let engine = try store.engine()
            let record = try engine.image(image)
            try engine.serve(
                MountRequest(
                    subject: writable
                        ? .writableImage(record, name: image) : .image(record, name: image),
                    mountPoint: mountPoint),
                ready: ready)
        }
    }
}

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Mount the gallery: every image, cache entry and build.",
        discussion: """
            Serves in the foreground until SIGTERM or Ctrl-C; --detach leaves a background process.

              vitrine serve --detach
              ls /run/vitrine/gallery/images/debian:bookworm/rootfs
              diff -r /run/vitrine/gallery/images/app:{1,2}/rootfs
              vitrine umount /run/vitrine/gallery
            """)
    @OptionGroup var store: StoreOptions
    @Option(
        help: ArgumentHelp(
            "Where to mount (VITRINE_MOUNT; /run/vitrine/gallery for root).",
            valueName: "directory"))
    var mount: String?
    @Flag(name: .shortAndLong, help: "Leave a background process and return.") var detach = false
    @Flag(name: .customLong("report-ready"), help: .private) var reportsReady = false

    func run() throws {
        let mountPoint =
            mount.map(StoreLocation.absolute)
            ?? StoreLocation.gallery(environment: ProcessInfo.processInfo.environment)
        if detach {
            try Background.start(
                ["serve", "--report-ready", "--root", store.path, "--mount", mountPoint])
            Terminal.write("\(mountPoint)\n")
            return
        }
        try Background.reporting(reportsReady, store) { ready in
            try store.engine().serve(
                MountRequest(subject: .gallery, mountPoint: mountPoint),
                ready: {
                    if !reportsReady { Terminal.note("the gallery is at \(mountPoint)") }
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
                try Engine.unmount(directory, lazily: lazy)
            } catch {
                Terminal.note("\(error)")
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
        _ reports: Bool, _ store: StoreOptions,
        _ serve: (_ ready: @escaping () -> Void) throws -> Void
    ) throws {
        guard reports else { return try serve {} }
        var isReady = false
        do {
            try serve {
                isReady = true
                BackgroundMount.report(nil, root: store.path)
            }
        } catch {
            if !isReady { BackgroundMount.report(error, root: store.path) }
            throw error
        }
    }
}
