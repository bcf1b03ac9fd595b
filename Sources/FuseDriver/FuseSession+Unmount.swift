extension FuseSession {
    /// Takes away a mount that another process serves; that process ends by itself then.
    /// - Parameter lazily: takes a busy mount out of sight.
    /// - Throws: code `busy` with the holders; `notMounted`; `permissionDenied`; `failed`.
    package static func unmount(_ mountPoint: [UInt8], lazily: Bool) throws(FuseError) {
        try Mounter.unmount(mountPoint, lazily ? .lazily : .whenUnused)
    }
}
