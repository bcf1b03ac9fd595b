internal import Glibc

/// What the kernel knows of a terminal.
package enum HostTerminal {
    /// The width of the terminal behind a descriptor (ioctl_tty(2), TIOCGWINSZ).
    /// - Returns: 80 where there is none.
    package static func columns(of descriptor: Int32) -> Int {
        var window = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0 else {
            return 80
        }
        return Int(window.ws_col)
    }
}
