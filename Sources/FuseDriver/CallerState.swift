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
        let key = Array("SigPnd:".utf8)
        for line in status.split(separator: UInt8(ascii: "\n")) where line.starts(with: key) {
            let digits = String(decoding: line.dropFirst(key.count), as: UTF8.self)
            let pending = UInt64(digits.trimmingPrefix(while: \.isWhitespace), radix: 16) ?? 0
            return pending & killBit != 0
        }
        return false
    }

    /// SIGKILL is signal 9, the ninth bit.
    private static let killBit: UInt64 = 1 << 8
}
