internal import Glibc

/// Who serves a mount, as far as `/proc` tells (`fuse_connection` in the fdinfo of its device,
/// Linux 6.0).
///
/// There may be several processes: the number of a mount is free as soon as its file system is gone,
/// while the process that served it may still bring to the disk what was changed, with the device
/// open.
struct MountServer {
    private let processes: [ProcessHandle]
    private let device: MountTable.DeviceID

    /// - Returns: nil if no process that the caller may look into serves it, or this one does.
    init?(of mount: MountTable.Entry) {
        device = mount.device
        let line = Array("fuse_connection:\t\(mount.device.minor)\n".utf8)
        processes = (ProcFile.names(in: Array("/proc".utf8)) ?? []).compactMap { name in
            guard let processID = Self.number(name), processID != getpid() else { return nil }
            return Self.process(processID, serving: line)
        }
        if processes.isEmpty { return nil }
    }

    private static func process(_ processID: Int32, serving line: [UInt8]) -> ProcessHandle? {
        let directory = Array("/proc/\(processID)".utf8)
        for name in ProcFile.names(in: directory + "/fd".utf8) ?? []
        where ProcFile.link(directory + "/fd/".utf8 + name) == Array("/dev/fuse".utf8) {
            guard let process = ProcessHandle(processID), let number = number(name) else {
                return nil
            }
            let info = ProcFile.contents(directory + "/fdinfo/".utf8 + name) ?? []
            guard info.suffix(line.count).elementsEqual(line) else { continue }
            // Who may not have a copy takes it for one that is in use.
            if let device = process.copy(ofDescriptor: number), isAbandoned(device) { continue }
            return process
        }
        return nil
    }

    /// Whether it is the device of a mount that has ended.
    private static func isAbandoned(_ device: borrowing OwnedDescriptor) -> Bool {
        var state = pollfd(fd: device.rawValue, events: 0, revents: 0)
        return unsafe poll(&state, 1, 0) > 0 && Int32(state.revents) & POLLERR != 0
    }

    private static let patienceMilliseconds: UInt64 = 3000

    /// Blocks until the process has ended. A large writable view has to be brought to the disk, which
    /// takes as long as it takes. Does not wait for others who have the mount.
    /// - Parameter onDelay: called once, after some seconds.
    func waitForEnd(_ onDelay: (UnmountDelay) -> Void) {
        let deadline = Clock.nanoseconds() &+ Self.patienceMilliseconds * 1_000_000
        var running = processes
        running.removeAll { process in
            let now = Clock.nanoseconds()
            return process.ends(
                within: now < deadline ? Int32((deadline - now) / 1_000_000) : 0)
        }
        if running.isEmpty { return }
        if let other = holder() { return onDelay(other) }
        onDelay(.writing)
        for process in running { _ = process.ends(within: -1) }
    }

    /// A process in whose mount namespace the file system still is.
    private func holder() -> UnmountDelay? {
        for name in ProcFile.names(in: Array("/proc".utf8)) ?? [] {
            guard let processID = Self.number(name),
                MountTable(process: processID)?.entries.contains(where: { $0.device == device })
                    == true
            else { continue }
            let command = ProcFile.contents(Array("/proc/\(processID)/comm".utf8)) ?? []
            return .mountedElsewhere(
                processID: processID, command: Array(command.dropLast()).displayed)
        }
        return nil
    }

    private static func number(_ name: [UInt8]) -> Int32? {
        Int32(String(decoding: name, as: UTF8.self))
    }
}
