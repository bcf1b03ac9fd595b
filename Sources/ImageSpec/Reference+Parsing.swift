extension Reference {
    /// The reference that a user or a document writes, completed by Docker's rules.
    /// - Throws: `invalidReference`, `invalidDigest`, `unsupportedDigest`.
    package init(parsing text: String) throws(ImageSpecError) {
        guard !text.isEmpty else { throw Self.invalid(text, "the image reference is empty") }
        if text.utf8.count == 64, text.utf8.allSatisfy(ReferenceGrammar.isHex) {
            throw Self.invalid(
                text, "\"\(text)\" is an image ID, not a name",
                hint: "an image cannot be named by 64 hexadecimal digits")
        }
        var name = text[...]
        var digest: Digest?
        if let at = name.firstIndex(of: "@") {
            digest = try Self.digest(name[name.index(after: at)...], in: text)
            name = name[..<at]
        }
        let (domain, remainder) = Self.splitDomain(name)
        let (path, tag) = try Self.splitTag(remainder, in: text)
        try Self.check(domain: domain, path: path, in: text)
        self.init(
            domain: domain, path: path,
            tag: tag.map(String.init) ?? (digest == nil ? Self.defaultTag : nil), digest: digest)
    }

    /// What stands before the first slash is a domain only if it looks like one.
    private static func splitDomain(_ name: Substring) -> (domain: String, rest: String) {
        var domain = defaultDomain
        var rest = String(name)
        if let slash = name.firstIndex(of: "/") {
            let first = name[..<slash]
            let isDomain =
                first == "localhost" || first.contains { $0 == "." || $0 == ":" }
                || first.lowercased() != first
            if isDomain {
                domain = first == legacyDomain ? defaultDomain : String(first)
                rest = String(name[name.index(after: slash)...])
            }
        }
        if domain == defaultDomain, !rest.contains("/") { rest = officialPrefix + rest }
        return (domain, rest)
    }

    private static func splitTag(
        _ rest: String, in text: String
    ) throws(ImageSpecError) -> (path: String, tag: Substring?) {
        guard let colon = rest.firstIndex(of: ":") else { return (rest, nil) }
        let tag = rest[rest.index(after: colon)...]
        guard ReferenceGrammar.isTag(tag) else {
            throw ReferenceGrammar.invalidTag(tag, in: text)
        }
        return (String(rest[..<colon]), tag)
    }

    private static func check(
        domain: String, path: String, in text: String
    ) throws(ImageSpecError) {
        guard ReferenceGrammar.isDomain(domain) else {
            throw invalid(
                text, "\"\(domain.prefix(100))\" is no registry's host name",
                hint: "a registry is written like ghcr.io or localhost:5000")
        }
        let components = path.split(separator: "/", omittingEmptySubsequences: false)
        if path.utf8.contains(where: { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }) {
            throw invalid(
                text, "repository name (\(path.prefix(100))) must be lowercase",
                hint: "write \(text.prefix(100).lowercased())")
        }
        for component in components where !ReferenceGrammar.isPathComponent(component) {
            guard !component.isEmpty else {
                throw invalid(text, "\"\(text.prefix(100))\" has an empty part in its name")
            }
            throw invalid(
                text, "\"\(component.prefix(100))\" is no part of a repository name",
                hint: "parts have lowercase letters and digits, and between them "
                    + "one dot, one or two underscores, or hyphens")
        }
        guard path.utf8.count <= ReferenceGrammar.maximumNameLength else {
            throw invalid(
                text,
                "the repository name has \(path.utf8.count) characters, "
                    + "more than the \(ReferenceGrammar.maximumNameLength) allowed")
        }
    }

    private static func digest(
        _ written: Substring, in text: String
    ) throws(ImageSpecError) -> Digest {
        if let digest = Digest(written) { return digest }
        let algorithm = written.prefix { $0 != ":" }
        if algorithm != "sha256", algorithm.count < written.count, !algorithm.isEmpty,
            algorithm.utf8.allSatisfy({ ReferenceGrammar.isAlphanumeric($0) || $0 == 0x2B })
        {
            throw ImageSpecError(
                .unsupportedDigest, "the digest algorithm \(algorithm.prefix(40)) is not supported",
                hint: "use a sha256 digest", subject: text)
        }
        throw ImageSpecError(
            .invalidDigest, "\"\(written.prefix(100))\" is no digest",
            hint: "a digest is sha256: and 64 lowercase hexadecimal digits", subject: text)
    }

    private static func invalid(
        _ text: String, _ message: String, hint: String? = nil
    ) -> ImageSpecError {
        ImageSpecError(.invalidReference, message, hint: hint, subject: text)
    }
}
