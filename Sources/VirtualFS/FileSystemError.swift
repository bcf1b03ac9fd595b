/// Why a file system operation failed, in the terms of the errno that programs see.
package enum FileSystemError: Error, Hashable, Sendable {
    case notPermitted, notFound, inputOutput, noSuchDevice, badHandle, accessDenied, busy
    case exists, crossDevice, notDirectory, isDirectory, invalidArgument, tooManyOpenFiles
    case textBusy, fileTooLarge, noSpace, readOnly, tooManyLinks, resultTooLarge, nameTooLong
    case notImplemented, notEmpty, symbolicLinkLoop, noData, unsupported, stale, quotaExceeded
    case outOfMemory, interrupted, deviceOffset, argumentListTooLong
    /// An errno that the host gave and that has no case of its own.
    case other(errno: Int32)

    /// One row a case; both directions read it.
    private static let table: [(FileSystemError, Int32)] = [
        (.notPermitted, 1), (.notFound, 2), (.interrupted, 4), (.inputOutput, 5),
        (.deviceOffset, 6), (.argumentListTooLong, 7), (.badHandle, 9), (.outOfMemory, 12),
        (.accessDenied, 13), (.busy, 16), (.exists, 17), (.crossDevice, 18), (.noSuchDevice, 19),
        (.notDirectory, 20), (.isDirectory, 21), (.invalidArgument, 22), (.tooManyOpenFiles, 24),
        (.textBusy, 26), (.fileTooLarge, 27), (.noSpace, 28), (.readOnly, 30),
        (.tooManyLinks, 31), (.resultTooLarge, 34), (.nameTooLong, 36), (.notImplemented, 38),
        (.notEmpty, 39), (.symbolicLinkLoop, 40), (.noData, 61), (.unsupported, 95),
        (.stale, 116), (.quotaExceeded, 122),
    ]

    /// The Linux errno (asm-generic numbers).
    package var errno: Int32 {
        if case .other(let value) = self { return value }
        return Self.table.first { $0.0 == self }?.1 ?? 5
    }

    /// The error for a host's errno.
    package init(errno: Int32) {
        self = Self.table.first { $0.1 == errno }?.0 ?? .other(errno: errno)
    }
}
