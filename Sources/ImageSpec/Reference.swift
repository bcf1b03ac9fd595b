/// The name of an image, as Docker writes and completes it (distribution's `reference` package).
///
///     ghcr.io/org/name:tag@sha256:0123…
///     └domain ┘└path─┘ └tag┘└─digest──┘
///
/// A name without a domain is on `docker.io`, one of a single component there in `library/`; a
/// reference with neither tag nor digest means the tag `latest`.
package struct Reference: Hashable, Sendable {
    package static let defaultDomain = "docker.io"
    package static let defaultTag = "latest"
    static let legacyDomain = "index.docker.io"
    static let officialPrefix = "library/"

    /// A host name, perhaps with a port: `docker.io`, `localhost:5000`, `[::1]:5000`.
    package let domain: String
    /// The repository on that host: `library/debian`, `org/name`.
    package let path: String
    /// Nil where only a digest is given.
    package let tag: String?
    /// The digest of a manifest or an index.
    package let digest: Digest?

    /// Parts that were checked.
    init(domain: String, path: String, tag: String?, digest: Digest?) {
        self.domain = domain
        self.path = path
        self.tag = tag
        self.digest = digest
    }

    /// The repository with its domain: `docker.io/library/debian`.
    package var repository: String { "\(domain)/\(path)" }

    /// The whole of it: `docker.io/library/debian:bookworm`.
    package var canonical: String { repository + suffix }

    /// The repository as users write it: `debian`, `ghcr.io/org/name`.
    package var familiarRepository: String {
        guard domain == Self.defaultDomain else { return repository }
        guard path.hasPrefix(Self.officialPrefix) else { return path }
        let short = path.dropFirst(Self.officialPrefix.count)
        // `library/a/b` is no official image.
        return short.contains("/") ? path : String(short)
    }

    /// The reference as users write it: `debian:bookworm`, `ghcr.io/org/name:tag`.
    package var familiarName: String { familiarRepository + suffix }

    private var suffix: String {
        (tag.map { ":" + $0 } ?? "") + (digest.map { "@\($0)" } ?? "")
    }
}

extension Reference: CustomStringConvertible {
    package var description: String { familiarName }
}

extension Reference: Comparable {
    package static func < (a: Reference, b: Reference) -> Bool {
        a.canonical.utf8.lexicographicallyPrecedes(b.canonical.utf8)
    }
}

extension Reference: Codable {
    package init(from decoder: any Decoder) throws {
        self = try Reference(parsing: try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(canonical)
    }
}
