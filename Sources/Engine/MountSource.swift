package import ImageSpec

/// What the mount table shows as the source of a mount of ours, by which other processes tell what is
/// mounted: `vitrine:gallery`, `vitrine:NAME@sha256:…`, `vitrine:docker-archive:PATH`,
/// `vitrine:NAME` for a writable one and for a container.
package struct MountSource: Hashable, Sendable {
    package let text: String
    /// Nil for what is no image of the store.
    package let image: ImageID?

    package static let gallery = MountSource(text: "vitrine:gallery", image: nil)
    /// Of a view that a build works in.
    package static let step = MountSource(text: "vitrine:step", image: nil)

    package init(image: ImageID, name: String) {
        text = "vitrine:\(name)@\(image)"
        self.image = image
    }

    /// Something that is no image of the store.
    package init(foreign name: String) {
        text = "vitrine:\(name)"
        image = nil
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
