/// Which options a command has, as far as they have to be known to read its command line.
///
/// The parser knows them as well, but tells them only as a text of JSON, which would take `run` longer than
/// the rest of its command line. A test holds the two against each other.
struct CommandOptions {
    /// Options that stand alone: names without dashes, separated by blanks; a short name follows a slash.
    /// One that begins with `no-` is the opposite of the one without, where there are both.
    var switches: String
    /// Options with a value: the same. One that has no long name has its dash.
    var valued: String
    var optional: [String: OptionalValue]
    /// Whether options end at the first operand.
    var endAtOperand: Bool

    private init(
        _ switches: String, valued: String = "", optional: [String: OptionalValue] = [:],
        endAtOperand: Bool = false
    ) {
        self.switches = switches
        self.valued = valued
        self.optional = optional
        self.endAtOperand = endAtOperand
    }

    /// - Parameter names: of the command, its groups' before it; no aliases.
    /// - Returns: nil for what is no command, or a group.
    static func of(_ names: [String]) -> CommandOptions? {
        let name = names.joined(separator: " ")
        if let options = table[same[name] ?? name] { return options }
        return groups.contains(names.first ?? "") && names.count == 2 ? table[names[1]] : nil
    }

    /// Groups whose commands are those of the same names without it, where the table has no others.
    private static let groups: Set<String> = ["builder", "container", "image", "system"]

    private static let same = [
        "cache prune": "builder prune", "container ls": "ps", "image ls": "images",
        "image rm": "rmi",
    ]

    private static let signalProxy = ["sig-proxy": OptionalValue(alone: "true")]

    private static let table: [String: CommandOptions] = [
        "attach": .init("no-stdin", valued: "detach-keys", optional: signalProxy),
        "build": building,
        "builder prune": .init(
            "all/a force/f json",
            valued: """
                filter keep-storage max-used-space min-free-space reserved-space unused-for
                """),
        "cache explain": .init("json"),
        "cache ls": .init("json no-trunc", valued: "filter format"),
        "cache mount export": .init("", valued: "output/o"),
        "cache mount import": .init("", valued: "input/i"),
        "cache mounts": .init("json", valued: "format"),
        "cache rm": .init("mount"),
        "commit": .init(
            "no-pause pause/p quiet/q squash/s",
            valued: "author/a change/c format/f iidfile message/m"),
        "container inspect": .init("json size/s", valued: "format/f"),
        "container prune": .init("force/f json", valued: "filter"),
        "cp": .init("archive/a follow-link/L quiet/q"),
        "create": creating,
        "df": .init("json verbose/v", valued: "format"),
        "diff": .init("json name-status stat", valued: "format"),
        "events": .init("", valued: "filter/f format since until"),
        "exec": .init(
            "detach/d interactive/i privileged tty/t",
            valued: "detach-keys env/e env-file user/u workdir/w", endAtOperand: true),
        "export": .init("", valued: "output/o"),
        "fsck": .init("json quick"),
        "gc": .init("dry-run json"),
        "history": .init("human/H json no-human no-trunc quiet/q", valued: "format platform"),
        "image inspect": .init("json", valued: "format/f platform"),
        "image prune": .init("all/a force/f json", valued: "filter"),
        "images": .init(
            "all/a digests json no-trunc quiet/q verbose/v", valued: "filter/f format"),
        "import": .init("", valued: "change/c message/m platform"),
        "info": .init("json", valued: "format/f"),
        "inspect": .init("json size/s", valued: "format/f type"),
        "kill": .init("all/a", valued: "signal/s"),
        "load": .init("quiet/q", valued: "input/i platform"),
        "logs": .init("details follow/f timestamps/t", valued: "since tail/n until"),
        "mount": .init("foreground json report-ready rw", valued: "format"),
        "pause": .init(""),
        "port": .init(""),
        "prune": .init("all/a force/f json volumes", valued: "filter"),
        "ps": .init(
            "all/a json latest/l no-trunc quiet/q size/s", valued: "filter/f format last/n"),
        "rename": .init(""),
        "restart": .init("", valued: "signal/s time/t timeout"),
        "rm": .init("all/a force/f link/l volumes/v"),
        "rmi": .init("force/f no-prune", valued: "platform"),
        "run": running,
        "save": .init("", valued: "compress format output/o platform"),
        "serve": .init("allow-other detach/d report-ready", valued: "mount"),
        "start": .init(
            "all attach/a interactive/i",
            valued: "checkpoint checkpoint-dir detach-keys filter/f", optional: signalProxy),
        "stats": .init("all/a json no-stream no-trunc", valued: "format"),
        "stop": .init("all/a", valued: "signal/s time/t timeout"),
        "supervise": .init(""),
        "tag": .init(""),
        "top": .init("", endAtOperand: true),
        "umount": .init("lazy/l"),
        "unpause": .init(""),
        "update": .init(
            "", valued: limits + " blkio-weight cpus kernel-memory pids-limit restart ulimit"),
        "version": .init("json", valued: "format/f"),
        "volume create": .init("", valued: "driver/d label name -o opt"),
        "volume inspect": .init("json", valued: "format/f"),
        "volume ls": .init("json quiet/q", valued: "filter/f format"),
        "volume prune": .init("all/a force/f json", valued: "filter"),
        "volume rm": .init("force/f"),
        "wait": .init(""),
    ]

