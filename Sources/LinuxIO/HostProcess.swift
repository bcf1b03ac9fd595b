internal import CLinux

/// A process of the host, whoever started it. Its number goes to no other while this lives.
package struct HostProcess: ~Copyable {
    private let descriptor: OwnedDescriptor

    /// - Returns: nil if it is gone, or the kernel is older than Linux 5.3.
    package init?(_ number: Int32) {
        let descriptor = vitrine_pidfd_open(number)
        guard descriptor >= 0 else { return nil }
        self.descriptor = OwnedDescriptor(adopting: descriptor)
    }

    /// One that has ended takes no signal.
    package func send(_ signal: Int32) {
        _ = vitrine_pidfd_send_signal(descriptor.rawValue, signal)
    }

    /// Whether a process has a file open.
    package static func hasOpen(_ path: String, _ number: Int32) -> Bool {
        let directory = "/proc/\(number)/fd"
        guard let file = try? FileStatus(ofPath: path),
            let names = try? HostDirectory.names(ofPath: directory)
        else { return false }
        return names.contains { name in
            let link = "\(directory)/\(String(decoding: name, as: UTF8.self))"
            // One that was closed meanwhile is not open.
            guard let opened = try? FileStatus(ofPath: link) else { return false }
            return opened.inode == file.inode && opened.device == file.device
        }
    }

    /// The numbers of all that this process sees.
    package static var all: [Int32] {
        // Without /proc there is none to be seen.
        ((try? HostDirectory.names(ofPath: "/proc")) ?? [])
            .compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
    }
}
