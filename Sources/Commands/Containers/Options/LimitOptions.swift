internal import ArgumentParser
internal import Builder
internal import Dockerfile
internal import Foundation
internal import Store

/// How much of the machine a container may use.
struct LimitOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("Memory.", valueName: "size"))
    var memory: String?
    @Option(help: ArgumentHelp("Memory and swap together; -1 is any.", valueName: "size"))
    var memorySwap: String?
    @Option(help: ArgumentHelp("Memory that is left to it when all is short.", valueName: "size"))
    var memoryReservation: String?
    @Option(help: ArgumentHelp("Processors' time, such as 1.5.", valueName: "number"))
    var cpus: String?
    @Option(
        name: [.customShort("c"), .long],
        help: ArgumentHelp("Its weight when processors are short (1024).", valueName: "number"))
    var cpuShares: Int64?
    @Option(help: ArgumentHelp("Processor time in a period.", valueName: "microseconds"))
    var cpuQuota: Int64?
    @Option(help: ArgumentHelp("That period.", valueName: "microseconds"))
    var cpuPeriod: Int64?
    @Option(help: ArgumentHelp("The processors that it may use.", valueName: "0-2,7"))
    var cpusetCpus: String?
    @Option(help: ArgumentHelp("The memory nodes that it may use.", valueName: "0,1"))
    var cpusetMems: String?
    @Option(help: ArgumentHelp("The period of real-time processes.", valueName: "microseconds"))
    var cpuRtPeriod: Int64?
    @Option(
        help: ArgumentHelp(
            "The time of real-time processes in it, where the host has it for its control groups.",
            valueName: "microseconds"))
    var cpuRtRuntime: Int64?
    @Option(
        help: ArgumentHelp("Its weight when disks are busy, from 10 to 1000.", valueName: "number"))
    var blkioWeight: Int64?
    @Option(
        help: ArgumentHelp(
            "Without effect: kernels since 5.4 have no such limit. Use --memory.",
            valueName: "size"))
    var kernelMemory: String?
    @Option(help: ArgumentHelp("How many processes; -1 is any.", valueName: "number"))
    var pidsLimit: Int64?
    @Option(help: ArgumentHelp("A limit of each process.", valueName: "name=soft[:hard]"))
    var ulimit: [String] = []

    /// Whether any of them is there, whatever it says.
    var isGiven: Bool {
        let texts = [
            memory, memorySwap, memoryReservation, cpus, cpusetCpus, cpusetMems, kernelMemory,
        ]
        let numbers = [
            cpuShares, cpuQuota, cpuPeriod, cpuRtPeriod, cpuRtRuntime, blkioWeight, pidsLimit,
        ]
        return texts.contains { $0 != nil } || numbers.contains { $0 != nil } || !ulimit.isEmpty
    }

    /// - Parameter isUpdate: of a container that has some: swap may be set without memory.
    func apply(
        to settings: inout ContainerSettings, note: (String) -> Void, isUpdate: Bool = false
    ) throws {
        settings.resourceLimits = try ulimit.map { try Self.resourceLimit($0) }
        try setMemory(&settings.limits, isUpdate: isUpdate)
        try setProcessors(&settings.limits)
        try setRealtime(&settings.limits)
        if let blkioWeight, blkioWeight != 0 {
            guard (10...1000).contains(blkioWeight) else {
                throw OptionError(
                    "--blkio-weight", "\(blkioWeight)", "Range of blkio weight is from 10 to 1000")
            }
            settings.limits.blockWeight = blkioWeight
        }
        if try bytes(kernelMemory, "--kernel-memory") != nil {
            note(
                "WARNING: Specifying a kernel memory limit is deprecated. --kernel-memory is "
                    + "without effect; --memory counts the kernel's memory, too.")
        }
        if let pidsLimit, pidsLimit != 0 {
            guard pidsLimit >= -1 else {
                throw OptionError("--pids-limit", "\(pidsLimit)", "it is below -1")
            }
            settings.limits.processes = pidsLimit == -1 ? nil : pidsLimit
        }
    }

    private static func resourceLimit(_ text: String) throws -> ContainerSettings.ResourceLimit {
        do throws(BuildError) {
            let limit = try ResourceLimitOption(parsing: text)
            return .init(type: limit.type, soft: limit.soft, hard: limit.hard)
        } catch {
            throw OptionError(
                "--ulimit", text, error.message,
                hint: "write nofile=1024 or nofile=1024:2048; -1 is without limit")
        }
    }

    /// Docker's least.
    private static let minimumMemory: Int64 = 6 << 20

    private func setMemory(
        _ limits: inout ContainerSettings.Limits, isUpdate: Bool
    ) throws {
        limits.memoryBytes = try bytes(memory, "--memory")
        if let memory, let bytes = limits.memoryBytes, bytes < Self.minimumMemory {
            throw OptionError("--memory", memory, "Minimum memory limit allowed is 6MB")
        }
        limits.memoryReservationBytes = try bytes(memoryReservation, "--memory-reservation")
        if let text = memoryReservation, let least = limits.memoryReservationBytes,
            let most = limits.memoryBytes, least > most
        {
            throw OptionError(
                "--memory-reservation", text,
                "Minimum memory limit can not be less than memory reservation limit")
        }
        guard let memorySwap else { return }
        if memorySwap == "-1" {
            limits.memoryAndSwapBytes = -1
            return
        }
        limits.memoryAndSwapBytes = try bytes(memorySwap, "--memory-swap")
        guard let both = limits.memoryAndSwapBytes else { return }
        guard let most = limits.memoryBytes else {
            if isUpdate { return }
            throw OptionError(
                "--memory-swap", memorySwap,
                "You should always set the Memory limit when using Memoryswap limit",
                hint: "add --memory")
        }
        guard both >= most else {
            throw OptionError(
                "--memory-swap", memorySwap,
                "Minimum memoryswap limit should be larger than memory limit",
                hint: "it counts memory and swap together")
        }
    }

    /// - Returns: nil for 0, which is without limit.
    private func bytes(_ text: String?, _ option: String) throws -> Int64? {
        guard let text, !text.isEmpty else { return nil }
        guard let bytes = ByteSize.parse(text) else {
            throw OptionError(option, text, "invalid size: '\(text)'", hint: "write 512m or 2g")
        }
        return bytes == 0 ? nil : bytes
    }

    private func setProcessors(_ limits: inout ContainerSettings.Limits) throws {
        if let cpus {
            let most = ProcessInfo.processInfo.processorCount
            guard let nanoCPUs = CPUCount.nanoCPUs(cpus) else {
                throw OptionError("--cpus", cpus, "it is no number of CPUs", hint: "write 1.5")
            }
            guard nanoCPUs == 0 || nanoCPUs >= 10_000_000, nanoCPUs <= most * 1_000_000_000 else {
                throw OptionError(
                    "--cpus", cpus,
                    "range of CPUs is from 0.01 to \(most).00, as there are only \(most) CPUs "
                        + "available")
            }
            for (other, name) in [(cpuPeriod, "Period"), (cpuQuota, "Quota")]
            where nanoCPUs > 0 && (other ?? 0) > 0 {
                throw OptionError(
                    "--cpus", cpus,
                    "Conflicting options: Nano CPUs and CPU \(name) cannot both be set",
                    hint: "--cpus is a quota and a period in one")
            }
            limits.nanoCPUs = nanoCPUs == 0 ? nil : nanoCPUs
        }
        if let cpuShares, cpuShares != 0 {
            guard (2...262_144).contains(cpuShares) else {
                throw OptionError(
                    "--cpu-shares", "\(cpuShares)", "shares are from 2 to 262144")
            }
            limits.cpuShares = UInt64(cpuShares)
        }
        if let cpuQuota, cpuQuota != 0 {
            guard cpuQuota >= 1000 || cpuQuota == -1 else {
                throw OptionError(
                    "--cpu-quota", "\(cpuQuota)",
                    "CPU cfs quota can not be less than 1ms "
                        + "(i.e. 1000)")
            }
            limits.cpuQuotaMicroseconds = cpuQuota
        }
        if let cpuPeriod, cpuPeriod != 0 {
            guard (1000...1_000_000).contains(cpuPeriod) else {
                throw OptionError(
                    "--cpu-period", "\(cpuPeriod)",
                    "CPU cfs period can not be less than 1ms "
                        + "(i.e. 1000) or larger than 1s (i.e. 1000000)")
            }
            limits.cpuPeriodMicroseconds = UInt64(cpuPeriod)
        }
        limits.cpus = try list(cpusetCpus, "--cpuset-cpus", "CPUs", ProcessorList.processors)
        limits.memoryNodes = try list(
            cpusetMems, "--cpuset-mems", "memory nodes", ProcessorList.memoryNodes)
    }

    private func setRealtime(_ limits: inout ContainerSettings.Limits) throws {
        for (value, option) in [
            (cpuRtPeriod, "--cpu-rt-period"), (cpuRtRuntime, "--cpu-rt-runtime"),
        ] {
            if let value, value < 0 {
                throw OptionError(option, "\(value)", "it cannot be negative")
            }
        }
        if let cpuRtPeriod, let cpuRtRuntime, cpuRtPeriod != 0, cpuRtRuntime > cpuRtPeriod {
            throw OptionError(
                "--cpu-rt-runtime", "\(cpuRtRuntime)",
                "cpu real-time runtime cannot be higher than cpu real-time period")
        }
        limits.realtimePeriodMicroseconds = cpuRtPeriod == 0 ? nil : cpuRtPeriod
        limits.realtimeRuntimeMicroseconds = cpuRtRuntime == 0 ? nil : cpuRtRuntime
    }

    /// - Parameters:
    ///   - title: what it lists.
    ///   - available: those that there are; nil on a host that does not tell.
    private func list(
        _ text: String?, _ option: String, _ title: String, _ available: String?
    ) throws -> String? {
        guard let text, !text.isEmpty else { return nil }
        guard let asked = ProcessorList.numbers(text) else {
            throw OptionError(option, text, "Invalid value", hint: "write 0-2,7")
        }
        if let available, let known = ProcessorList.numbers(available),
            !asked.isSubset(of: known)
        {
            throw OptionError(
                option, text,
                "Requested \(title) are not available - requested \(text), available: \(available)")
        }
        return text
    }
}
