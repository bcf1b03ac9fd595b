/// A `RUN --mount` as it is meant: its options read by the rules of BuildKit's frontend
/// (`commands_runmount.go`), after their variables were filled in.
package struct RunMount: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case bind, cache, tmpfs, secret, ssh

        private static let targets = ["target", "dst", "destination"]
        private static let access = ["readonly", "ro", "readwrite", "rw"]
        private static let owner = ["mode", "uid", "gid"]

        /// The options that mean something for it, as BuildKit's reference lists them.
        var keys: [String] {
            switch self {
            case .bind: Self.targets + ["source", "src", "from"] + Self.access
            case .cache:
                Self.targets + ["id", "sharing", "from", "source", "src"] + Self.owner + Self.access
            case .tmpfs: Self.targets + ["size"]
            case .secret: Self.targets + ["id", "source", "src", "env", "required"] + Self.owner
            case .ssh: Self.targets + ["id", "required"] + Self.owner
            }
        }
    }

    /// What several builds that mount one cache at once do.
    package enum Sharing: String, Hashable, Sendable, CaseIterable {
        /// They write to it together.
        case shared
        /// The later ones get another.
        case `private`
        /// The later ones wait.
        case locked
    }

    package var kind = Kind.bind
    /// The stage, image or context that the source is in; nil is the build context, and for a cache
    /// nothing.
    package var from: String?
    /// In `from`; empty is its root. Of a secret another name for `id`.
    package var source = ""
    /// As it was written; relative ones are meant from the working directory, which an empty one
    /// is, unless the kind has a default.
    package var target = ""
    package var isReadOnly = true
    package var sharing = Sharing.shared
    package var id = ""
    /// Whether a secret or socket that is not given is an error.
    package var isRequired = false
    /// Of a tmpfs; nil leaves it to the kernel.
    package var sizeBytes: Int64?
    package var permissions: UInt32?
    package var userID: UInt32?
    package var groupID: UInt32?
    /// The variable that a secret is put into; empty is one of the secret's own name.
    package var variable: String?

    /// - Throws: `invalidMount`, without a place.
    package init(_ options: MountOptions) throws(DockerfileError) {
        var parser = RunMountParser(options)
        self = try parser.parse()
    }

    /// For the parser, which fills it.
    init() {}
}

/// Reads the options of one mount, in order: later ones count, and some are allowed only after
/// `type` has said so.
struct RunMountParser {
    private let options: MountOptions
    private var mount = RunMount()
    private var isAccessStated = false
    private var hasSharing = false

    init(_ options: MountOptions) { self.options = options }

    mutating func parse() throws(DockerfileError) -> RunMount {
        for option in options.options { try take(option) }
        if !isAccessStated { mount.isReadOnly = mount.kind != .cache && mount.kind != .tmpfs }
        try check()
        return mount
    }

    private static let flags = ["readonly", "ro", "readwrite", "rw", "required"]
    private static let keys =
        flags + [
            "type", "from", "source", "src", "target", "dst", "destination", "id", "sharing",
            "size", "mode", "uid", "gid", "env",
        ]

    private mutating func take(_ option: MountOptions.Option) throws(DockerfileError) {
        let key = option.key
        guard Self.keys.contains(key) else {
            let field = option.value.map { "\(key)=\($0)" } ?? key
            throw invalid(
                "unexpected key '\(key)' in '\(field)'", offending: key,
                expected: expectedKeys, hint: hint(for: key))
        }
        guard let value = option.value ?? (Self.flags.contains(key) ? "true" : nil) else {
            throw invalid(
                "invalid field '\(key)' must be a key=value pair", offending: key,
                expected: "\(key)=VALUE")
        }
        switch key {
        case "type": mount.kind = try choice(value, "unsupported mount type \(value.quoted)")
        case "from": mount.from = value.isEmpty ? nil : value
        case "source", "src": mount.source = value
        case "target", "dst", "destination": mount.target = value
        case "id": mount.id = value
        case "env": mount.variable = value
        case "sharing":
            mount.sharing = try choice(value, "unsupported sharing value \(value.quoted)")
            hasSharing = true
        default: try takeAttribute(key, value)
        }
    }

