internal import ArgumentParser
internal import Dockerfile
internal import Store

/// Options of Docker's for what there is not here, or not on Linux: what is asked for is refused in
/// words, not as unknown.
struct ForeignOptions: ParsableArguments {
    private static func help(_ value: ArgumentHelp) -> ArgumentHelp {
        var help = value
        help.visibility = .hidden
        return help
    }

    @Option(help: help("A container that it finds by name.")) var link: [String] = []
    @Option(help: help("Its address.")) var ip: String?
    @Option(help: help("Its address.")) var ip6: String?
    @Option(help: help("Further addresses.")) var linkLocalIp: [String] = []
    @Option(
        name: [.customLong("network-alias"), .customLong("net-alias")],
        help: help("A further name in its network."))
    var networkAlias: [String] = []
    @Option(help: help("How it is kept apart.")) var isolation: String?
    @Option(help: help("Processors for graphics.")) var gpus: String?
    @Option(help: help("An option of the storage.")) var storageOpt: [String] = []
    @Option(help: help("Of Windows.")) var cpuCount: Int64?
    @Option(help: help("Of Windows.")) var cpuPercent: Int64?
    @Option(help: help("Of Windows.")) var ioMaxbandwidth: String?
    @Option(help: help("Of Windows.")) var ioMaxiops: UInt64?
    @Flag(help: help("Show the daemon's socket.")) var useApiSocket = false
    @Flag(help: help("Without effect: nothing is signed.")) var disableContentTrust = false

    func check() throws {
        try checkNetwork()
        try checkPlatform()
        if useApiSocket {
            throw OptionError(
                "--use-api-socket", "true", "there is no daemon, and no socket of one")
        }
        for text in storageOpt {
            guard text.contains("=") else {
                throw OptionError("--storage-opt", text, "invalid storage option")
            }
            throw OptionError(
                "--storage-opt", text, "a container's files have no limit of their own",
                hint: "the store's file system has: put the store on one of the size you want")
        }
        if let gpus, !gpus.isEmpty {
            throw OptionError(
                "--gpus", gpus, "could not select device driver \"\" with capabilities: [[gpu]]",
                hint: "--device shows nodes of the host, such as /dev/dri or /dev/nvidia0")
        }
    }

    private func checkNetwork() throws {
        for text in link {
            guard !text.isEmpty else {
                throw OptionError("--link", text, "empty string specified for links")
            }
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else {
                throw OptionError("--link", text, "bad format for links: \(text)")
            }
            throw OptionError(
                "--link", text, "containers do not reach each other by name",
                hint: "publish a port, or share a network by --network container:\(parts[0])")
        }
        for (option, text) in [("--ip", ip), ("--ip6", ip6)]
            + linkLocalIp.map({ ("--link-local-ip", Optional($0)) })
        {
            guard let text, !text.isEmpty else { continue }
            throw OptionError(
                option, text,
                "user specified IP address is supported on user defined networks only",
                hint: "networks of one's own there are not; publish a port with -p")
        }
        if let alias = networkAlias.first {
            throw OptionError(
                "--network-alias", alias,
                "network-scoped aliases are only supported for user-defined networks",
                hint: "networks of one's own there are not; --hostname is a container's own name")
        }
    }

    private func checkPlatform() throws {
        if let isolation, !isolation.isEmpty, isolation.lowercased() != "default" {
            throw OptionError(
                "--isolation", isolation,
                "invalid isolation: \"\(isolation)\" - linux only supports 'default'")
        }
        for (option, value) in [
            ("--cpu-count", cpuCount.map(String.init)),
            ("--cpu-percent", cpuPercent.map(String.init)),
            ("--io-maxbandwidth", ioMaxbandwidth), ("--io-maxiops", ioMaxiops.map(String.init)),
        ] {
            guard let value else { continue }
            throw OptionError(option, value, "it is for containers of Windows only")
        }
    }
}
