internal import ArgumentParser
internal import Dockerfile
internal import Engine
internal import Store

/// What a container sees of files and devices.
struct FileOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Show a directory of the host or a volume.",
            valueName: "[path|name:]target[:options]"), completion: .file())
    var volume: [String] = []
    @Option(
        help: ArgumentHelp(
            "The same in words.", valueName: "type=bind|volume|tmpfs,source=…,target=…"))
    var mount: [String] = []
    @Option(help: ArgumentHelp("A directory in memory.", valueName: "target[:options]"))
    var tmpfs: [String] = []
    @Option(help: ArgumentHelp("The mounts of another container.", valueName: "container[:ro|rw]"))
    var volumesFrom: [String] = []
    @Option(help: ArgumentHelp("The driver of volumes.", valueName: "local"))
    var volumeDriver: String?
    @Flag(help: "The root file system is read-only.") var readOnly = false
    @Option(
        help: ArgumentHelp("A device of the host.", valueName: "path[:target][:rwm]"),
        completion: .file())
    var device: [String] = []
    @Option(help: ArgumentHelp("The size of /dev/shm (64m).", valueName: "size"))
    var shmSize: String?

    func apply(
        to settings: inout ContainerSettings, _ surroundings: OptionSurroundings,
        _ engine: Engine
    ) throws {
        var mounts: [ContainerSettings.ContainerMount] = []
        for text in volume {
            mounts.append(
                try VolumeOption(parsing: text, absolute: surroundings.absolute).mount)
        }
        for text in mount {
            mounts.append(try MountOption(parsing: text, absolute: surroundings.absolute).mount)
        }
        for text in tmpfs { mounts.append(try MemoryMountOption(parsing: text).mount) }
        var targets: Set<String> = []
        for mount in mounts where !targets.insert(mount.target).inserted {
            throw OptionError(
                "--volume", mount.target, "Duplicate mount point: \(mount.target)",
                hint: "one target shows one thing")
        }
        for text in volumesFrom {
            // What is asked for by itself goes before what another has there.
            for mount in try others(text, engine) where targets.insert(mount.target).inserted {
                mounts.append(mount)
            }
        }
        settings.mounts = mounts
        if let volumeDriver {
            guard volumeDriver.isEmpty || volumeDriver == "local" else {
                throw OptionError(
                    "--volume-driver", volumeDriver,
                    "error looking up volume plugin \(volumeDriver): plugin \"\(volumeDriver)\" "
                        + "not found", hint: "volumes are directories of the host: there is local")
            }
            settings.volumeDriver = volumeDriver
        }
        settings.isRootReadOnly = readOnly
        settings.devices = try device.map { try DeviceOption(parsing: $0).device }
        if let shmSize {
            guard let bytes = ByteSize.parse(shmSize), bytes >= 0 else {
                throw OptionError(
                    "--shm-size", shmSize, "invalid size: '\(shmSize)'", hint: "write 64m or 1g")
            }
            // As in Docker, none is the standard size.
            if bytes > 0 { settings.sharedMemoryBytes = bytes }
        }
    }

    private func others(
        _ text: String, _ engine: Engine
    ) throws -> [ContainerSettings.ContainerMount] {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let modes: Set = ["ro", "rw", "z", "Z"]
        let words = parts.dropFirst().first?.split(separator: ",").map(String.init) ?? []
        guard parts.count <= 2, !parts[0].isEmpty, modes.isSuperset(of: words) else {
            throw OptionError(
                "--volumes-from", text, "invalid volumes-from specification",
                hint: "write NAME, NAME:ro or NAME:rw")
        }
        return try engine.container(parts[0]).settings.mounts.compactMap { mount in
            if case .memory = mount.source { return nil }
            var mount = mount
            if words.contains("ro") { mount.isReadOnly = true }
            // It belongs to the other one, which takes it away when it goes.
            if case .volume(let name, _) = mount.source {
                mount.source = .volume(name: name, isAnonymous: false)
            }
            return mount
        }
    }
}
