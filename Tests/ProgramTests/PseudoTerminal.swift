import Foundation
import Glibc

/// A terminal of which the test has the other side: what a person types and sees.
final class PseudoTerminal {
    private let master: Int32
    private var seen: [UInt8] = []
    /// For the program's standard streams.
    let slave: FileHandle

    init(columns: UInt16 = 80, rows: UInt16 = 24) throws {
        master = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var number: UInt32 = 0
        var lock: Int32 = 0
        guard master >= 0, unsafe ioctl(master, Self.unlock, &lock) == 0,
            unsafe ioctl(master, Self.slaveNumber, &number) == 0
        else { throw Program.Failure(message: "no pseudo terminal is to be had") }
        let descriptor = unsafe open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
        slave = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        resize(columns: columns, rows: rows)
    }

    /// As when a person pulls at the window.
    func resize(columns: UInt16, rows: UInt16) {
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = unsafe ioctl(slave.fileDescriptor, UInt(TIOCSWINSZ), &size)
    }

    /// TIOCSPTLCK and TIOCGPTN (ioctl_tty(2)), which are macros.
    private static let unlock: UInt = 0x4004_5431
    private static let slaveNumber: UInt = 0x8004_5430

    deinit { close(master) }

    func type(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe write(master, bytes, bytes.count)
    }

    /// Reads until the text has been shown.
    func wait(for text: String) throws {
        let wanted = Array(text.utf8)
        var waited = 0
        while !String(decoding: seen, as: UTF8.self).contains(text) {
            if try !read(milliseconds: 50) { waited += 1 }
            if waited > 1200 {
                throw Program.Failure(message: "\"\(text)\" is not in: \(shown)")
            }
        }
        // Each wait is for something later.
        if let end = seen.firstRange(of: wanted)?.upperBound { seen.removeSubrange(..<end) }
    }

    /// Reads what comes until the program ends.
    func finish(_ process: Process) throws -> String {
        while process.isRunning { _ = try read(milliseconds: 50) }
        while try read(milliseconds: 50) {}
        return shown
    }

    var shown: String { String(decoding: seen, as: UTF8.self) }

    var modes: tcflag_t {
        var modes = termios()
        unsafe tcgetattr(slave.fileDescriptor, &modes)
        return modes.c_lflag
    }

    private func read(milliseconds: Int32) throws -> Bool {
        var entry = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, milliseconds) > 0, entry.revents & Int16(POLLIN) != 0 else {
            return false
        }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe Glibc.read(master, &bytes, bytes.count)
        guard count > 0 else { return false }
        seen += bytes[..<count]
        return true
    }
}
