internal import Glibc
internal import LinuxIO

/// What the kernel knows of a terminal.
package enum HostTerminal {
    /// The size of the terminal behind a descriptor.
    /// - Returns: 80 columns and 24 rows where there is none, or it does not know.
    package static func size(of descriptor: Int32) -> (columns: Int, rows: Int) {
        guard let size = TerminalDevice.size(descriptor) else { return (80, 24) }
        return (Int(size.columns), size.rows > 0 ? Int(size.rows) : 24)
    }

    /// What kind of terminal programs should take it for.
    static var kind: String {
        let name = unsafe getenv("TERM").map { unsafe String(cString: $0) } ?? ""
        return name.isEmpty ? "xterm" : name
    }

    /// Whether the environment says that the terminal cannot move its cursor.
    package static var isDumb: Bool { kind == "dumb" }

    /// Runs `body`, and gives the terminal the modes back that it had: a program that is killed
    /// leaves those that it set.
    package static func keepingModes<R>(of descriptor: Int32, _ body: () throws -> R) rethrows -> R
    {
        var modes = termios()
        let isKnown = unsafe tcgetattr(descriptor, &modes) == 0
        defer { if isKnown { _ = unsafe tcsetattr(descriptor, TCSADRAIN, &modes) } }
        return try body()
    }
}
