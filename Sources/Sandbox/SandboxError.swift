/// Why a container could not be prepared, started or cleaned up.
///
/// A command that ran and failed is no error: its code is the result.
package struct SandboxError: Error, Hashable, Sendable {
    /// What callers branch on.
    package enum Code: String, Hashable, Sendable {
        /// The text is no `user[:group]`, or names nobody in the image.
        case invalidUser = "invalid-user"
        case unknownUser = "unknown-user"
        case unknownGroup = "unknown-group"
        case invalidRequest = "invalid-request"
        /// There is no OCI runtime, or none that works here.
        case noRuntime = "no-runtime"
        case runtimeFailed = "runtime-failed"
        case networkUnavailable = "network-unavailable"
        /// Somebody else has a port of the host.
        case portAllocated = "port-allocated"
        /// A system call of ours failed.
        case system
    }

    package let code: Code
    /// What was being done and to what, without a full stop.
    package let message: String
    /// What would help, where that is known.
    package let hint: String?

    package init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }
}

extension SandboxError: CustomStringConvertible {
    package var description: String { hint.map { "\(message); \($0)" } ?? message }
}
