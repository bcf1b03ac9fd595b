/// The signals that STOPSIGNAL takes: numbers, and names with or without `SIG`.
package enum StopSignal {
    private static let names: Set<String> = [
        "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT",
        "KILL", "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM",
        "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
        "RTMIN", "RTMAX",
    ]

    package static func isValid(_ text: String) -> Bool {
        if let number = Int(text) { return number > 0 }
        var name = text.uppercased()
        if name.hasPrefix("SIG") { name.removeFirst(3) }
        if names.contains(name) { return true }
        // RTMIN+1 to RTMIN+15, RTMAX-1 to RTMAX-14.
        for (prefix, largest) in [("RTMIN+", 15), ("RTMAX-", 14)] where name.hasPrefix(prefix) {
            guard let offset = Int(name.dropFirst(prefix.count)) else { return false }
            return (1...largest).contains(offset)
        }
        return false
    }
}
