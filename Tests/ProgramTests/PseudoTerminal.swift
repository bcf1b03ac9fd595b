import Foundation
import Glibc

/// A terminal of which the test has the other side: what a person types and sees.
final class PseudoTerminal {
    private let master: Int32
    private var seen: [UInt8] = []
    /// For the program's standard streams.
    let slave: FileHandle

    init(columns: UInt16 = 80, rows: UInt16 = 24) throws {
        master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)
        var name = [CChar](repeating: 0, count: 128)
        guard master >= 0, grantpt(master) == 0, unlockpt(master) == 0,
            ptsname_r(master, &name, name.count) == 0
        else { throw Program.Failure(message: "no pseudo terminal is to be had") }
        let descriptor = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)
        slave = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(descriptor, UInt(TIOCSWINSZ), &size)
    }

    deinit { close(master) }

    func type(_ text: String) {
        let bytes = Array(text.utf8)
        _ = write(master, bytes, bytes.count)
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
        tcgetattr(slave.fileDescriptor, &modes)
        return modes.c_lflag
    }

    private func read(milliseconds: Int32) throws -> Bool {
        var entry = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, milliseconds) > 0, entry.revents & Int16(POLLIN) != 0 else {
            return false
        }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(master, &bytes, bytes.count)
        guard count > 0 else { return false }
        seen += bytes[..<count]
        return true
    }
}
