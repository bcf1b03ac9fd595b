/// What a container uses, as the control groups of its first process tell.
///
/// Nil stands for what the host does not count.
package struct ControlGroupFigures: Hashable, Sendable {
    package var cpuNanoseconds: UInt64?
    /// Without the cache of files that can be dropped at once, as Docker shows it.
    package var memoryBytes: UInt64?
    /// Nil is without limit.
    package var memoryLimitBytes: UInt64?
    package var processes: UInt64?
    package var readBytes: UInt64?
    package var writtenBytes: UInt64?
    package var receivedBytes: UInt64?
    package var sentBytes: UInt64?
    /// How often the kernel killed one of its processes for want of memory.
    package var outOfMemoryKills: UInt64?

    package init() {}

    /// - Parameter processID: of the first process, as the host numbers it.
    /// - Returns: nil when there is no such process.
    package init?(of processID: Int32) {
        guard let groups = ControlGroups(of: processID) else { return nil }
        self.init(groups)
        if let devices = ControlGroups.text("/proc/\(processID)/net/dev") {
            (receivedBytes, sentBytes) = Self.traffic(devices)
        }
    }

    init(_ groups: ControlGroups) {
        if groups.isFirst("memory") {
            readFirstVersion(groups)
        } else {
            readSecondVersion(groups)
        }
    }

    // MARK: - Version 1

    private mutating func readFirstVersion(_ groups: ControlGroups) {
        cpuNanoseconds = Self.number(groups.text("cpuacct", "cpuacct.usage"))
        if let usage = Self.number(groups.text("memory", "memory.usage_in_bytes")) {
            let statistics = Self.fields(groups.text("memory", "memory.stat"))
            memoryBytes = usage.subtractingOrZero(statistics["total_inactive_file"] ?? 0)
        }
        memoryLimitBytes = Self.limit(groups.text("memory", "memory.limit_in_bytes"))
        outOfMemoryKills = Self.fields(groups.text("memory", "memory.oom_control"))["oom_kill"]
        processes = Self.number(groups.text("pids", "pids.current"))
        let transfer =
            groups.text("blkio", "blkio.throttle.io_service_bytes_recursive")
            ?? groups.text("blkio", "blkio.throttle.io_service_bytes")
        (readBytes, writtenBytes) = Self.firstTransfer(transfer)
    }

    /// `8:0 Read 4096`
    static func firstTransfer(_ text: String?) -> (read: UInt64?, written: UInt64?) {
        guard let text else { return (nil, nil) }
        var (read, written): (UInt64, UInt64) = (0, 0)
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count == 3, let bytes = UInt64(fields[2]) else { continue }
            if fields[1] == "Read" { read &+= bytes }
            if fields[1] == "Write" { written &+= bytes }
        }
        return (read, written)
    }

    // MARK: - Version 2

    private mutating func readSecondVersion(_ groups: ControlGroups) {
        cpuNanoseconds = Self.fields(groups.text("", "cpu.stat"))["usage_usec"]
            .map { $0.multipliedReportingOverflow(by: 1000).partialValue }
        if let usage = Self.number(groups.text("", "memory.current")) {
            let statistics = Self.fields(groups.text("", "memory.stat"))
            memoryBytes = usage.subtractingOrZero(statistics["inactive_file"] ?? 0)
        }
        memoryLimitBytes = Self.limit(groups.text("", "memory.max"))
        outOfMemoryKills = Self.fields(groups.text("", "memory.events"))["oom_kill"]
        processes = Self.number(groups.text("", "pids.current"))
        (readBytes, writtenBytes) = Self.secondTransfer(groups.text("", "io.stat"))
    }

    /// `8:0 rbytes=4096 wbytes=0 rios=1 …`
    static func secondTransfer(_ text: String?) -> (read: UInt64?, written: UInt64?) {
        guard let text else { return (nil, nil) }
        var (read, written): (UInt64, UInt64) = (0, 0)
        for field in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            let parts = field.split(separator: "=")
            guard parts.count == 2, let bytes = UInt64(parts[1]) else { continue }
            if parts[0] == "rbytes" { read &+= bytes }
            if parts[0] == "wbytes" { written &+= bytes }
        }
        return (read, written)
    }

    // MARK: - Texts

    /// `/proc/PID/net/dev`, without the loopback.
    static func traffic(_ text: String) -> (received: UInt64, sent: UInt64) {
        var (received, sent): (UInt64, UInt64) = (0, 0)
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].filter { $0 != " " }
            let fields = line[line.index(after: colon)...].split(separator: " ")
            guard name != "lo", fields.count >= 16, let into = UInt64(fields[0]),
                let out = UInt64(fields[8])
            else { continue }
            received &+= into
            sent &+= out
        }
        return (received, sent)
    }

    private static func number(_ text: String?) -> UInt64? {
        text.flatMap { UInt64($0.filter { $0.isASCII && $0.isNumber }) }
    }

    /// `max`, and numbers that no memory reaches, are none.
    private static func limit(_ text: String?) -> UInt64? {
        number(text).flatMap { $0 < 1 << 60 ? $0 : nil }
    }

    /// `name value` lines.
    private static func fields(_ text: String?) -> [String: UInt64] {
        var fields: [String: UInt64] = [:]
        for line in (text ?? "").split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2, let value = UInt64(parts[1]) { fields[String(parts[0])] = value }
        }
        return fields
    }
}

extension ControlGroups {
    /// - Returns: nil when there is no such process.
    init?(of processID: Int32) {
        guard processID > 0, let membership = Self.text("/proc/\(processID)/cgroup"),
            let mounts = Self.text("/proc/self/mountinfo")
        else { return nil }
        self.init(membership: membership, mounts: mounts)
    }
}

extension UInt64 {
    fileprivate func subtractingOrZero(_ other: UInt64) -> UInt64 {
        self > other ? self - other : 0
    }
}
