/// Which build checks count, and whether a finding ends the build: what `# check=` says, or the
/// build argument `BUILDKIT_DOCKERFILE_CHECK`.
///
///     skip=JSONArgsRecommended,StageNameCasing;error=true;experimental=all
package struct CheckOptions: Hashable, Sendable {
    /// A set of checks by name, or all of them.
    package enum Selection: Hashable, Sendable {
        case all
        case names(Set<String>)

        func contains(_ code: DockerfileWarning.Code) -> Bool {
            switch self {
            case .all: true
            case .names: names(code)
            }
        }

        /// Whether the check is there by its name.
        func names(_ code: DockerfileWarning.Code) -> Bool {
            if case .names(let names) = self { return names.contains(code.rawValue.lowercased()) }
            return false
        }
    }

    package var skipped = Selection.names([])
    package var experimental = Selection.names([])
    /// Whether a build with findings fails.
    package var findingsAreErrors = false

    package init() {}

    /// Reads options separated by semicolons. Names of checks may be in any case; unknown ones mean
    /// nothing, as a later version may know them.
    ///
    /// - Throws: `invalidCheckOption`, without a place.
    package init(parsing text: String) throws(DockerfileError) {
        for part in text.split(separator: ";") {
            let option = part.trimmed
            if option.isEmpty { continue }
            guard let equals = option.firstIndex(of: "=") else {
                throw Self.invalid("a check option has no value: \(option.quoted)", option)
            }
            let value = option[option.index(after: equals)...].trimmed
            switch option[..<equals].trimmed {
            case "skip": skipped = Self.selection(value)
            case "experimental": experimental = Self.selection(value)
            case "error":
                guard let isError = GoBoolean.parse(value) else {
                    throw Self.invalid("error=\(value) is neither true nor false", value)
                }
                findingsAreErrors = isError
            case let name:
                throw Self.invalid("unknown check option: \(name)", name)
            }
        }
    }

    /// Whether findings of this kind are to be told. What `experimental` asks for, `skip=all` does
    /// not leave out.
    package func reports(_ code: DockerfileWarning.Code) -> Bool {
        if skipped.names(code) { return false }
        if experimental.names(code) { return true }
        return code.isExperimental ? experimental.contains(code) : !skipped.contains(code)
    }

    private static func selection(_ value: String) -> Selection {
        let names = value.split(separator: ",").map { $0.trimmed.lowercased() }
        return names.contains("all") ? .all : .names(Set(names))
    }

    private static func invalid(_ message: String, _ offending: String) -> DockerfileError {
        DockerfileError(
            .invalidCheckOption, message, offending: offending,
            expected: "skip=NAME,…;error=true;experimental=NAME,…")
    }
}

extension StringProtocol {
    /// Without blanks around it.
    fileprivate var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text = text.dropFirst() }
        while text.last?.isWhitespace == true { text = text.dropLast() }
        return String(text)
    }
}
