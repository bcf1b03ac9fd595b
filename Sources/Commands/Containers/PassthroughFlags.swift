internal import Dockerfile

/// Which options a command has whose last arguments are a command line for somebody else (`run`,
/// `create`, `exec`): options end at the first argument that is none.
///
/// Read as Go's pflag reads them, and written anew so that nothing of them can be mistaken:
///
///     -it -p8080:80 -eA=b --rm=false debian ls -l
///     --interactive --tty --publish=8080:80 --env=A=b -- debian ls -l
struct PassthroughFlags {
    /// Options that stand alone.
    private let switches: Set<String>
    /// Options that may stand alone and may be given a value, with what they mean alone.
    private let optional: [String: String]
    /// Options that take a value.
    private let valued: Set<String>
    private let shorts: [Character: String]

    /// - Parameters:
    ///   - switches: names without dashes, separated by blanks; a short name follows a slash.
    ///   - valued: the same.
    private init(switches: String, optional: [String: String] = [:], valued: String) {
        var shorts: [Character: String] = [:]
        func names(_ list: String) -> Set<String> {
            Set(
                list.split(whereSeparator: \.isWhitespace).map { item in
                    let parts = item.split(separator: "/").map(String.init)
                    if parts.count == 2, let short = parts[1].first { shorts[short] = parts[0] }
                    return parts[0]
                })
        }
        self.switches = names(switches)
        self.valued = names(valued).union(["root"])
        self.optional = optional
        self.shorts = shorts
    }

    private static let processSwitches = "help interactive/i tty/t privileged detach/d"

    private static let creating = PassthroughFlags(
        switches: processSwitches + """
             disable-content-trust init no-healthcheck oom-kill-disable publish-all/P quiet/q \
            read-only rm use-api-socket
            """,
        optional: ["sig-proxy": "true"],
        valued: """
            add-host annotation attach/a blkio-weight blkio-weight-device cap-add cap-drop \
            cgroup-parent cgroupns cidfile cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period \
            cpu-rt-runtime cpu-shares/c cpus cpuset-cpus cpuset-mems detach-keys device \
            device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops \
            dns dns-opt dns-option dns-search domainname entrypoint env/e env-file expose gpus \
            group-add health-cmd health-interval health-retries health-start-interval \
            health-start-period health-timeout hostname/h io-maxbandwidth io-maxiops ip ip6 ipc \
            isolation kernel-memory label/l label-file link link-local-ip log-driver log-opt \
            mac-address memory/m memory-reservation memory-swap memory-swappiness mount name net \
            net-alias network network-alias oom-score-adj pid pids-limit platform publish/p pull \
            restart runtime security-opt shm-size stop-signal stop-timeout storage-opt sysctl tmpfs \
            ulimit user/u userns uts volume/v volume-driver volumes-from workdir/w
            """)

    private static let executing = PassthroughFlags(
        switches: processSwitches, valued: "detach-keys env/e env-file user/u workdir/w")

    /// - Parameter names: of the command, its group's before it if it has one.
    /// - Returns: nil for commands that take their options anywhere.
    static func of(_ names: [String]) -> PassthroughFlags? {
        switch names.first == "container" ? Array(names.dropFirst()) : names {
        case ["create"], ["run"]: creating
        case ["exec"]: executing
        default: nil
        }
    }

    /// All names, for tests.
    var names: Set<String> { switches.union(optional.keys).union(valued) }

    /// The arguments after the command's name, rewritten.
    ///
    /// What is not known stays as it is: it is the command's to refuse.
    func rewritten(_ arguments: ArraySlice<String>) -> [String] {
        var options: [String] = []
        var flags: [String: Bool] = [:]
        var rest = arguments
        func result(_ operands: ArraySlice<String>) -> [String] {
            let set = flags.filter(\.value).keys.sorted().map { "--\($0)" }
            return set + options + (operands.isEmpty ? [] : ["--"] + operands)
        }
        while let argument = rest.first {
            rest.removeFirst()
            if argument == "--" { return result(rest) }
            guard argument.hasPrefix("-"), argument != "-" else { return result([argument] + rest) }
            let isKnown =
                argument.hasPrefix("--")
                ? takeLong(argument.dropFirst(2), &rest, &options, &flags)
                : takeShorts(argument.dropFirst(), &rest, &options, &flags)
            if !isKnown { return result([]) + [argument, "--"] + rest }
        }
        return result([])
    }

    private func takeLong(
        _ text: Substring, _ rest: inout ArraySlice<String>, _ options: inout [String],
        _ flags: inout [String: Bool]
    ) -> Bool {
        let name = String(text.prefix { $0 != "=" })
        let value = text.count > name.count ? String(text.dropFirst(name.count + 1)) : nil
        return take(name, value, &rest, &options, &flags)
    }

    /// `-it`, `-p8080:80`, `-p=8080:80`, `-p 8080:80`
    private func takeShorts(
        _ text: Substring, _ rest: inout ArraySlice<String>, _ options: inout [String],
        _ flags: inout [String: Bool]
    ) -> Bool {
        var text = text
        while let letter = text.popFirst() {
            guard let name = shorts[letter] else { return false }
            if valued.contains(name) {
                let value = text.isEmpty ? nil : text.first == "=" ? text.dropFirst() : text
                return take(name, value.map(String.init), &rest, &options, &flags)
            }
            if text.first == "=" {
                return take(name, String(text.dropFirst()), &rest, &options, &flags)
            }
            flags[name] = true
        }
        return true
    }

    private func take(
        _ name: String, _ value: String?, _ rest: inout ArraySlice<String>,
        _ options: inout [String], _ flags: inout [String: Bool]
    ) -> Bool {
        if switches.contains(name) {
            guard let value else {
                flags[name] = true
                return true
            }
            guard let flag = GoBoolean.parse(value) else { return false }
            flags[name] = flag
            return true
        }
        if let alone = optional[name] {
            options.append("--\(name)=\(value ?? alone)")
            return true
        }
        guard valued.contains(name) else { return false }
        if let value = value ?? rest.popFirst() {
            // An empty value would be none behind a "=".
            options += value.isEmpty ? ["--\(name)", ""] : ["--\(name)=\(value)"]
        } else {
            options.append("--\(name)")
        }
        return true
    }
}
