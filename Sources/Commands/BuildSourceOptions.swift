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
    @Option(
        help: ArgumentHelp(
            "The platform, as os/arch; several, with commas between them, make an index of an image "
                + "for each.", valueName: "platforms"))
    var platform: [String] = []
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
    }

    /// Each once, in the order in which they were given.
    private func platforms() throws -> [Platform] {
        let texts = platform.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
        return try texts.map { text in
            try Platform.parse(text.trimmingPrefix(while: \.isWhitespace).description)
        }.reduce(into: []) { platforms, platform in
            if !platforms.contains(platform) { platforms.append(platform) }
        }
    }

    func apply(to options: inout BuildOptions) throws {
        options.namedContexts = try buildContexts.map { try NamedContext(parsing: $0) }
        options.pull = pull
        options.timestamp = timestamp
        let platforms = try platforms()
        options.platform = platforms.first
        if platforms.count > 1 { options.platforms = platforms }
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
