package import ImageSpec

/// What a build takes from another host.
package enum RemoteSource: Hashable, Sendable {
    case file(WebAddress)
    case repository(GitReference)

    /// What a source of ADD names.
    /// - Returns: nil for a path.
    /// - Throws: `invalidArgument` for an address that is none.
    package init?(_ text: String) throws {
        if let repository = try GitReference(parsing: text) {
            self = .repository(repository)
        } else {
            guard let file = try Self.file(text) else { return nil }
            self = file
        }
    }

    /// What a command line names as context.
    package init?(context text: String) throws {
        if let repository = try GitReference(parsingContext: text) {
            self = .repository(repository)
        } else {
            guard let file = try Self.file(text) else { return nil }
            self = file
        }
    }

    private static func file(_ text: String) throws -> RemoteSource? {
        let lower = text.lowercased()
        guard lower.hasPrefix("http://") || lower.hasPrefix("https://") else { return nil }
        guard let address = WebAddress(text) else {
            throw BuildError(
                .invalidArgument, "\"\(text)\" is no address that a file can be downloaded from",
                offending: text, expected: "http://HOST/PATH or https://HOST/PATH")
        }
        return .file(address)
    }
}

extension RemoteSource: CustomStringConvertible {
    package var description: String {
        switch self {
        case .file(let address): "\(address)"
        case .repository(let repository): "\(repository)"
        }
    }
}
