/// Why a mount that is taken away still lives after some seconds.
package enum UnmountDelay: Sendable, Hashable, CustomStringConvertible {
    /// Its process brings to the disk what was changed.
    case writing
    /// It is still mounted in the mount namespace of another process, and ends with that.
    case mountedElsewhere(processID: Int32, command: String)

    package var description: String {
        switch self {
        case .writing: "what was changed in it is still being written to the disk"
        case .mountedElsewhere(let processID, let command):
            "it lives on in the mount namespace of process \(processID) (\(command)), and ends with "
                + "that"
        }
    }
}

extension FuseSession {
    /// Takes away a mount that another process serves; that process ends by itself then. Returns when
    /// it has, so that what it held (its store's file system, say) is free; or when somebody else still
    /// has the mount.
    /// - Parameters:
    ///   - lazily: takes a busy mount out of sight, and waits for nobody.
    ///   - onDelay: called once, when the process has not ended after some seconds.
    /// - Throws: code `busy` with the holders; `notMounted`; `permissionDenied`; `failed`.
    package static func unmount(
        _ mountPoint: [UInt8], lazily: Bool, onDelay: (UnmountDelay) -> Void = { _ in }
    ) throws(FuseError) {
        guard !lazily else { return try Mounter.unmount(mountPoint, .lazily) }
        let server = MountTable()?.entry(at: mountPoint).flatMap { MountServer(of: $0) }
        try Mounter.unmount(mountPoint, .whenUnused)
        server?.waitForEnd(onDelay)
    }
}
