internal import Glibc

/// The mounts that this process sees (proc_pid_mountinfo(5)). Reading it touches no mount.
package struct MountTable: Sendable {
    package struct Entry: Sendable, Hashable {
        package var id: UInt64
        package var parentID: UInt64
        package var device: DeviceID
        package var mountPoint: [UInt8]
        /// `fuse.vitrine`, `ext4`, …
        package var type: [UInt8]
        package var source: [UInt8]
    }

    /// The number of a mounted file system, as in `st_dev`.
    package struct DeviceID: Sendable, Hashable {
        package var major: UInt32
        package var minor: UInt32

        /// As `st_dev` has it (makedev(3)).
        package var number: UInt64 {
            let (major, minor) = (UInt64(major), UInt64(minor))
            return (major & 0xFFF) << 8 | (major >> 12) << 32 | minor & 0xFF | (minor >> 8) << 20
        }
    }

    package let entries: [Entry]

    /// The table of a process; nil when that process is gone or not ours to see.
    package init?(process: Int32? = nil) {
        let name = process.map(String.init) ?? "self"
        guard let text = ProcFile.contents(Array("/proc/\(name)/mountinfo".utf8)) else {
            return nil
        }
        self.init(parsing: text)
    }

    package init(parsing text: [UInt8]) {
        entries = text.split(separator: UInt8(ascii: "\n")).compactMap(Self.entry(of:))
    }

    /// What is mounted at exactly this absolute, resolved path: the topmost, if several are.
    package func entry(at path: [UInt8]) -> Entry? {
        entries.last { $0.mountPoint == path }
    }

    /// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
    private static func entry(of line: ArraySlice<UInt8>) -> Entry? {
        let fields = line.split(separator: UInt8(ascii: " "))
        guard fields.count >= 10,
            let separator = fields[6...].firstIndex(where: { $0.elementsEqual("-".utf8) }),
            fields.count > separator + 2,
            let id = decimal(fields[0]), let parent = decimal(fields[1])
        else { return nil }
        let device = fields[2].split(separator: UInt8(ascii: ":")).compactMap(decimal)
        guard device.count == 2 else { return nil }
        return Entry(
            id: id, parentID: parent,
            device: DeviceID(major: UInt32(device[0]), minor: UInt32(device[1])),
            mountPoint: unescaped(fields[4]), type: Array(fields[separator + 1]),
            source: unescaped(fields[separator + 2]))
    }

    private static func decimal(_ digits: ArraySlice<UInt8>) -> UInt64? {
        UInt64(String(decoding: digits, as: UTF8.self))
    }

    /// Space, tab, newline and backslash stand as `\` and three octal digits.
    private static func unescaped(_ field: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(field.count)
        var rest = field
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }
}
