internal import Sandbox
package import Store

extension ContainerSettings.Limits {
    /// Takes away what this host's control groups do not know, as Docker does.
    /// - Returns: what to warn of, in Docker's words.
    /// - Throws: ``EngineError`` `unavailable` for real-time scheduling.
    package mutating func discardUnsupported() throws(EngineError) -> [String] {
        try discard(without: ControlGroupFeatures.ofHost)
    }

    mutating func discard(without features: ControlGroupFeatures) throws(EngineError) -> [String] {
        var warnings: [String] = []
        func discard<Value>(_ value: inout Value?, _ isKnown: Bool, _ what: String, _ name: String)
        {
            guard value != nil, !isKnown else { return }
            value = nil
            warnings.append(
                "Your kernel does not support \(what) or the cgroup is not mounted. "
                    + "\(name) discarded.")
        }
        discard(
            &memorySwappiness, features.hasSwappiness, "memory swappiness capabilities",
            "Memory swappiness")
        if disablesMemoryKiller == true, !features.canSpareMemory {
            disablesMemoryKiller = nil
            warnings.append(
                "Your kernel does not support OomKillDisable. OomKillDisable discarded.")
        }
        if disablesMemoryKiller == true, memoryBytes == nil {
            warnings.append(
                "OOM killer is disabled for the container, but no memory limit is set, "
                    + "this can result in the system running out of resources.")
        }
        discard(&blockWeight, features.hasBlockWeight, "Block I/O weight", "Weight")
        discard(
            &deviceWeights, features.hasDeviceWeights, "Block I/O weight_device", "Weight-device")
        discard(
            &deviceReadBytes, features.hasReadBytes, "BPS Block I/O read limit",
            "Block I/O BPS read limit")
        discard(
            &deviceWriteBytes, features.hasWriteBytes, "BPS Block I/O write limit",
            "Block I/O BPS write limit")
        discard(
            &deviceReadOperations, features.hasReadOperations, "IOPS Block read limit",
            "Block I/O IOPS read limit")
        discard(
            &deviceWriteOperations, features.hasWriteOperations, "IOPS Block write limit",
            "Block I/O IOPS write limit")
        let isRealtime = realtimePeriodMicroseconds != nil || realtimeRuntimeMicroseconds != nil
        guard !isRealtime || features.hasRealtime else {
            throw EngineError(
                .unavailable, "your kernel does not support CPU real-time scheduler",
                hint: "control groups of version 2 have none; --cpu-shares is a weight")
        }
        return warnings
    }

    /// Why these cannot be set over those that a container has; nil if they can. In Docker's words.
    func conflict(over own: Self) -> String? {
        func isSet(_ value: Int64?) -> Bool { (value ?? 0) > 0 }
        func conflict(_ asked: String, _ had: String) -> String {
            "Conflicting options: \(asked) cannot be updated as \(had) has already been set"
        }
        let hasPeriod = (own.cpuPeriodMicroseconds ?? 0) > 0
        if isSet(nanoCPUs), hasPeriod { return conflict("Nano CPUs", "CPU Period") }
        if isSet(nanoCPUs), isSet(own.cpuQuotaMicroseconds) {
            return conflict("Nano CPUs", "CPU Quota")
        }
        if (cpuPeriodMicroseconds ?? 0) > 0, isSet(own.nanoCPUs) {
            return conflict("CPU Period", "NanoCPUs")
        }
        if isSet(cpuQuotaMicroseconds), isSet(own.nanoCPUs) {
            return conflict("CPU Quota", "NanoCPUs")
        }
        if let memory = memoryBytes, memoryAndSwapBytes == nil, let whole = own.wholeMemoryBytes,
            whole >= 0, memory > whole
        {
            return "Memory limit should be smaller than already set memoryswap limit, "
                + "update the memoryswap at the same time"
        }
        return nil
    }

    /// These with the other's in their places. As Docker: the swap that a container was given with its
    /// memory stays as it was.
    func changed(by other: Self) -> Self {
        var changed = self
        changed.set(other)
        if other.memoryBytes != nil, memoryBytes != nil, other.memoryAndSwapBytes == nil {
            changed.memoryAndSwapBytes = wholeMemoryBytes
        }
        return changed
    }
}
