package import ImageSpec
internal import LinuxIO

/// The programs that the kernel starts for foreign ones.
package struct Emulators: Sendable {
    private let directory: String

    package init(directory: String = "/proc/sys/fs/binfmt_misc") { self.directory = directory }

    /// The number of a processor in its programs' headers, and how they are written (elf(5)).
    private static let machines: [String: (machine: UInt16, is64: Bool, isBig: Bool)] = [
        "386": (3, false, false), "amd64": (62, true, false), "arm": (40, false, false),
        "arm64": (183, true, false), "riscv64": (243, true, false), "ppc64le": (21, true, false),
        "ppc64": (21, true, true), "s390x": (22, true, true), "mips64le": (8, true, false),
        "mips64": (8, true, true), "mipsle": (8, false, false), "mips": (8, false, true),
        "loong64": (258, true, false),
    ]

    /// Whether the kernel has something that runs the platform's programs.
    package func run(_ platform: Platform) -> Bool {
        guard platform.os == "linux", let header = Self.header(platform.architecture),
            let names = try? HostDirectory.names(ofPath: directory)  // not mounted: none
        else { return false }
        return names.contains { name in
            let path = directory + "/" + String(decoding: name, as: UTF8.self)
            guard let file = try? OwnedDescriptor(opening: path, .readOnly),  // as good as none
                let bytes = try? DescriptorIO.readAll(file.rawValue, limit: 1 << 16)
            else { return false }
            return Self.matches(String(decoding: bytes, as: UTF8.self), header)
        }
    }

    private static func header(_ architecture: String) -> [UInt8]? {
        guard let (machine, is64, isBig) = machines[architecture] else { return nil }
        var header = [UInt8](repeating: 0, count: 20)
        header.replaceSubrange(
            0..<7, with: [0x7F, 0x45, 0x4C, 0x46, is64 ? 2 : 1, isBig ? 2 : 1, 1])
        func write(_ value: UInt16, at offset: Int) {
            header[offset] = UInt8(isBig ? value >> 8 : value & 0xFF)
            header[offset + 1] = UInt8(isBig ? value & 0xFF : value >> 8)
        }
        write(2, at: 16)
        write(machine, at: 18)
        return header
    }

    /// Whether an entry of binfmt_misc is on and is for programs with this header.
    private static func matches(_ entry: String, _ header: [UInt8]) -> Bool {
        var fields: [Substring: Substring] = [:]
        for line in entry.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1)
            fields[words[0]] = words.count > 1 ? words[1] : ""
        }
        guard fields["enabled"] != nil, let magic = fields["magic"].flatMap(bytes), !magic.isEmpty,
            (Int(fields["offset"] ?? "0") ?? 0) == 0
        else { return false }
        let mask = fields["mask"].flatMap(bytes) ?? []
        return magic.enumerated().allSatisfy { index, byte in
            let bits = index < mask.count ? mask[index] : 0xFF
            let value = index < header.count ? header[index] : 0
            return value & bits == byte & bits
        }
    }

    private static func bytes(_ hex: Substring) -> [UInt8]? {
        var result: [UInt8] = []
        var rest = hex
        while !rest.isEmpty {
            guard rest.count >= 2, let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
            result.append(byte)
            rest = rest.dropFirst(2)
        }
        return result
    }
}
