internal import ArgumentParser
internal import Store

/// How much of the host's disks a container may use.
struct DiskOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Its weight for one disk, from 10 to 1000.", valueName: "path:weight"))
    var blkioWeightDevice: [String] = []
    @Option(
        help: ArgumentHelp("Bytes read from a device in a second.", valueName: "path:size"))
    var deviceReadBps: [String] = []
    @Option(
        help: ArgumentHelp("Bytes written to a device in a second.", valueName: "path:size"))
    var deviceWriteBps: [String] = []
    @Option(help: ArgumentHelp("Reads from a device in a second.", valueName: "path:number"))
    var deviceReadIops: [String] = []
    @Option(help: ArgumentHelp("Writes to a device in a second.", valueName: "path:number"))
    var deviceWriteIops: [String] = []

    func apply(to settings: inout ContainerSettings) throws {
        settings.limits.deviceWeights = try figures(
            blkioWeightDevice, "--blkio-weight-device", .weight)
        settings.limits.deviceReadBytes = try figures(deviceReadBps, "--device-read-bps", .bytes)
        settings.limits.deviceWriteBytes = try figures(deviceWriteBps, "--device-write-bps", .bytes)
        settings.limits.deviceReadOperations = try figures(
            deviceReadIops, "--device-read-iops", .operations)
        settings.limits.deviceWriteOperations = try figures(
            deviceWriteIops, "--device-write-iops", .operations)
    }

    private func figures(
        _ texts: [String], _ option: String, _ kind: DeviceFigureOption.Kind
    ) throws -> [ContainerSettings.DeviceFigure]? {
        texts.isEmpty
            ? nil
            : try texts.map { try DeviceFigureOption(parsing: $0, of: option, kind).figure }
    }
}
