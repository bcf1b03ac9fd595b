package import ImageSpec

/// What the mount table shows as the source of a mount of ours: `vitrine:gallery`, or
/// `vitrine:NAME@sha256:…`, by which other processes tell what is mounted.
package struct MountSource: Sendable {
    package let text: String
    /// Nil for the gallery.
    package let image: ImageID?

    package static let gallery = MountSource(text: "vitrine:gallery", image: nil)

    package init(image: ImageID, name: String) {
        text = "vitrine:\(name)@\(image)"
        self.image = image
    }

    package init?(_ text: String) {
        guard text.hasPrefix("vitrine:") else { return nil }
        let image = text.split(separator: "@").last.flatMap { Digest($0) }.map { ImageID($0) }
        self.init(text: text, image: image)
    }

    private init(text: String, image: ImageID?) {
        self.text = text
        self.image = image
    }
}
