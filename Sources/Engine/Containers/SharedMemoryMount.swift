internal import LinuxIO
internal import Store

/// The `/dev/shm` of a container whose memory segments others may see: mounted on the host for one run,
/// and bound into the container.
///
/// Each of those who share it has a mount of its own, so that nobody's end takes it from the others. What
/// a killed process leaves goes with the lease.
final class SharedMemoryMount {
    let path: String

    /// Makes an empty one.
    init(sizeBytes: Int64, in lease: Lease) throws {
        path = try Self.place(in: lease)
        do throws(Errno) {
            try MemoryMount.make(
                at: path, permissions: 0o1777, sizeBytes: sizeBytes, allowsExecution: false)
        } catch {
            throw Self.failure(error)
        }
    }

    /// Shows that of another container.
    /// - Throws: ``EngineError`` if that is its own alone, or it has just ended.
    init(of container: JoinedContainer, in lease: Lease) throws {
        let shared = container.state.sharedMemory
        guard !shared.isEmpty else {
            throw container.refusal(
                "non-shareable IPC", hint: "make it with --ipc shareable")
        }
        path = try Self.place(in: lease)
        do throws(Errno) {
            let source = try OwnedDescriptor(opening: shared, [.pathOnly, .directory])
            let target = try OwnedDescriptor(opening: path, [.pathOnly, .directory])
            // What is no longer mounted is a directory like this one for a moment.
            guard
                try FileStatus(of: source.rawValue).device
                    != FileStatus(of: target.rawValue).device
            else { throw Errno.notFound }
            try BindMount.make(source.rawValue, over: target.rawValue)
        } catch .notFound {
            throw container.refusal("it has just ended", hint: "start it, and try again")
        } catch {
            throw Self.failure(error)
        }
    }

    private static func place(in lease: Lease) throws -> String {
        let path = lease.newWorkPath("shm")
        try HostDirectory.make(path, permissions: 0o700)
        return path
    }

    private static func failure(_ error: Errno) -> EngineError {
        EngineError(
            .failed, "could not mount the container's shared memory: \(error)",
            hint: error == .notPermitted ? "it takes the right to mount (CAP_SYS_ADMIN)" : nil)
    }

    /// It goes with the last of those who share it.
    func end() {
        // What cannot be taken away now goes with the lease.
        try? MemoryMount.remove(path)
        try? HostDirectory.removeEmpty(path)
    }
}
