internal import CLinux
internal import Glibc
internal import Synchronization

/// Children that others made: of a process that has said so, orphans among its descendants become its
/// children, and have to be reaped like its own.
extension ChildProcess {
    private struct Orphanage {
        /// Who will be waited for.
        var known: Set<Int32> = []
        /// Children that are about to become known.
        var expected = 0
    }

    private static let orphanage = Mutex(Orphanage())

    /// From now on this process is the parent of those whose parent ends, among its descendants
    /// (prctl(2)).
    ///
    /// Orphans that nobody takes on by ``adopt(_:)`` are reaped by ``reapOrphans()``, to be called at
    /// each SIGCHLD: one that stays a zombie in a process namespace keeps that from ending.
    package static func adoptOrphans() throws(Errno) {
        try retrying { vitrine_adopt_orphans() }
    }

    /// Runs `body`, in which a child comes about that is to be taken on: meanwhile no orphan is reaped.
    package static func expectingOrphan<R, E: Error>(
        _ body: () throws(E) -> R
    ) throws(E) -> R {
        orphanage.withLock { $0.expected += 1 }
        defer {
            orphanage.withLock { $0.expected -= 1 }
            reapOrphans()
        }
        return try body()
    }

    /// Reaps children that have ended and that nobody waits for.
    package static func reapOrphans() {
        orphanage.withLock { orphanage in
            guard orphanage.expected == 0 else { return }
            for child in children where !orphanage.known.contains(child) {
                _ = waitpid(child, nil, WNOHANG)
            }
        }
    }

    /// A child that is started while this runs is known before any orphan is reaped.
    static func launched(
        _ launch: () throws(StartError) -> Int32
    ) throws(StartError) -> Int32 {
        try orphanage.withLock { (orphanage) throws(StartError) in
            let child = try launch()
            orphanage.known.insert(child)
            return child
        }
    }

    /// Whoever made a child may be about to end, and is its parent until then.
    static func awaitParenthood(of child: Int32) {
        for _ in 0..<(adoptionMilliseconds * 10) {
            var info = unsafe siginfo_t()
            let result = unsafe waitid(
                P_PID, id_t(child), &info, WEXITED | WNOHANG | WNOWAIT)
            if result == 0 || errno != ECHILD { return }
            usleep(100)
        }
    }

    private static let adoptionMilliseconds = 2000

    static func know(_ child: Int32) { orphanage.withLock { _ = $0.known.insert(child) } }

    static func forget(_ child: Int32) { orphanage.withLock { _ = $0.known.remove(child) } }

    /// The kernel lists them by the thread that made them (proc(5), `children`).
    private static var children: [Int32] {
        // Without /proc no orphan is found, and none is reaped by mistake.
        guard let threads = try? HostDirectory.names(ofPath: "/proc/self/task") else { return [] }
        return threads.flatMap { thread -> [Int32] in
            let path = "/proc/self/task/\(String(decoding: thread, as: UTF8.self))/children"
            guard let file = try? OwnedDescriptor(opening: path, .readOnly),
                let bytes = try? DescriptorIO.readAll(file.rawValue, limit: 1 << 20)
            else { return [] }
            return String(decoding: bytes, as: UTF8.self).split(separator: " ")
                .compactMap { Int32($0) }
        }
    }
}
