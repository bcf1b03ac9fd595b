internal import ArgumentParser
internal import Builder
internal import Engine
internal import ImageSpec

/// Where a build takes from, besides its context.
struct BuildSourceOptions: ParsableArguments {
    @Option(
        name: .customLong("build-context"),
        help: ArgumentHelp(
            "Let a name stand for other files or another image: a directory, docker-image://IMAGE, "
                + "oci-layout://PATH[:TAG], an address, or a git repository.",
            valueName: "name=source"))
    var buildContexts: [String] = []
    @Option(
        help: ArgumentHelp(
            "When images are asked for at a registry: missing, never or always. There are none yet: "
                + "images come by load and import.", valueName: "policy"))
    var pull: PullPolicy = .missing
    @Option(help: "The platform, as os/arch.") var platform: String?
    @Option(
        help: ArgumentHelp(
            "The time of the image and of all that its steps change: the same build gives the same "
                + "image at any time.", valueName: "seconds"))
    var timestamp: Int64?
    @Flag(
        name: .customLong("show-context"),
        help: "List what the context holds and what is ignored, by which line, and build nothing.")
    var showContext = false
    @Flag(name: .customLong("json"), help: "List the context as JSON.") var json = false

    func validate() throws {
        if json, !showContext { throw ValidationError("--json goes with --show-context") }
        if let platform, platform.contains(",") {
            throw ValidationError(
                "--platform \(platform): one platform at a time; build once for each, with a tag of "
                    + "its own")
        }
    }

    func apply(to options: inout BuildOptions) throws {
        options.namedContexts = try buildContexts.map { try NamedContext(parsing: $0) }
        options.pull = pull
        options.timestamp = timestamp
        if let platform { options.platform = try Platform.parse(platform) }
    }
}

extension PullPolicy: ExpressibleByArgument {
    /// Docker's `--pull` is a switch, Podman's names a policy.
    public init?(argument: String) {
        switch argument.lowercased() {
        case "true", "1", "always", "newer": self = .always
        case "false", "0", "missing", "ifnotpresent": self = .missing
        case "never": self = .never
        default: return nil
        }
    }
}
