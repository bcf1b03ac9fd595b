package import ImageSpec
internal import LinuxIO
internal import Sandbox
package import Store
internal import Synchronization

/// The operations of Vitrine on one store; the only place where the modules meet.
package final class Engine: Sendable {
    package let store: Store
    let runtimes = Mutex<[RuntimeKey: FoundRuntime]>([:])

    /// The version that `vitrine version` prints.
    package static let version = "0.1.0"

    /// Whether a store that is not there is made.
    package enum Presence: Sendable {
        case made
        /// For what only looks at it.
        case existing
    }

    /// Opens the store at `root`.
    /// - Throws: ``EngineError`` `notFound` where there is none, `invalid` for one that others can
    ///   change; ``StoreError``.
    package init(root: String, _ presence: Presence = .made) throws {
        try StoreOwnership.check(root)
        if presence == .existing, try !Self.isStore(root) {
            throw EngineError(
                .notFound, "there is no store at \(root.visible)",
                hint: "\"vitrine load\", \"vitrine import\" and \"vitrine build\" make one; --root "
                    + "names another")
        }
        store = try Store(root: root)
    }

    /// Whether there is a store; what is in the way of looking is told by opening it.
    package static func isStore(_ root: String) throws -> Bool {
        let layout = StoreLayout(root: root)
        do throws(Errno) {
            _ = try FileStatus(ofPath: layout.database)
            return true
        } catch {
            // Opening it says so.
            if layout.hasLostState { return true }
            return error != .notFound
        }
    }

    package var root: String { store.layout.root }
    /// Takes what the processes of detached mounts print.
    package var mountLog: String { store.layout.mountLog }

    // MARK: - Finding images

    /// The image that a user means: a name, an ID, or the first digits of one.
    /// - Throws: ``EngineError`` `notFound`, `ambiguous`, `invalid`.
    package func image(_ text: String) throws -> ImageRecord {
        let selector: ImageSelector
        do {
            selector = try ImageSelector(parsing: text)
        } catch {
            throw EngineError(
                .invalid, "\"\(text)\" names no image: \(error.message)", hint: error.hint)
        }
        switch try store.find(selector) {
        case .found(let image): return image
        case .ambiguous(let found):
            throw EngineError(
                .ambiguous, "\"\(text)\" is the start of \(found.count) image IDs",
                hint: "give more digits: "
                    + found.prefix(4).map { String($0.id.digest.hex.prefix(20)) }
                    .joined(separator: ", "))
        case .absent:
            throw EngineError(
                .notFound, "there is no image \"\(text)\"",
                hint: "\"vitrine images\" lists what is there; \"vitrine load\" and "
                    + "\"vitrine import\" bring images in")
        }
    }

    /// Whether the name that a container's image had when it was made still means that image.
    package func isImageName(of record: ContainerRecord) throws -> Bool {
        do {
            return try image(record.imageName).id == record.image
        } catch is EngineError {
            return false
        }
    }

    /// The names of every image.
    package func namesByImage() throws -> [ImageID: [Reference]] {
        var names: [ImageID: [Reference]] = [:]
        for (reference, image) in try store.names() { names[image, default: []].append(reference) }
        return names
    }

    static func parse(_ name: String) throws -> Reference {
        do {
            return try Reference(parsing: name)
        } catch {
            throw EngineError(
                .invalid, "\"\(name)\" is not a name for an image: \(error.message)",
                hint: error.hint)
        }
    }
}
