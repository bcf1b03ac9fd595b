internal import CFuse
internal import Glibc

/// Another process, as a pidfd (pidfd_open(2)).
///
/// Nothing in `/proc` would do: numbers are given again, and the inode numbers of the directories
/// change when the kernel is short of memory.
final class ProcessHandle: Sendable {
    private let descriptor: OwnedDescriptor

    /// - Returns: nil if there is none of that number.
    init?(_ processID: Int32) {
        let raw = vitrine_process_handle(processID)
        guard raw >= 0 else { return nil }
        descriptor = OwnedDescriptor(adopting: raw)
    }

    /// A copy of one of its descriptors; nil if there is none, or the caller may not have it.
    func copy(ofDescriptor number: Int32) -> OwnedDescriptor? {
        let raw = vitrine_process_descriptor(descriptor.rawValue, number)
        return raw < 0 ? nil : OwnedDescriptor(adopting: raw)
    }

    /// Whether it ends in that time. One whose parent has not asked for its end yet has ended.
    /// - Parameter milliseconds: -1 for ever.
    func ends(within milliseconds: Int32) -> Bool {
        var state = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        while true {
            let count = unsafe poll(&state, 1, milliseconds)
            if count >= 0 || errno != EINTR { return count > 0 }
        }
    }
}
