extension FuseSession {
    /// Takes away a mount that another process serves; that process ends by itself then. Returns when
    /// it has, so that what it held (its store's file system, say) is free.
    /// - Parameter lazily: takes a busy mount out of sight, and waits for nobody.
    /// - Throws: code `busy` with the holders; `notMounted`; `permissionDenied`; `failed`.
    package static func unmount(_ mountPoint: [UInt8], lazily: Bool) throws(FuseError) {
        guard !lazily else { return try Mounter.unmount(mountPoint, .lazily) }
        let server = MountTable()?.entry(at: mountPoint).flatMap { MountServer(of: $0) }
        try Mounter.unmount(mountPoint, .whenUnused)
        server?.waitForEnd()
    }
}
