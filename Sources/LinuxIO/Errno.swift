internal import Glibc

/// The error number of a failed system call, errno(3).
package struct Errno: Error, Hashable, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    /// The calling thread's errno; read on the line after the call that set it.
    package static var current: Errno { Errno(rawValue: errno) }

    package static let notPermitted = Errno(rawValue: EPERM)
    package static let noSuchProcess = Errno(rawValue: ESRCH)
    package static let busy = Errno(rawValue: EBUSY)
    package static let tooManyLinks = Errno(rawValue: EMLINK)
    package static let notFound = Errno(rawValue: ENOENT)
    package static let interrupted = Errno(rawValue: EINTR)
    package static let inputOutput = Errno(rawValue: EIO)
    package static let wouldBlock = Errno(rawValue: EWOULDBLOCK)
    package static let accessDenied = Errno(rawValue: EACCES)
    package static let exists = Errno(rawValue: EEXIST)
    package static let crossDevice = Errno(rawValue: EXDEV)
    package static let notDirectory = Errno(rawValue: ENOTDIR)
    package static let isDirectory = Errno(rawValue: EISDIR)
    package static let invalidArgument = Errno(rawValue: EINVAL)
    package static let tooManyOpenFiles = Errno(rawValue: EMFILE)
    package static let systemFileTableFull = Errno(rawValue: ENFILE)
    package static let stale = Errno(rawValue: ESTALE)
    package static let noSpace = Errno(rawValue: ENOSPC)
    package static let quotaExceeded = Errno(rawValue: EDQUOT)
    package static let deviceOffset = Errno(rawValue: ENXIO)
    package static let readOnly = Errno(rawValue: EROFS)
    package static let notEmpty = Errno(rawValue: ENOTEMPTY)
    package static let symbolicLinkLoop = Errno(rawValue: ELOOP)
    package static let noData = Errno(rawValue: ENODATA)
    package static let unsupported = Errno(rawValue: ENOTSUP)
    package static let notImplemented = Errno(rawValue: ENOSYS)
    package static let notConnected = Errno(rawValue: ENOTCONN)
    package static let tooLarge = Errno(rawValue: EFBIG)
    package static let brokenPipe = Errno(rawValue: EPIPE)
}

extension Errno: CustomStringConvertible {
    /// The system's sentence, such as "No such file or directory".
    package var description: String {
        guard let text = unsafe strerror(rawValue) else { return "error \(rawValue)" }
        return unsafe String(cString: text)
    }
}

/// Repeats a call that a signal interrupted.
/// - Throws: the errno of a result below zero.
@discardableResult
func retrying<R: SignedInteger>(_ call: () -> R) throws(Errno) -> R {
    while true {
        let result = call()
        if result >= 0 { return result }
        let error = Errno.current
        if error != .interrupted { throw error }
    }
}
