internal import CFuse
internal import Glibc

/// Who keeps a mount busy.
///
/// Found by mount ids alone (`mnt_id` of proc_pid_fdinfo(5)): the mount itself is never asked, so
/// it may be slow, hung or dead.
package struct MountHolders: Sendable, CustomStringConvertible {
    package enum Use: Sendable, Hashable {
        case workingDirectory
        case root
        case executable
        case descriptor(Int32, path: [UInt8])
        case mapping(path: [UInt8])
    }

    package struct Holder: Sendable, Hashable {
        package var processID: Int32
        /// `comm` of the process.
        package var command: String
        package var uses: [Use]
    }

    package private(set) var processes: [Holder] = []
    /// Mount points on top of the mount.
    package private(set) var innerMounts: [[UInt8]] = []

    package var isEmpty: Bool { processes.isEmpty && innerMounts.isEmpty }

    /// Scans /proc; of other users' processes only as much as the caller may see.
    /// - Parameter mountPoint: absolute and resolved, as the mount table spells it.
    package static func find(mountPoint: [UInt8]) -> MountHolders {
        var holders = MountHolders()
        guard let table = MountTable(), let mount = table.entry(at: mountPoint) else {
            return holders
        }
        holders.innerMounts = table.entries.filter { $0.parentID == mount.id }.map(\.mountPoint)
        for name in ProcFile.names(in: Array("/proc".utf8)) ?? [] {
            guard let processID = Int32(String(decoding: name, as: UTF8.self)) else { continue }
            let uses = uses(of: mount, by: processID)
            guard !uses.isEmpty else { continue }
            let command = ProcFile.contents(Array("/proc/\(processID)/comm".utf8)) ?? []
            holders.processes.append(
                Holder(
                    processID: processID, command: command.dropLast().map { $0 }.displayed,
                    uses: uses))
        }
        // What asks was started there by another one, and ends with its answer.
        let others = holders.processes.filter {
            $0.processID != getpid() || $0.uses != [.workingDirectory]
        }
        if !others.isEmpty { holders.processes = others }
        return holders
    }

    package var description: String {
        let inner = innerMounts.map { "mounted inside it: \($0.displayed)" }
        let users = processes.map { holder in
            let uses = holder.uses.map(\.description).joined(separator: ", ")
            return "in use by process \(holder.processID) (\(holder.command)): \(uses)"
        }
        return (inner + users).joined(separator: "\n")
    }

    private static func uses(of mount: MountTable.Entry, by processID: Int32) -> [Use] {
        let process = Array("/proc/\(processID)/".utf8)
        var uses: [Use] = []
        for (link, use) in [
            ("cwd", Use.workingDirectory), ("root", .root), ("exe", .executable),
        ] where mountID(ofLink: process + link.utf8) == mount.id {
            uses.append(use)
        }
        for name in ProcFile.names(in: process + "fd".utf8) ?? [] {
            guard let number = Int32(String(decoding: name, as: UTF8.self)),
                mountID(ofInfo: process + "fdinfo/\(number)".utf8) == mount.id
            else { continue }
            let path = ProcFile.link(process + "fd/\(number)".utf8) ?? []
            uses.append(.descriptor(number, path: path))
        }
        let maps = ProcFile.contents(process + "maps".utf8) ?? []
        return uses + mappings(of: mount.device, in: maps)
    }

    /// The mount id behind a magic link. `O_PATH` asks the file system nothing, and a magic link
    /// is followed without a walk.
    private static func mountID(ofLink path: [UInt8]) -> UInt64? {
        let raw = unsafe path.withCString { unsafe open($0, VITRINE_O_PATH | O_CLOEXEC) }
        guard raw >= 0 else { return nil }
        let descriptor = OwnedDescriptor(adopting: raw)
        return mountID(ofInfo: Array("/proc/self/fdinfo/\(descriptor.rawValue)".utf8))
    }

    private static func mountID(ofInfo path: [UInt8]) -> UInt64? {
        for line in ProcFile.contents(path)?.split(separator: UInt8(ascii: "\n")) ?? []
        where line.starts(with: "mnt_id:".utf8) {
            let digits = line.dropFirst(7).filter { $0 >= 0x30 && $0 <= 0x39 }
            return UInt64(String(decoding: digits, as: UTF8.self))
        }
        return nil
    }

    /// `7f5c-7f5d r--p 00000000 00:2d 1234   /path`, each path once.
    static func mappings(of device: MountTable.DeviceID, in maps: [UInt8]) -> [Use] {
        var seen: Set<[UInt8]> = []
        var uses: [Use] = []
        for line in maps.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            guard fields.count == 6 else { continue }
            let numbers = fields[3].split(separator: UInt8(ascii: ":")).compactMap {
                UInt32(String(decoding: $0, as: UTF8.self), radix: 16)
            }
            let path = Array(fields[5].drop { $0 == UInt8(ascii: " ") })
            guard numbers == [device.major, device.minor], seen.insert(path).inserted else {
                continue
            }
            uses.append(.mapping(path: path))
        }
        return uses
    }
}

extension MountHolders.Use: CustomStringConvertible {
    package var description: String {
        switch self {
        case .workingDirectory: "working directory"
        case .root: "root directory"
        case .executable: "executable"
        case .descriptor(let number, let path): "file descriptor \(number) (\(path.displayed))"
        case .mapping(let path): "mapping of \(path.displayed)"
        }
    }
}
