/// Which limits the host's control groups know, besides those that all have.
package struct ControlGroupFeatures: Hashable, Sendable {
    package var hasBlockWeight = false
    package var hasDeviceWeights = false
    package var hasReadBytes = false
    package var hasWriteBytes = false
    package var hasReadOperations = false
    package var hasWriteOperations = false
    package var hasSwappiness = false
    package var canSpareMemory = false
    package var hasRealtime = false

    /// - Parameter text: the content of a file below `/sys/fs/cgroup`; nil where there is none.
    package init(_ text: (String) -> String?) {
        if let controllers = text("cgroup.controllers") {
            let hasBlocks = controllers.split(whereSeparator: \.isWhitespace).contains("io")
            (hasBlockWeight, hasDeviceWeights) = (hasBlocks, hasBlocks)
            (hasReadBytes, hasWriteBytes) = (hasBlocks, hasBlocks)
            (hasReadOperations, hasWriteOperations) = (hasBlocks, hasBlocks)
            return
        }
        func has(_ file: String) -> Bool { text(file) != nil }
        hasBlockWeight = has("blkio/blkio.weight") || has("blkio/blkio.bfq.weight")
        hasDeviceWeights =
            has("blkio/blkio.weight_device") || has("blkio/blkio.bfq.weight_device")
        hasReadBytes = has("blkio/blkio.throttle.read_bps_device")
        hasWriteBytes = has("blkio/blkio.throttle.write_bps_device")
        hasReadOperations = has("blkio/blkio.throttle.read_iops_device")
        hasWriteOperations = has("blkio/blkio.throttle.write_iops_device")
        hasSwappiness = has("memory/memory.swappiness")
        canSpareMemory = has("memory/memory.oom_control")
        hasRealtime = has("cpu/cpu.rt_period_us")
    }

    /// This host's.
    package static var ofHost: ControlGroupFeatures {
        ControlGroupFeatures { ControlGroups.text("/sys/fs/cgroup/\($0)") }
    }
}
