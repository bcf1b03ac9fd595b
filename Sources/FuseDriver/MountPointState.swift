internal import CFuse
internal import Glibc
internal import Synchronization

/// What stands at a path, seen as a mount point.
package enum MountPointState: Sendable, Hashable {
    /// Nothing is mounted at exactly this path.
    case notMounted
    /// A mount that answers.
    case live
    /// A FUSE mount whose server is gone ("Transport endpoint is not connected").
    case stale
    /// A mount that did not answer within the time allowed.
    case unresponsive

    /// How long a mount may take to answer before it counts as unresponsive.
    private static let patienceMilliseconds: Int32 = 2000

    /// - Parameter path: absolute and resolved, as the mount table spells it.
    package init(at path: [UInt8]) {
        guard MountTable()?.entry(at: path) != nil else {
            self = .notMounted
            return
        }
        self = Self.probe(path)
    }

    /// Asks on a thread of its own: nobody can take a call to a hung mount back.
    private static func probe(_ path: [UInt8]) -> MountPointState {
        guard let probe = try? Probe(path: path) else {
            // Out of descriptors: nothing can be told of the mount, so nothing is held against it.
            return .live
        }
        let context = unsafe Unmanaged.passRetained(probe).toOpaque()
        let started = unsafe Thread.start(stackBytes: 1 << 16, detached: true, context: context) {
            guard let context = unsafe $0 else { return nil }
            unsafe Unmanaged<Probe>.fromOpaque(context).takeRetainedValue().run()
            return nil
        }
        guard started != nil else {
            unsafe Unmanaged<Probe>.fromOpaque(context).release()
            return .live
        }
        guard probe.done.wait(milliseconds: patienceMilliseconds) else { return .unresponsive }
        return probe.failure.load(ordering: .acquiring) == ENOTCONN ? .stale : .live
    }
}

/// One statvfs(3) of a mount point and its outcome. Not stat(2), which the kernel may answer for a
/// dead server, from what it remembers.
private final class Probe: Sendable {
    let path: [UInt8]
    let done: Bell
    let failure = Atomic<Int32>(0)

    init(path: [UInt8]) throws(FuseError) {
        self.path = path
        done = try Bell()
    }

    func run() {
        var status = statvfs()
        if unsafe path.withCString({ unsafe statvfs($0, &status) }) != 0 {
            failure.store(errno, ordering: .releasing)
        }
        done.ring()
    }
}