    private static let processorLimits = """
        cpu-period cpu-quota cpu-shares/c cpuset-cpus cpuset-mems memory/m memory-swap
        """

    private static let limits =
        processorLimits + " cpu-rt-period cpu-rt-runtime memory-reservation"

    private static let building = CommandOptions(
        """
        check compress debug debug-on-failure force-rm json layers load no-cache push quiet/q rm \
        show-context squash squash-all
        """,
        valued: processorLimits + """
             add-host allow annotation attest build-arg build-context builder cache-from cache-to \
            call cgroup-parent debug-shell file/f format iidfile isolation jobs label \
            metadata-file network no-cache-filter output/o platform progress secret shm-size ssh \
            tag/t target target-step timestamp ulimit
            """,
        // "--pull always" is Podman's too; a context of that name is written "./always".
        optional: Dictionary(
            uniqueKeysWithValues: ["provenance", "pull", "sbom"].map {
                ($0, OptionalValue(alone: "true", words: OptionalValue.policies))
            }))

    private static let creating = CommandOptions(
        """
        disable-content-trust init interactive/i no-healthcheck oom-kill-disable privileged \
        publish-all/P quiet/q read-only rm tty/t use-api-socket
        """,
        valued: limits + """
             add-host annotation attach/a blkio-weight blkio-weight-device cap-add cap-drop \
            cgroup-parent cgroupns cidfile cpu-count cpu-percent cpus device device-cgroup-rule \
            device-read-bps device-read-iops device-write-bps device-write-iops dns dns-opt \
            dns-option dns-search domainname entrypoint env/e env-file expose gpus group-add \
            health-cmd health-interval health-retries health-start-interval health-start-period \
            health-timeout hostname/h io-maxbandwidth io-maxiops ip ip6 ipc isolation \
            kernel-memory label/l label-file link link-local-ip log-driver log-opt mac-address \
            memory-swappiness mount name net net-alias network network-alias oom-score-adj pid \
            pids-limit platform publish/p pull restart runtime security-opt shm-size stop-signal \
            stop-timeout storage-opt sysctl tmpfs ulimit user/u userns uts volume/v volume-driver \
            volumes-from workdir/w
            """, endAtOperand: true)

    private static let running = {
        var options = creating
        options.switches += " detach/d"
        options.valued += " detach-keys"
        options.optional = signalProxy
        return options
    }()
}

/// The value of an option that may stand alone.
struct OptionalValue {
    /// What it means alone.
    var alone: String
    /// What is its value where it is the next word.
    var words: Set<String> = []

    static let policies: Set<String> = ["always", "false", "missing", "never", "newer", "true"]
}
