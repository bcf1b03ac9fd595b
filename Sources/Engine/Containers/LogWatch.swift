internal import Glibc
internal import LinuxIO
internal import Store

/// Waits for what happens in a container's directory (inotify(7)): its log grows or begins anew, its
/// socket goes.
struct LogWatch: ~Copyable {
    /// Below zero where the host has no watch left: then it is looked every moment.
    private let descriptor: Int32

    private static let fallbackMilliseconds: Int32 = 50

    init(_ place: ContainerPlace) {
        let descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        let events = UInt32(IN_MODIFY | IN_MOVED_TO | IN_CREATE | IN_DELETE)
        if descriptor >= 0, unsafe inotify_add_watch(descriptor, place.directory, events) < 0 {
            close(descriptor)
            self.descriptor = -1
        } else {
            self.descriptor = descriptor
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// - Returns: false if nothing happened for so long.
    func wait(upToMilliseconds limit: Int32) -> Bool {
        guard descriptor >= 0 else {
            let pause = min(limit, Self.fallbackMilliseconds)
            usleep(UInt32(max(0, pause)) * 1000)
            return pause < limit
        }
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // A signal that comes in between is as good as an event.
        guard unsafe poll(&request, 1, max(0, limit)) != 0 else { return false }
        // What happened is looked up; the events are only taken away.
        var events = [UInt8](repeating: 0, count: 1 << 12)
        while let count = try? DescriptorIO.read(descriptor, into: &events), count > 0 {}
        return true
    }
}
