internal import Dockerfile
internal import FileTree
internal import ImageSpec

/// The values of `--build-arg` and what ARG can see without one.
struct BuildArguments: Sendable {
    /// Those that leave no trace in history and cache, and that need no ARG.
    private static let proxies = [
        "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY",
    ]

    let given: [String: String]
    /// What is there without an ARG in FROM lines.
    let platform: [String: String]
    /// Platform arguments, and what the global ARGs are.
    private let global: [String: String]
    private let globalNames: Set<String>
    /// The time that SOURCE_DATE_EPOCH sets.
    let epoch: Timestamp?

    /// - Throws: `invalidDockerfile` where a global ARG cannot be expanded; `invalidArgument`.
    init(_ options: BuildOptions, _ file: Dockerfile) throws {
        var given: [String: String] = [:]
        for argument in options.buildArguments { given[argument.name] = argument.value }
        self.given = given
        var platform = Self.platformValues(options, file)
        for (name, _) in platform { platform[name] = given[name] ?? platform[name] }
        let (values, known) = (given, platform)
        let scope = try GlobalScope(file, buildArguments: { values[$0] }) { known[$0] }
        self.platform = platform
        global = platform.merging(scope.values) { _, declared in declared }
        globalNames = Set(scope.names)
        epoch = try Self.epoch(
            options.timestamp.map(String.init) ?? given[BuildArgument.epochName]
                ?? global[BuildArgument.epochName])
    }

    private static func epoch(_ text: String?) throws -> Timestamp? {
        guard let text, !text.isEmpty else { return nil }
        guard let seconds = Int64(text), let time = Timestamp(unixSeconds: seconds) else {
            throw BuildError(
                .invalidArgument, "\(BuildArgument.epochName) is \"\(text)\", which is no time",
                hint: "it is a number of seconds since 1970; the times of contexts and stages are "
                    + "not taken here")
        }
        return time
    }

    private static func platformValues(
        _ options: BuildOptions, _ file: Dockerfile
    ) -> [String: String] {
        let build = Platform.host
        let target = options.platform ?? build
        return [
            "BUILDPLATFORM": BaseImages.text(build), "BUILDOS": build.os,
            "BUILDARCH": build.architecture, "BUILDVARIANT": build.variant ?? "",
            "BUILDOSVERSION": build.osVersion ?? "", "TARGETPLATFORM": BaseImages.text(target),
            "TARGETOS": target.os, "TARGETARCH": target.architecture,
            "TARGETVARIANT": target.variant ?? "", "TARGETOSVERSION": target.osVersion ?? "",
            "TARGETSTAGE": options.target ?? file.stages.last?.name ?? "default",
        ]
    }

    /// The time that copied files and made directories get; nil keeps theirs.
    var epochTime: NodeTime? { epoch.map { NodeTime(seconds: $0.unixSeconds) } }

    /// What FROM lines see, and an ARG without a default.
    func globalValue(_ name: String) -> String? { global[name] }

    /// What `--build-arg` says.
    func givenValue(_ name: String) -> String? { given[name] }

    /// The proxies for RUN, under their names in upper and lower case.
    var proxyEnvironment: [String] {
        Self.proxies.flatMap { name -> [String] in
            let lower = name.lowercased()
            guard let value = given[name] ?? given[lower], !value.isEmpty else { return [] }
            return ["\(name)=\(value)", "\(lower)=\(value)"]
        }
    }

    /// What was given and no ARG of the file declares.
    /// - Parameter further: names that only a run shows: of triggers, and such as `$NAME`.
    func unused(in file: Dockerfile, besides further: Set<String>) -> [String] {
        var declared = globalNames.union(further)
        for stage in file.stages {
            for located in stage.instructions {
                guard case .arg(let arg) = located.instruction else { continue }
                declared.formUnion(arg.arguments.map(\.name))
            }
        }
        return given.keys.filter { name in
            !declared.contains(name) && !Self.proxies.contains(name.uppercased())
                && name != BuildArgument.epochName && !name.hasPrefix("BUILDKIT_")
                && global[name] == nil
        }.sorted()
    }
}
