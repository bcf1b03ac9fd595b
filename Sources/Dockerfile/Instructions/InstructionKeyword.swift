/// The instructions of a Dockerfile.
package enum InstructionKeyword: String, Hashable, Sendable, CaseIterable {
    case add = "ADD"
    case arg = "ARG"
    case cmd = "CMD"
    case copy = "COPY"
    case entrypoint = "ENTRYPOINT"
    case env = "ENV"
    case expose = "EXPOSE"
    case from = "FROM"
    case healthcheck = "HEALTHCHECK"
    case label = "LABEL"
    case maintainer = "MAINTAINER"
    case onbuild = "ONBUILD"
    case run = "RUN"
    case shell = "SHELL"
    case stopsignal = "STOPSIGNAL"
    case user = "USER"
    case volume = "VOLUME"
    case workdir = "WORKDIR"

    /// The keyword that `name` spells in any case.
    init?(_ name: String) {
        let lowercased = name.asciiLowercased
        guard let match = Self.allCases.first(where: { $0.rawValue.asciiLowercased == lowercased })
        else { return nil }
        self = match
    }

    /// Whether its lines may open heredocs.
    var takesHeredocs: Bool { self == .add || self == .copy || self == .run }

    /// The flags it takes.
    var flags: [FlagDefinition] {
        switch self {
        case .from: [.string("platform")]
        case .run: [.strings("mount"), .string("network"), .string("security")]
        case .copy:
            [
                .string("chown"), .string("from"), .string("chmod"), .bool("link"),
                .bool("parents"), .strings("exclude"),
            ]
        case .add:
            [
                .string("chown"), .string("chmod"), .bool("link"), .bool("keep-git-dir"),
                .string("checksum"), .bool("unpack"), .strings("exclude"),
            ]
        case .healthcheck:
            [
                .string("interval"), .string("timeout"), .string("start-period"),
                .string("start-interval"), .string("retries"),
            ]
        default: []
        }
    }
}
