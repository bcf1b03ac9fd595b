internal import ArgumentParser
internal import Dockerfile
internal import Engine
internal import ImageSpec
internal import Store

/// How a container comes, stays and goes.
struct LifeOptions: ParsableArguments {
    @Flag(name: .customLong("rm"), help: "Remove it, with its anonymous volumes, when it ends.")
    var removes = false
    @Option(
        help: ArgumentHelp(
            "Whether it starts again when it ends.",
            valueName: "no|always|unless-stopped|on-failure[:n]"))
    var restart: String?
    @Option(name: .shortAndLong, help: ArgumentHelp("A label.", valueName: "name=value"))
    var label: [String] = []
    @Option(
        help: ArgumentHelp("The labels of a file's lines.", valueName: "file"),
        completion: .file())
    var labelFile: [String] = []
    @Option(
        help: ArgumentHelp(
            "A line for the OCI runtime and its hooks.", valueName: "name=value"))
    var annotation: [String] = []
    @Option(
        help: ArgumentHelp(
            "The OCI runtime, instead of the one chosen by trial.", valueName: "crun|runc|path"))
    var runtime: String?
    @Flag(name: .shortAndLong, help: "Without effect: nothing is fetched.") var quiet = false
    @Option(
        help: ArgumentHelp("Write its ID to a file.", valueName: "file"), completion: .file())
    var cidfile: String?
    @Option(
        help: ArgumentHelp(
            "Whether the image is fetched; it has to be in the store.",
            valueName: "missing|never"))
    var pull: String?
    @Option(help: ArgumentHelp("The platform the image has to be of.", valueName: "os/arch"))
    var platform: String?
    @Option(help: ArgumentHelp("How its output is kept.", valueName: "none|local|json-file"))
    var logDriver: String?
    @Option(help: ArgumentHelp("Of that.", valueName: "max-size=size")) var logOpt: [String] = []

    private static let logDrivers: Set<String> = ["local", "json-file", "k8s-file", "default"]

    func apply(
        to settings: inout ContainerSettings, _ surroundings: OptionSurroundings
    ) throws {
        if let pull { try check(pull: pull) }
        if let restart, !restart.isEmpty {
            settings.restartPolicy = try RestartOption(parsing: restart).policy
            if removes, settings.restartPolicy.kind != .no {
                throw OptionError(
                    "--restart", restart,
                    "conflicting options: cannot specify both --restart "
                        + "and --rm")
            }
        }
        settings.removesItself = removes
        for file in labelFile {
            let lines = try EnvironmentFile(
                parsing: try surroundings.content(of: file, for: "--label-file"),
                option: "--label-file", name: file
            ).variables
            for line in lines { try add(line, to: &settings) }
        }
        for text in label { try add(text, to: &settings) }
        for text in annotation {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard !parts[0].isEmpty else {
                throw OptionError(
                    "--annotation", text,
                    "invalid Annotations: the empty string is not permitted as an annotation key")
            }
            settings.annotations[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
        }
        if let runtime, !runtime.isEmpty {
            do {
                _ = try RuntimeName.program(runtime)
            } catch {
                throw OptionError("--runtime", runtime, error.message, hint: error.hint)
            }
            settings.runtime = runtime
        }
        try setLog(&settings, surroundings)
    }

    private func check(pull: String) throws {
        switch pull {
        case "", "missing", "never": return
        case "always":
            throw OptionError(
                "--pull", pull, "images are not fetched from registries yet",
                hint: "\"vitrine load\" and \"vitrine import\" bring images in")
        default:
            throw OptionError(
                "--pull", pull, "invalid pull option: '\(pull)'",
                hint: "it is always, missing or never")
        }
    }

    private func add(_ text: String, to settings: inout ContainerSettings) throws {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard !parts[0].isEmpty else {
            throw OptionError("--label", text, "invalid label", hint: "write name=value")
        }
        settings.labels[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
    }

    private func setLog(
        _ settings: inout ContainerSettings, _ surroundings: OptionSurroundings
    ) throws {
        if let logDriver, !logDriver.isEmpty {
            settings.keepsLog = logDriver != "none"
            guard logDriver == "none" || Self.logDrivers.contains(logDriver) else {
                throw OptionError(
                    "--log-driver", logDriver,
                    "logger: no log driver named '\(logDriver)' is registered",
                    hint: "output is kept as json-file does, or not at all (none)")
            }
        }
        for text in logOpt {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw OptionError("--log-opt", text, "it has no value", hint: "write max-size=10m")
            }
            switch parts[0] {
            case "max-size":
                if parts[1] == "-1" { continue }
                guard let bytes = ByteSize.parse(parts[1]), bytes > 0 else {
                    throw OptionError("--log-opt", text, "invalid size: '\(parts[1])'")
                }
                settings.maximumLogBytes = bytes
            case "max-file":
                guard let count = Int(parts[1]), count >= 1 else {
                    throw OptionError("--log-opt", text, "max-file is a number from 1 on")
                }
                if count > 2 {
                    surroundings.note("--log-opt \(text): one older part of a log is kept")
                }
            default:
                throw OptionError(
                    "--log-opt", text, "unknown log opt '\(parts[0])' for json-file log driver",
                    hint: Suggestion.hint(for: parts[0], among: ["max-size", "max-file"])
                        ?? "there are max-size and max-file")
            }
        }
    }

    /// Whether the image is of the platform that was asked for.
    func check(platform image: Platform) throws {
        if let platform { try Self.check(image, against: platform) }
    }

    /// - Throws: ``OptionError`` for an image of another platform.
    static func check(_ image: Platform, against platform: String) throws {
        guard !platform.isEmpty else { return }
        let wanted: Platform
        do {
            wanted = try Platform.parse(platform)
        } catch {
            throw OptionError("--platform", platform, error.message, hint: error.hint)
        }
        guard wanted.os == image.os, wanted.architecture == image.architecture,
            wanted.rank(of: image) != nil
        else {
            throw OptionError(
                "--platform", platform,
                "image with reference was found but its platform (\(image)) does not match the "
                    + "specified platform (\(wanted))",
                hint: "leave out --platform, or load the image for \(wanted)")
        }
    }
}
