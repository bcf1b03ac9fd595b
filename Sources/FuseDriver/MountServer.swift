internal import CFuse
internal import Glibc

/// The process that serves a mount, as far as `/proc` tells (`fuse_connection` in the fdinfo of its
/// device, Linux 6.0).
struct MountServer {
    private let directory: [UInt8]
    /// Of the directory: another process with the same number has another.
    private let inode: UInt64
    private let device: MountTable.DeviceID

    /// - Returns: nil if no process that the caller may look into serves it, or this one does.
    init?(of mount: MountTable.Entry) {
        let line = Array("fuse_connection:\t\(mount.device.minor)\n".utf8)
        for name in ProcFile.names(in: Array("/proc".utf8)) ?? [] {
            guard let process = Int32(String(decoding: name, as: UTF8.self)), process != getpid()
            else { continue }
            let directory = Array("/proc/\(process)".utf8)
            for number in ProcFile.names(in: directory + "/fd".utf8) ?? []
            where ProcFile.link(directory + "/fd/".utf8 + number) == Array("/dev/fuse".utf8) {
                let info = ProcFile.contents(directory + "/fdinfo/".utf8 + number) ?? []
                guard info.suffix(line.count).elementsEqual(line),
                    let inode = Self.inode(of: directory)
                else { continue }
                self.directory = directory
                self.inode = inode
                device = mount.device
                return
            }
        }
        return nil
    }

    private static func inode(of path: [UInt8]) -> UInt64? {
        var status = stat()
        let failed = unsafe path.withCString { unsafe stat($0, &status) != 0 }
        return failed ? nil : UInt64(status.st_ino)
    }

    private static let patienceSeconds: UInt64 = 3

    /// Blocks until the process has ended. A large writable view has to be brought to the disk, which
    /// takes as long as it takes. Does not wait for others who have the mount.
    /// - Parameter onDelay: called once, after some seconds.
    func waitForEnd(_ onDelay: (UnmountDelay) -> Void) {
        let deadline = Clock.nanoseconds() &+ Self.patienceSeconds * 1_000_000_000
        while isRunning, Clock.nanoseconds() < deadline { usleep(1000) }
        guard isRunning else { return }
        if let other = holder() { return onDelay(other) }
        onDelay(.writing)
        while isRunning { usleep(1000) }
    }

    /// A process in whose mount namespace the file system still is.
    private func holder() -> UnmountDelay? {
        for name in ProcFile.names(in: Array("/proc".utf8)) ?? [] {
            guard let process = Int32(String(decoding: name, as: UTF8.self)),
                MountTable(process: process)?.entries.contains(where: { $0.device == device })
                    == true
            else { continue }
            let command = ProcFile.contents(Array("/proc/\(process)/comm".utf8)) ?? []
            return .mountedElsewhere(
                processID: process, command: Array(command.dropLast()).displayed)
        }
        return nil
    }

    /// One that has ended and whose parent has not asked for its end yet is as good as gone.
    private var isRunning: Bool {
        guard Self.inode(of: directory) == inode,
            let line = ProcFile.contents(directory + "/stat".utf8),
            let end = line.lastIndex(of: UInt8(ascii: ")"))
        else { return false }
        // The program's name, in brackets, may hold anything; the state follows.
        let state = line[end...].dropFirst().first { $0 != UInt8(ascii: " ") }
        return state != UInt8(ascii: "Z") && state != UInt8(ascii: "X")
    }
}
