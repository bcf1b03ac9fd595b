internal import CLinux
internal import Glibc

/// Terminals, by a descriptor of either side (ioctl_tty(2), termios(3)).
package enum TerminalDevice {
    /// Columns and rows of its window.
    package struct Size: Codable, Hashable, Sendable {
        package var columns: UInt16
        package var rows: UInt16

        package init(columns: UInt16, rows: UInt16) {
            self.columns = columns
            self.rows = rows
        }
    }

    /// Tells a terminal, and through it the programs that it is the terminal of, its window's size.
    package static func setSize(_ descriptor: Int32, _ size: Size) {
        var window = winsize()
        window.ws_col = size.columns
        window.ws_row = size.rows
        // A terminal that has gone needs no size.
        _ = unsafe ioctl(descriptor, UInt(TIOCSWINSZ), &window)
    }

    /// - Returns: nil for what is no terminal, or one that does not know.
    package static func size(_ descriptor: Int32) -> Size? {
        var window = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0 else {
            return nil
        }
        return Size(columns: window.ws_col, rows: window.ws_row)
    }

    /// Runs `body` while the terminal passes on all that is typed as it is, and gives it its modes
    /// back.
    package static func withRawInput<R>(
        _ descriptor: Int32, _ body: () throws -> R
    ) rethrows -> R {
        var modes = termios()
        guard unsafe tcgetattr(descriptor, &modes) == 0 else { return try body() }
        var raw = modes
        unsafe cfmakeraw(&raw)
        _ = unsafe tcsetattr(descriptor, TCSANOW, &raw)
        defer { _ = unsafe tcsetattr(descriptor, TCSANOW, &modes) }
        return try body()
    }
}
