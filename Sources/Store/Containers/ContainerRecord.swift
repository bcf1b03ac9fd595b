package import ImageSpec

/// The identifier of a container: 64 hex digits, as Docker's.
package struct ContainerID: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package init?(_ text: String) {
        guard text.utf8.count == 64,
            text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
        else { return nil }
        self.text = text
    }

    /// One that no other container has.
    package static func random() -> ContainerID {
        let words = (0..<4).map { _ in UInt64.random(in: .min ... .max) }
        var text = ""
        for word in words {
            let hex = String(word, radix: 16)
            text += String(repeating: "0", count: 16 - hex.count) + hex
        }
        return ContainerID(checked: text)
    }

    private init(checked text: String) { self.text = text }

    /// The first twelve digits, as tables show it.
    package var short: String { String(text.prefix(12)) }
    package var description: String { text }
}

/// A container: a root file system that is written to, and what it was made from.
package struct ContainerRecord: Hashable, Sendable {
    package var id: ContainerID
    package var name: String
    package var image: ImageID
    /// The image as the user named it.
    package var imageName: String
    /// The bytes of the image's config.
    package var config: [UInt8]
    /// Nanoseconds since 1970.
    package var createdAt: Int64
    package var settings: ContainerSettings
    /// As its process wrote it down; ``Store/currentState(of:)`` tells what of it is true.
    package var state: ContainerState

    package init(
        id: ContainerID = .random(), name: String, image: ImageID, imageName: String,
        config: [UInt8], createdAt: Int64 = Store.now(),
        settings: ContainerSettings = ContainerSettings(), state: ContainerState = ContainerState()
    ) {
        self.id = id
        self.name = name
        self.image = image
        self.imageName = imageName
        self.config = config
        self.createdAt = createdAt
        self.settings = settings
        self.state = state
    }

    /// Docker's rule: two characters or more of `[a-zA-Z0-9_.-]`, the first a letter or a digit.
    package static func isValid(name: String) -> Bool {
        let bytes = Array(name.utf8)
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        guard bytes.count >= 2, let first = bytes.first, isAlphanumeric(first) else { return false }
        return bytes.allSatisfy { isAlphanumeric($0) || [0x5F, 0x2E, 0x2D].contains($0) }
    }
}
