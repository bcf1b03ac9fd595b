/// An identifier that is a digest of something; each kind is a type of its own.
package protocol DigestIdentifier:
    Hashable, Comparable, Codable, Sendable, CustomStringConvertible
{
    var digest: Digest { get }
    init(_ digest: Digest)
}

extension DigestIdentifier {
    package init(from decoder: any Decoder) throws { self.init(try Digest(from: decoder)) }
    package func encode(to encoder: any Encoder) throws { try digest.encode(to: encoder) }
    package static func < (a: Self, b: Self) -> Bool { a.digest < b.digest }
    package var description: String { digest.description }
}

/// The digest of a layer's uncompressed tar (OCI image-spec, config.md).
package struct DiffID: DigestIdentifier {
    package let digest: Digest
    package init(_ digest: Digest) { self.digest = digest }
}

/// The digest of a config, by which an image is known (OCI image-spec, config.md, "ImageID").
package struct ImageID: DigestIdentifier {
    package let digest: Digest
    package init(_ digest: Digest) { self.digest = digest }
}

/// The key of a build-cache entry: the digest of what went into the step.
package struct CacheKey: DigestIdentifier {
    package let digest: Digest
    package init(_ digest: Digest) { self.digest = digest }
}

/// The digest of a stack of layers: `ChainID(n) = SHA256(ChainID(n-1) + " " + DiffID(n))`
/// (OCI image-spec, config.md, "Layer ChainID").
package struct ChainID: DigestIdentifier {
    package let digest: Digest
    package init(_ digest: Digest) { self.digest = digest }

    /// The chain with one more layer on top of `parent` (nil is the empty chain).
    package init(parent: ChainID?, _ layer: DiffID) {
        guard let parent else {
            self.init(layer.digest)
            return
        }
        self.init(Digest(of: Array("\(parent.digest) \(layer.digest)".utf8)))
    }

    /// The chains of a whole stack, bottom first.
    package static func chain(of layers: [DiffID]) -> [ChainID] {
        var chain: [ChainID] = []
        for layer in layers { chain.append(ChainID(parent: chain.last, layer)) }
        return chain
    }
}
