internal import Glibc
internal import LinuxIO

/// A process as `/proc` tells of it (proc(5)).
struct ProcessEntry {
    private let number: Int32
    private let userID: UInt32
    private let parent: Int32
    private let terminal: Int32
    private let startTicks: UInt64
    private let usedTicks: UInt64
    private let command: String

    /// - Returns: nil when it is gone.
    init?(of number: Int32) {
        guard let status = try? FileStatus(ofPath: "/proc/\(number)"),
            let text = Self.text("/proc/\(number)/stat"),
            // The name, in parentheses, may hold anything.
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 20, let parent = Int32(fields[1]), let terminal = Int32(fields[4]),
            let user = UInt64(fields[11]), let system = UInt64(fields[12]),
            let start = UInt64(fields[19])
        else { return nil }
        self.number = number
        self.userID = status.userID
        self.parent = parent
        self.terminal = terminal
        startTicks = start
        usedTicks = user &+ system
        let line = Self.text("/proc/\(number)/cmdline") ?? ""
        let words = line.split(separator: "\0").joined(separator: " ")
        let name = text[..<end].drop { $0 != "(" }.dropFirst()
        command = words.isEmpty ? "[\(name)]" : words
    }

    /// UID PID PPID C STIME TTY TIME CMD, as `ps -ef` has them.
    var row: [String] {
        let ticks = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        let seconds = usedTicks / ticks
        let age = max(1, Self.uptime - Int64(startTicks / ticks))
        let share = min(99, seconds * 100 / UInt64(age))
        return [
            String(userID), String(number), String(parent), String(share), startTime(age),
            terminal == 0 ? "?" : terminalName, Self.clock(seconds), command,
        ]
    }

    private var terminalName: String {
        // Pseudo-terminals have majors 136 to 143.
        let (major, minor) = (terminal >> 8 & 0xFFF, terminal & 0xFF | (terminal >> 12 & 0xFFF00))
        return (136...143).contains(major) ? "pts/\((major - 136) * 256 + minor)" : "tty\(minor)"
    }

    private func startTime(_ age: Int64) -> String {
        var moment = time(nil) - Int(age)
        var parts = unsafe tm()
        // Fails for years that do not fit, which no process is from.
        _ = unsafe localtime_r(&moment, &parts)
        func digits(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return unsafe "\(digits(parts.tm_hour)):\(digits(parts.tm_min))"
    }

    private static func clock(_ seconds: UInt64) -> String {
        func digits(_ value: UInt64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(digits(seconds / 3600)):\(digits(seconds / 60 % 60)):\(digits(seconds % 60))"
    }

    private static var uptime: Int64 {
        let text = text("/proc/uptime") ?? ""
        return Int64(text.prefix { $0 != "." && $0 != " " }) ?? 0
    }

    // MARK: - All of them

    /// The numbers of all processes.
    static func all() -> [Int32] {
        // Without /proc there are none to be seen.
        ((try? HostDirectory.names(ofPath: "/proc")) ?? [])
            .compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
    }

    /// The process namespace of a process; nil when it is gone.
    static func namespace(of number: Int32) -> String? {
        try? HostDirectory.readLink("/proc/\(number)/ns/pid")
    }

    /// The control groups of a process; nil when it is gone.
    static func groups(of number: Int32) -> String? { text("/proc/\(number)/cgroup") }

    private static func text(_ path: String) -> String? {
        guard let file = try? OwnedDescriptor(opening: path, .readOnly),
            let bytes = try? DescriptorIO.readAll(file.rawValue, limit: 1 << 20)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
