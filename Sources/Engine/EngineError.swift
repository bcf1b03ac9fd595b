/// An operation that could not be done, in words for the person who asked.
package struct EngineError: Error, Sendable {
    package enum Code: Sendable {
        case notFound
        case ambiguous
        case invalid
        case inUse
        /// For what is done to containers that run.
        case notRunning
        /// The host lacks something: FUSE, a runtime, a privilege.
        case unavailable
        case cancelled
        case failed
    }

    package let code: Code
    package let message: String
    /// What would help.
    package let hint: String?

    package init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }
}

extension EngineError {
    init(notRunning name: String) {
        self.init(
            .notRunning, "container \"\(name)\" is not running",
            hint: "\"vitrine start \(name)\" starts it")
    }
}

extension EngineError: CustomStringConvertible {
    package var description: String { hint.map { "\(message)\n\($0)" } ?? message }
}
