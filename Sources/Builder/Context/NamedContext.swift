internal import ImageSpec

/// `--build-context NAME=…`: what stands for a stage or an image of this name.
package struct NamedContext: Hashable, Sendable {
    package enum Location: Hashable, Sendable {
        /// A directory of the host, absolute.
        case directory(String)
        /// `docker-image://REFERENCE`; `scratch` is nothing.
        case image(String)
        /// `oci-layout://PATH[:TAG][@DIGEST]`
        case layout(path: String, name: String?)
        case remote(RemoteSource)
    }

    package let name: String
    package let location: Location

    package init(name: String, _ location: Location) {
        self.name = name
        self.location = location
    }

    /// Names are compared as BuildKit does: those of images in their familiar form, `:latest` left
    /// out, and those of stages in any case.
    static func key(_ name: String) -> String {
        // A name that is none of an image is compared as it is.
        guard let reference = try? Reference(parsing: name.lowercased()) else {
            return name.lowercased()
        }
        let text = reference.familiarName
        return text.hasSuffix(":latest") ? String(text.dropLast(7)) : text
    }
}
