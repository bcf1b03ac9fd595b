internal import CLinux
internal import Glibc

extension DescriptorIO {
    /// Sets the modification time and leaves the access time alone (futimens(3)).
    package static func setModificationTime(
        _ descriptor: Int32, _ time: FileTimestamp
    ) throws(Errno) {
        let modified = timespec(tv_sec: Int(time.seconds), tv_nsec: Int(time.nanoseconds))
        try setTimes(descriptor, [timespec(tv_sec: 0, tv_nsec: omit), modified])
    }

    /// Has the file system stamp the file with its own clock, and leaves the access time alone.
    package static func setModificationTimeToNow(_ descriptor: Int32) throws(Errno) {
        try setTimes(
            descriptor, [timespec(tv_sec: 0, tv_nsec: omit), timespec(tv_sec: 0, tv_nsec: now)])
    }

    /// `UTIME_OMIT` and `UTIME_NOW` of sys/stat.h, macros that Swift does not see.
    static let omit = (1 << 30) - 2
    static let now = (1 << 30) - 1

    private static func setTimes(
        _ descriptor: Int32, _ times: InlineArray<2, timespec>
    ) throws(Errno) {
        let result = unsafe times.span.withUnsafeBufferPointer {
            unsafe futimens(descriptor, $0.baseAddress)
        }
        guard result == 0 else { throw Errno.current }
    }

    /// Whether anybody, this process through another descriptor included, may write to the file
    /// that is open for reading here: by an open file or by a shared mapping that outlived one.
    ///
    /// - Returns: false where the file system cannot tell (fcntl(2), `F_SETLEASE`: a read lease is
    ///   refused beside writers).
    package static func hasWriters(_ descriptor: Int32) -> Bool {
        guard vitrine_fcntl(descriptor, setLease, F_RDLCK) == 0 else {
            return errno == EAGAIN
        }
        _ = vitrine_fcntl(descriptor, setLease, F_UNLCK)
        return false
    }

    /// `F_SETLEASE`, declared only under `_GNU_SOURCE`.
    private static let setLease: Int32 = 1024
}
