internal import ArgumentParser
internal import Engine
internal import Store

struct UpdateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Change the limits or the restart policy of containers.",
        discussion: """
            What is not named stays as it is. A container that runs has its new limits at once.

              vitrine update -m 512m --cpus 1.5 web
              vitrine update --restart on-failure:3 web db
            """)
    @OptionGroup var store: StoreOptions
    @OptionGroup var limits: LimitOptions
    @Option(
        help: ArgumentHelp(
            "When it is started again: no, always, unless-stopped, on-failure[:N].",
            valueName: "policy"))
    var restart: String?
    @Argument(help: "Containers, by name or ID.") var containers: [String]

    func validate() throws {
        guard limits.isGiven || restart != nil else {
            throw ValidationError(
                "you must provide one or more flags when using this command: limits, --restart")
        }
    }

    func run() throws {
        var asked = ContainerSettings()
        // What is discarded is told of, and no error.
        try limits.apply(to: &asked, note: { Terminal.note($0) }, isUpdate: true)
        for warning in try asked.limits.discardUnsupported() {
            Terminal.note("WARNING: \(warning)")
        }
        guard limits.ulimit.isEmpty else {
            throw OptionError(
                "--ulimit", limits.ulimit[0], "it holds from the start of a process on",
                hint: "make the container anew")
        }
        // Without limit is something to say here.
        if limits.pidsLimit == -1 || limits.pidsLimit == 0 { asked.limits.processes = -1 }
        let policy = try restart.map { try RestartOption(parsing: $0).policy }
        let engine = try store.engine(.existing)
        try EachContainer.perform(containers, on: engine) { record in
            if let policy, policy.kind != .no, record.settings.removesItself {
                throw EngineError(
                    .invalid, "container \"\(record.name)\" removes itself when it ends",
                    hint: "one that was made with --rm has no restart policy")
            }
            try engine.update(record, limits: asked.limits, restartPolicy: policy)
        }
    }
}
