internal import LinuxIO

/// A small program that can be the first process of any container (`--init`): it needs no file but
/// itself, passes signals on and reaps orphans.
package enum InitProgram {
    private static let names = ["docker-init", "catatonit", "tini-static", "tini"]
    private static let directories = [
        "/usr/libexec/podman", "/usr/libexec/docker", "/usr/local/bin", "/usr/bin", "/usr/sbin",
        "/bin", "/sbin",
    ]

    /// The first that is there and linked statically: the container may have another libc, or none.
    /// - Throws: `invalidRequest` when there is none.
    package static func path() throws(SandboxError) -> String {
        var others: [String] = []
        for name in names {
            for directory in directories {
                let path = "\(directory)/\(name)"
                guard HostDirectory.exists(path) else { continue }
                if isStatic(path) { return path }
                others.append(path)
            }
        }
        let dynamic =
            others.first.map { "; \($0) needs libraries that the container may not have" } ?? ""
        throw SandboxError(
            .invalidRequest, "there is no init program for --init\(dynamic)",
            hint: "install catatonit, or leave out --init")
    }

    /// An ELF program (elf(5)) of 64 bits without an interpreter.
    private static func isStatic(_ path: String) -> Bool {
        // What cannot be read cannot be used.
        guard let file = try? OwnedDescriptor(opening: path, .readOnly),
            let head = try? DescriptorIO.bytes(file.rawValue, in: 0..<4096)
        else { return false }
        return isStatic(head: head)
    }

    /// - Parameter head: the first 4 KiB of the file.
    static func isStatic(head: [UInt8]) -> Bool {
        // Magic number, 64 bits, little-endian: all that Linux containers run on here.
        guard head.count >= 64, head.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]) else {
            return false
        }
        func number(_ offset: Int, _ bytes: Int) -> UInt64 {
            head[offset..<(offset + bytes)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        let (start, size, count) = (number(32, 8), number(54, 2), number(56, 2))
        guard size >= 56, start >= 64, count > 0 else { return false }
        for index in 0..<count {
            let (offset, overflow) = start.addingReportingOverflow(index * size)
            guard !overflow, offset <= UInt64(head.count) - 4 else { return false }
            if number(Int(offset), 4) == interpreter { return false }
        }
        return true
    }

    /// `PT_INTERP`
    private static let interpreter: UInt64 = 3
}
