internal import Glibc

/// Why a FUSE mount could not be made or taken away.
package struct FuseError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable {
        /// `/dev/fuse` does not exist or has no driver.
        case deviceMissing
        case permissionDenied
        /// fusermount3 is needed and not installed.
        case mountHelperMissing
        case mountPointMissing
        case mountPointNotDirectory
        case mountPointNotEmpty
        /// What is mounted there has lost its server, or gets no answer from it.
        case mountPointStale
        case notMounted
        case busy
        case protocolMismatch
        case outOfResources
        case failed
    }

    package let code: Code
    /// What was being done, and to what.
    package let message: String
    /// What would help, where that is known.
    package let remedy: String?
    /// The host's errno, 0 where none was involved.
    package let errno: Int32
    /// Who keeps the mount busy, with ``Code/busy``.
    package let holders: MountHolders?

    init(
        _ code: Code, _ message: String, remedy: String? = nil, errno: Int32 = 0,
        holders: MountHolders? = nil
    ) {
        self.code = code
        self.message = message
        self.remedy = remedy
        self.errno = errno
        self.holders = holders
    }

    package var description: String {
        var text = message
        if errno != 0, let reason = unsafe strerror(errno) {
            text += ": \(unsafe String(cString: reason))"
        }
        if let holders, !holders.isEmpty { text += "\n\(holders)" }
        if let remedy { text += "\n\(remedy)" }
        return text
    }

    static func outOfResources(_ what: String, errno: Int32) -> FuseError {
        FuseError(.outOfResources, "creating \(what)", errno: errno)
    }
}
