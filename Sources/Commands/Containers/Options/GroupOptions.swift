internal import ArgumentParser
internal import Engine
internal import Store

/// A container's control group, and what the kernel does when memory is short.
struct GroupOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How gladly its memory is swapped out, from 0 to 100; of version 1.",
            valueName: "number"))
    var memorySwappiness: Int64?
    @Flag(help: "Nobody is killed for want of memory, who asks for more waits; of version 1.")
    var oomKillDisable = false
    @Option(
        help: ArgumentHelp(
            "Whom the kernel kills first for want of memory, from -1000 (never) to 1000.",
            valueName: "number"))
    var oomScoreAdj: Int?
    @Option(
        help: ArgumentHelp(
            "The control group above its own, such as /batch.", valueName: "path"))
    var cgroupParent: String?
    @Option(
        help: ArgumentHelp(
            "Whether its own control group is the root of those it sees.",
            valueName: "private|host"))
    var cgroupns: String?
    @Option(
        help: ArgumentHelp(
            "Devices that it may use once it has nodes of them.",
            valueName: "c|b|a major:minor rwm"))
    var deviceCgroupRule: [String] = []

    func apply(to settings: inout ContainerSettings, note: (String) -> Void) throws {
        if let memorySwappiness, memorySwappiness != -1 {
            guard (0...100).contains(memorySwappiness) else {
                throw OptionError(
                    "--memory-swappiness", "\(memorySwappiness)",
                    "invalid value: \(memorySwappiness). Valid memory swappiness range is 0-100")
            }
            settings.limits.memorySwappiness = memorySwappiness
        }
        if oomKillDisable { settings.limits.disablesMemoryKiller = true }
        if let oomScoreAdj {
            guard (-1000...1000).contains(oomScoreAdj) else {
                throw OptionError(
                    "--oom-score-adj", "\(oomScoreAdj)",
                    "Invalid value \(oomScoreAdj), range for oom score adj is [-1000, 1000]")
            }
            settings.memoryKillerScore = oomScoreAdj == 0 ? nil : oomScoreAdj
        }
        settings.hasOwnControlGroups = try NamespaceMode.controlGroups(cgroupns)
        try setParent(&settings)
        for rule in deviceCgroupRule where DeviceCondition(parsing: rule) == nil {
            throw OptionError(
                "--device-cgroup-rule", rule, "invalid device cgroup format '\(rule)'",
                hint: "write 'c 189:* rwm': c, b or a (any), its numbers or *, and of r, w and m")
        }
        settings.deviceRules = deviceCgroupRule
        for warning in try settings.limits.discardUnsupported() { note("WARNING: \(warning)") }
    }

    private func setParent(_ settings: inout ContainerSettings) throws {
        guard let cgroupParent, !cgroupParent.isEmpty else { return }
        let names = cgroupParent.split(separator: "/")
        guard !names.isEmpty, !names.contains(".."), !names.contains("."),
            cgroupParent.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else {
            throw OptionError(
                "--cgroup-parent", cgroupParent, "it names no control group",
                hint: "write /batch, or batch for one below vitrine's")
        }
        settings.controlGroupParent =
            (cgroupParent.hasPrefix("/") ? "/" : "") + names.joined(separator: "/")
    }
}
