/// The privileges of root that can be given one by one (capabilities(7)).
package enum Capability {
    /// Docker's default set.
    package static let standard = [
        "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
        "CAP_MKNOD", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID",
        "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
    ]

    /// All that Linux 6 knows, in the order of their numbers (linux/capability.h).
    private static let numbered = [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID",
        "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE",
        "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW",
        "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
        "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
        "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE",
        "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE",
        "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ",
        "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
    ]

    package static let all = numbered.sorted()

    /// Those that a process can pass on, from its `/proc/self/status` (proc(5)): nobody can give
    /// what it does not hold, and runtimes fail when asked to.
    /// - Returns: nil when the file does not tell.
    static func held(status: [UInt8]) -> Set<String>? {
        var mask = UInt64.max
        var isKnown = false
        for line in status.split(separator: 0x0A) {
            let fields = String(decoding: line, as: UTF8.self).split { $0 == "\t" || $0 == ":" }
            guard fields.count == 2, fields[0] == "CapPrm" || fields[0] == "CapBnd",
                let value = UInt64(fields[1], radix: 16)
            else { continue }
            mask &= value
            isKnown = true
        }
        guard isKnown else { return nil }
        return Set(numbered.indices.filter { mask >> UInt64($0) & 1 == 1 }.map { numbered[$0] })
    }
}
