package import ImageSpec

/// A name and a value that an image's documents carry (OCI image-spec, annotations.md).
package struct ImageAnnotation: Hashable, Sendable {
    package enum Subject: String, Hashable, Sendable, CaseIterable {
        case manifest
        /// The entry that names the manifest in an archive's index.
        case descriptor = "manifest-descriptor"
        /// The index of the images of several platforms.
        case index
        /// The entry that names that index in an archive's.
        case indexDescriptor = "index-descriptor"

        /// Whether it takes several platforms to have it.
        package var isOfIndex: Bool { self == .index || self == .indexDescriptor }
    }

    package var subject: Subject
    /// Only for an image of this platform; nil for any.
    package var platform: Platform?
    package var name: String
    package var value: String

    package init(
        _ subject: Subject = .manifest, platform: Platform? = nil, name: String, value: String
    ) {
        self.subject = subject
        self.platform = platform
        self.name = name
        self.value = value
    }
}

extension [ImageAnnotation] {
    /// Those that an image of the platform gets, or with none an index; of several with one name the
    /// last counts.
    package func values(
        of subject: ImageAnnotation.Subject, for platform: Platform? = nil
    ) -> [String: String] {
        var values: [String: String] = [:]
        for annotation in self where annotation.subject == subject {
            if let asked = annotation.platform, let platform, platform.rank(of: asked) == nil {
                continue
            }
            values[annotation.name] = annotation.value
        }
        return values
    }
}
