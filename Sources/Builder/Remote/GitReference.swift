/// A commit of a git repository of another host, as ADD, contexts and named contexts name it.
///
///     https://host/repository.git#REF:SUBDIRECTORY      also git://, ssh://, http://
///     git@host:repository.git#REF:SUBDIRECTORY
///     https://host/repository.git?branch=…&tag=…&ref=…&subdir=…&checksum=…&keep-git-dir&submodules=false
package struct GitReference: Hashable, Sendable {
    /// What `git fetch` is given.
    package var remote: String
    /// A branch, a tag, a full name of a reference or a commit; nil is the default branch.
    package var reference: String?
    package var subdirectory: String?
    /// The first digits of the commit that it must be.
    package var checksum: String?
    package var keepsDirectory: Bool?
    package var takesSubmodules = true

    /// Of a commit's name, in repositories of SHA-1 and of SHA-256.
    static let digits = 40
    static let longDigits = 64

    /// - Returns: nil for a text that is about something else.
    /// - Throws: `invalidArgument` for a repository that is named wrongly.
    package init?(parsing text: String) throws {
        let hash = text.firstIndex(of: "#")
        let fragment = hash.map { String(text[text.index(after: $0)...]) } ?? ""
        var address = String(text[..<(hash ?? text.endIndex)])
        var query = ""
        if let mark = address.firstIndex(of: "?") {
            query = String(address[address.index(after: mark)...])
            address = String(address[..<mark])
        }
        guard Self.isRepository(address) else { return nil }
        remote = address
        let parts = fragment.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            .map(String.init)
        reference = (parts.first ?? "").isEmpty ? nil : parts[0]
        subdirectory = parts.count < 2 || parts[1].isEmpty ? nil : parts[1]
        try read(query: query, of: text)
        if checksum != nil, reference == nil { reference = checksum }
        try check(text)
    }

    /// The same for a build context, which `github.com/…` names as well.
    package init?(parsingContext text: String) throws {
        let whole = text.hasPrefix("github.com/") ? "https://" + text : text
        if whole != text, !whole.prefix(while: { $0 != "#" && $0 != "?" }).hasSuffix(".git") {
            // As Docker: there it needs no ".git".
            let end = whole.firstIndex { $0 == "#" || $0 == "?" } ?? whole.endIndex
            try self.init(parsing: whole[..<end] + ".git" + whole[end...])
        } else {
            try self.init(parsing: whole)
        }
    }

    private static func isRepository(_ address: String) -> Bool {
        let lower = address.lowercased()
        if lower.hasPrefix("http://") || lower.hasPrefix("https://") {
            return lower.hasSuffix(".git") && lower.split(separator: "/").count > 2
        }
        if lower.hasPrefix("git://") || lower.hasPrefix("ssh://") { return true }
        return isSecureShell(address)
    }

    /// `user@host:path`, as scp(1) writes it.
    private static func isSecureShell(_ address: String) -> Bool {
        guard !address.contains("://"), let at = address.firstIndex(of: "@"),
            let colon = address[at...].firstIndex(of: ":")
        else { return false }
        let user = address[..<at]
        let host = address[address.index(after: at)..<colon]
        func isName(_ text: Substring, _ further: String) -> Bool {
            !text.isEmpty
                && text.utf8.allSatisfy {
                    (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0)
                        || further.utf8.contains($0)
                }
        }
        return isName(user, "-_") && isName(host, "-.")
            && address.index(after: colon) < address.endIndex
    }

    private mutating func read(query: String, of text: String) throws {
        guard !query.isEmpty else { return }
        var names: [String: String] = [:]
        for field in query.split(separator: "&") {
            let parts = field.split(separator: "=", maxSplits: 1).map(String.init)
            guard names.updateValue(parts.count > 1 ? parts[1] : "", forKey: parts[0]) == nil
            else { throw Self.invalid(text, "\"\(parts[0])\" is given twice") }
        }
        for (name, value) in names.sorted(by: { $0.key < $1.key }) {
            if value.isEmpty, !["keep-git-dir", "submodules"].contains(name) {
                throw Self.invalid(text, "\"\(name)\" has no value")
            }
            switch name {
            case "ref": try set(\.reference, value, "ref", text)
            case "tag": try set(\.reference, Self.full(value, "refs/tags/"), "ref", text)
            case "branch": try set(\.reference, Self.full(value, "refs/heads/"), "ref", text)
            case "subdir": try set(\.subdirectory, value, "subdir", text)
            case "checksum", "commit": try set(\.checksum, value, name, text)
            case "keep-git-dir": keepsDirectory = try Self.boolean(value, name, text)
            case "submodules": takesSubmodules = try Self.boolean(value, name, text)
            default: throw Self.invalid(text, "\"\(name)\" means nothing here")
            }
        }
    }

    private static func full(_ name: String, _ prefix: String) -> String {
        name.hasPrefix(prefix) ? name : prefix + name
    }

    private mutating func set(
        _ field: WritableKeyPath<GitReference, String?>, _ value: String, _ name: String,
        _ text: String
    ) throws {
        if let old = self[keyPath: field], old != value {
            throw Self.invalid(text, "\(name) is both \"\(old)\" and \"\(value)\"")
        }
        self[keyPath: field] = value
    }

    private static func boolean(_ value: String, _ name: String, _ text: String) throws -> Bool {
        switch value.lowercased() {
        case "", "1", "t", "true": return true
        case "0", "f", "false": return false
        default: throw invalid(text, "\(name) is true or false, not \"\(value)\"")
        }
    }

    /// Nothing of it may be an option to git or to ssh.
    private func check(_ text: String) throws {
        let host = remote.split(separator: "/", omittingEmptySubsequences: true).dropFirst().first
        let isPlain = [remote, reference ?? "", host.map(String.init) ?? ""].allSatisfy {
            !$0.hasPrefix("-") && $0.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
        }
        guard isPlain, reference?.contains("..") != true else {
            throw Self.invalid(text, "it holds what no name of a repository or reference has")
        }
        if let checksum {
            guard !checksum.isEmpty, checksum.utf8.allSatisfy(Self.isHexDigit) else {
                throw Self.invalid(
                    text, "the checksum \"\(checksum)\" is no commit",
                    hint: "a commit has 40 hex digits, or 64, of which the first ones are enough")
            }
        }
    }

    /// The same, which must be this commit (`--checksum`).
    func checked(_ checksum: String) throws -> GitReference {
        var copy = self
        copy.checksum = checksum
        if copy.reference == nil { copy.reference = checksum }
        try copy.check(description)
        return copy
    }

    static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }

    static func invalid(_ text: String, _ what: String, hint: String? = nil) -> BuildError {
        BuildError(
            .invalidArgument, "the git repository \"\(redacted(text))\" is named wrongly: \(what)",
            offending: text, hint: hint)
    }

    /// The text without a password.
    static func redacted(_ text: String) -> String {
        guard let scheme = text.firstRange(of: "://") else { return text }
        let rest = text[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" }
        guard let at = authority.lastIndex(of: "@"), authority[..<at].contains(":") else {
            return text
        }
        let user = authority[..<at].prefix { $0 != ":" }
        return text[..<scheme.upperBound] + user + ":xxxxx" + rest[at...]
    }

    /// Whether the reference is a whole commit.
    var isCommit: Bool {
        guard let reference else { return false }
        return [Self.digits, Self.longDigits].contains(reference.utf8.count)
            && reference.utf8.allSatisfy(Self.isHexDigit)
    }
}

extension GitReference: CustomStringConvertible {
    /// For messages: without a password.
    package var description: String {
        Self.redacted(remote) + (reference.map { "#\($0)" } ?? "")
    }
}
