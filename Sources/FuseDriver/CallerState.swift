/// What /proc tells of a thread that waits for an answer.
enum CallerState {
    /// Whether a signal that ends the thread waits for it: the kernel marks all threads of a process that
    /// is to end with SIGKILL, whatever the signal was. A thread that cannot be looked at (of another
    /// PID namespace, 0) counts as alive.
    static func isKilled(thread: UInt32) -> Bool {
        guard thread != 0, let status = ProcFile.contents(Array("/proc/\(thread)/status".utf8))
        else { return false }
        return isKilled(status: status)
    }

    /// - Parameter status: as proc_pid_status(5) describes it.
    static func isKilled(status: [UInt8]) -> Bool {
        (bits("SigPnd:", of: status) ?? 0) & killBit != 0
    }

    /// SIGKILL is signal 9, the ninth bit.
    private static let killBit: UInt64 = 1 << 8

    /// Whether the thread may do what root may to file systems (CAP_SYS_ADMIN). One that cannot be looked
    /// at is taken for one that may.
    static func isAdministrator(thread: UInt32) -> Bool {
        guard thread != 0, let status = ProcFile.contents(Array("/proc/\(thread)/status".utf8))
        else { return true }
        return isAdministrator(status: status)
    }

    /// - Parameter status: as proc_pid_status(5) describes it.
    static func isAdministrator(status: [UInt8]) -> Bool {
        bits("CapEff:", of: status).map { $0 & administratorBit != 0 } ?? true
    }

    /// CAP_SYS_ADMIN.
    private static let administratorBit: UInt64 = 1 << 21

    /// The hexadecimal number on a line of a status.
    private static func bits(_ key: String, of status: [UInt8]) -> UInt64? {
        let key = Array(key.utf8)
        for line in status.split(separator: UInt8(ascii: "\n")) where line.starts(with: key) {
            let digits = String(decoding: line.dropFirst(key.count), as: UTF8.self)
            return UInt64(digits.trimmingPrefix(while: \.isWhitespace), radix: 16)
        }
        return nil
    }
}
