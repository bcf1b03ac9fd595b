internal import GRDB
internal import LinuxIO

/// A store operation that could not be done.
package struct StoreError: Error, Sendable {
    package enum Code: Hashable, Sendable {
        /// The directory is not a store and could not be made one.
        case cannotOpen
        /// Made by a later version.
        case unsupportedVersion
        /// A name, image, layer or entry that is not there.
        case notFound
        /// An identifier that fits several images.
        case ambiguous
        /// Content that does not have the digest or size it should.
        case corrupt
        /// Something that is still needed.
        case inUse
        /// The host refused: no room, no permission, a failing disk.
        case inputOutput
        /// The state database refused.
        case database
    }

    package let code: Code
    package let message: String
    package let path: String?
    package let cause: (any Error)?

    package init(
        _ code: Code, _ message: String, path: String? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.path = path
        self.cause = cause
    }
}

extension StoreError {
    /// Whether it failed because the store is on a file system that cannot be changed.
    package var isReadOnlyFileSystem: Bool { cause as? Errno == .readOnly }
}

extension StoreError: CustomStringConvertible {
    /// A database's errors tell their statements, which say nothing to the users of a store.
    private static func reason(_ cause: any Error) -> String {
        if cause as? Errno == .readOnly {
            return "the store is on a read-only file system: it can be read, and changed once that "
                + "is mounted writable"
        }
        guard let error = cause as? DatabaseError else { return "\(cause)" }
        switch error.resultCode {
        case .SQLITE_READONLY, .SQLITE_PERM: return "the store can only be read"
        case .SQLITE_CANTOPEN: return "its files can neither be opened nor made"
        case .SQLITE_FULL: return "there is no room left on its file system"
        default: return error.message ?? "\(error.resultCode)"
        }
    }

    package var description: String {
        var text = message
        if let path { text += " (\(path))" }
        if let cause { text += ": \(Self.reason(cause))" }
        return text
    }
}
