internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

/// What `create` and `run` ask of a container, by topic.
struct ContainerOptions: ParsableArguments {
    @OptionGroup(title: "What runs") var process: ProcessOptions
    @OptionGroup(title: "Files") var files: FileOptions
    @OptionGroup(title: "Network") var network: NetworkOptions
    @OptionGroup(title: "Limits") var limits: LimitOptions
    @OptionGroup(title: "Disks") var disks: DiskOptions
    @OptionGroup(title: "Control groups") var groups: GroupOptions
    @OptionGroup(title: "Privileges") var security: SecurityOptions
    @OptionGroup(title: "Health") var health: HealthOptions
    @OptionGroup(title: "The container") var life: LifeOptions
    @OptionGroup var foreign: ForeignOptions

    /// The image's settings with these set in their places.
    /// - Parameters:
    ///   - config: the image's.
    ///   - arguments: what stands after the image's name.
    ///   - engine: finds other containers that are named.
    /// - Throws: ``OptionError``, ``EngineError``.
    func settings(
        over config: ContainerConfig, arguments: [String], surroundings: OptionSurroundings,
        engine: Engine
    ) throws -> ContainerSettings {
        try foreign.check()
        var settings = ContainerSettings(image: config)
        try process.apply(to: &settings, arguments, surroundings)
        try files.apply(to: &settings, surroundings, engine)
        try network.apply(to: &settings, engine, surroundings)
        try limits.apply(to: &settings, note: surroundings.note)
        try disks.apply(to: &settings)
        try groups.apply(to: &settings, note: surroundings.note)
        try security.apply(to: &settings, engine, surroundings)
        try health.apply(to: &settings)
        try life.apply(to: &settings, surroundings)
        settings.addVolumes(of: config, newName: AnonymousVolume.newName)
        try KernelParameter.check(settings)
        return settings
    }

    /// Sees to it that the image may be used as the options say.
    /// - Throws: ``OptionError``.
    func check(platform: Platform) throws { try life.check(platform: platform) }
}
