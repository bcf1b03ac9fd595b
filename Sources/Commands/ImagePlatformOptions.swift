internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

/// `--platform` of commands that read images: an image is of one, and has to be of this.
struct ImagePlatformOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The platform the image has to be of.", valueName: "os/arch"))
    var platform: [String] = []

    /// The image that is meant, if it is of the platform that was asked for.
    /// - Throws: ``OptionError``, ``EngineError``.
    func image(_ name: String, _ engine: Engine) throws -> ImageRecord {
        let image = try engine.image(name)
        if let last = platform.last {
            let own = try engine.store.config(of: image.id).config.platform
            try LifeOptions.check(own, against: last)
        }
        return image
    }
}
