internal import ImageSpec

/// Why a command did not come to run, told apart from the codes of commands that did.
package struct StartFailure: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case commandNotFound
        /// A directory, no permission, or in a format that the kernel does not know.
        case commandNotExecutable
        case runtime
    }

    package let kind: Kind
    /// The runtime's words.
    package let message: String

    init(kind: Kind, message: String) {
        self.kind = kind
        self.message = message
    }

    /// The last error in the runtime's log, a JSON object a line.
    /// - Returns: nil when there is none: then the command ran.
    init?(log: [UInt8]) {
        let errors = log.split(separator: 0x0A).compactMap { line -> String? in
            // crun logs plain text in a few places; those are warnings.
            guard let entry = try? JSONParser.parse(Array(line)),
                entry["level"]?.stringValue == "error" || entry["level"]?.stringValue == "fatal"
            else { return nil }
            return entry["msg"]?.stringValue
        }
        guard let message = errors.last else { return nil }
        self.init(kind: Self.kind(of: message), message: message)
    }

    private static func kind(of message: String) -> Kind {
        let text = message.lowercased()
        // crun: "executable file `x` not found", "open executable", "exec container process";
        // runc: "exec: \"x\":", "exec /x:".
        let isCommand = ["executable", "exec container process", "exec: ", "exec /"].contains {
            text.contains($0)
        }
        guard isCommand else { return .runtime }
        if text.contains("not found") || text.contains("no such file") { return .commandNotFound }
        return .commandNotExecutable
    }
}
