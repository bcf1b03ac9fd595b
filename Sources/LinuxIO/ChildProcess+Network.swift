internal import CLinux
internal import Glibc

extension ChildProcess {
    /// Makes a network namespace that no process is in; it lives as long as the descriptor.
    ///
    /// The calling thread stays in it: for a thread that then ends.
    /// - Throws: EPERM without CAP_SYS_ADMIN.
    package static func makeNetworkNamespace() throws(Errno) -> OwnedDescriptor {
        let descriptor = vitrine_new_network_namespace()
        guard descriptor >= 0 else { throw Errno.current }
        return OwnedDescriptor(adopting: descriptor)
    }

    /// Moves the calling thread to a network namespace, for a thread that stays there.
    /// - Throws: EPERM without CAP_SYS_ADMIN.
    package static func joinNetworkNamespace(_ descriptor: Int32) throws(Errno) {
        try retrying { vitrine_join_network_namespace(descriptor) }
    }
}