    private mutating func takeAttribute(
        _ key: String, _ value: String
    ) throws(DockerfileError) {
        switch key {
        case "readonly", "ro", "readwrite", "rw":
            let isSet = try boolean(key, value)
            mount.isReadOnly = key == "readonly" || key == "ro" ? isSet : !isSet
            isAccessStated = true
        case "required":
            guard mount.kind == .secret || mount.kind == .ssh else { throw unexpected(key) }
            mount.isRequired = try boolean(key, value)
        case "size":
            guard mount.kind == .tmpfs else { throw unexpected(key) }
            guard let size = ByteSize.parse(value) else {
                throw invalid(
                    "invalid value for size: \(value)", offending: value,
                    expected: "a size, such as 64m or 1g")
            }
            mount.sizeBytes = size
        case "mode":
            guard let mode = UInt32(value, radix: 8), mode <= 0o7777 else {
                throw invalid(
                    "invalid value \(value) for mode", offending: value,
                    expected: "an octal number, such as 0400")
            }
            mount.permissions = mode
        case "uid": mount.userID = try number(key, value)
        default: mount.groupID = try number(key, value)
        }
    }

    // MARK: - What goes together

    private func check() throws(DockerfileError) {
        let kind = mount.kind
        if kind == .bind || kind == .tmpfs {
            let attributes: [(String, UInt32?)] = [
                ("mode", mount.permissions), ("uid", mount.userID), ("gid", mount.groupID),
            ]
            for (name, value) in attributes where value != nil {
                throw invalid(
                    "\(name) not allowed for \"\(kind.rawValue)\" type mounts", offending: name,
                    hint: "caches, secrets and ssh sockets have one")
            }
        }
        if hasSharing, kind != .cache {
            throw invalid(
                "invalid cache sharing set for \(kind.rawValue) mount", offending: "sharing")
        }
        switch kind {
        case .secret: try checkSecret()
        case .ssh:
            guard mount.source.isEmpty else {
                throw invalid(
                    "ssh does not support source", offending: "source",
                    hint: "id names the socket: --mount=type=ssh,id=\(mount.source)")
            }
        case .bind, .cache, .tmpfs: break
        }
    }

    private func checkSecret() throws(DockerfileError) {
        if mount.from != nil {
            throw invalid("secret mount should not have a from", offending: "from")
        }
        if mount.source.isEmpty, mount.target.isEmpty, mount.id.isEmpty {
            throw invalid(
                "invalid secret mount. one of source, target required",
                offending: "type=secret", expected: "id=NAME")
        }
        if !mount.source.isEmpty, !mount.id.isEmpty {
            throw invalid("both source and id can't be set", offending: "source")
        }
    }

    // MARK: - Values

    private func boolean(_ key: String, _ value: String) throws(DockerfileError) -> Bool {
        guard let value = GoBoolean.parse(value) else {
            throw invalid(
                "invalid value for \(key): \(value)", offending: value, expected: "true or false")
        }
        return value
    }

    private func number(_ key: String, _ value: String) throws(DockerfileError) -> UInt32 {
        guard value.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt32(value)
        else {
            throw invalid(
                "invalid value \(value) for \(key)", offending: value,
                expected: "a number: names are known to the image only")
        }
        return number
    }

    private func choice<Choice: RawRepresentable & CaseIterable>(
        _ value: String, _ message: String
    ) throws(DockerfileError) -> Choice where Choice.RawValue == String {
        if let choice = Choice(rawValue: value.asciiLowercased) { return choice }
        let names = Choice.allCases.map(\.rawValue)
        throw invalid(
            message, offending: value, expected: "one of \(names.joined(separator: ", "))",
            hint: Suggestion.hint(for: value, among: names, ignoringCase: true))
    }

    private func unexpected(_ key: String) -> DockerfileError {
        invalid(
            "unexpected key '\(key)' for mount type '\(mount.kind.rawValue)'", offending: key,
            expected: expectedKeys,
            hint: statedKind == mount.kind ? hint(for: key) : "type stands before \(key)")
    }

    /// What the mount is to be, also where that is said further on.
    private var statedKind: RunMount.Kind { RunMount.Kind(rawValue: options.type) ?? mount.kind }

    private var expectedKeys: String {
        "one of \((["type"] + statedKind.keys).joined(separator: ", "))"
    }

    /// The nearest key of the mount's type, or the types that have this one.
    private func hint(for key: String) -> String? {
        if let hint = Suggestion.hint(for: key, among: ["type"] + statedKind.keys) { return hint }
        let others = RunMount.Kind.allCases.filter { $0.keys.contains(key) }.map(\.rawValue)
        if others.isEmpty { return Suggestion.hint(for: key, among: Self.keys) }
        return "mounts of type \(others.joined(separator: ", ")) have \(key)"
    }

    private func invalid(
        _ message: String, offending: String, expected: String? = nil, hint: String? = nil
    ) -> DockerfileError {
        DockerfileError(
            .invalidMount, message, offending: offending, expected: expected, hint: hint)
    }
}
