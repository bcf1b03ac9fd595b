/// Something wrong with a store.
package struct StoreProblem: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        /// The database's own check complains.
        case database = "database"
        case corruptDirectory = "corrupt-directory"
        case missingDirectory = "missing-directory"
        case corruptObject = "corrupt-object"
        case missingObject = "missing-object"
        case corruptBlob = "corrupt-blob"
        case missingBlob = "missing-blob"
        case brokenImage = "broken-image"
        case brokenLayer = "broken-layer"
        case brokenCacheEntry = "broken-cache-entry"
        case brokenBuild = "broken-build"
        case brokenContainer = "broken-container"
        case brokenVolume = "broken-volume"
        /// index.json is not the names': of a process that was killed, or changed by somebody. The
        /// next collection or change of a name writes it again.
        case staleIndex = "stale-index"
        /// A file where none belongs; harmless.
        case strayFile = "stray-file"
    }
    package var kind: Kind
    /// What it is about: a digest, a path, an image.
    package var subject: String
    package var message: String

    package init(_ kind: Kind, _ subject: String, _ message: String) {
        self.kind = kind
        self.subject = subject
        self.message = message
    }

    /// Whether something is lost or wrong, rather than left over or made again.
    package var isSerious: Bool { kind != .strayFile && kind != .staleIndex }
    package var description: String { "\(kind.rawValue) \(subject): \(message)" }
}
