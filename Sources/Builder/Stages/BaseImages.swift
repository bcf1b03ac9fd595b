internal import FileTree
internal import ImageSpec
internal import Store
internal import Synchronization

/// Finds the images of the store that FROM and `COPY --from` name, each once for a build.
/// Thread-safe.
final class BaseImages: Sendable {
    private let store: Store
    private let lease: Lease
    private let known = Mutex<[Request: Found]>([:])

    private struct Request: Hashable {
        var text: String
        var platform: Platform?
    }

    private let pull: PullPolicy

    init(store: Store, lease: Lease, pull: PullPolicy = .missing) {
        self.store = store
        self.lease = lease
        self.pull = pull
    }

    /// An image, ready to be built on.
    struct Found: Sendable {
        var record: ImageRecord
        var config: ImageConfig
        var tree: Tree
        var layers: [StageLayer]
    }

    /// - Throws: `imageNotFound`, `ambiguousImage`, `invalidArgument`, `platformMismatch`.
    func find(_ text: String, platform: Platform?) throws -> Found {
        let request = Request(text: text, platform: platform)
        if let found = known.withLock({ $0[request] }) { return found }
        let found = try load(text, platform)
        // Of a name that was moved meanwhile, all stages get the same image.
        return known.withLock { known in
            if let former = known[request] { return former }
            known[request] = found
            return found
        }
    }

    private func load(_ text: String, _ platform: Platform?) throws -> Found {
        try found(try record(text), text, platform)
    }

    /// A stored image that no name leads to.
    func found(_ record: ImageRecord, _ text: String, _ platform: Platform?) throws -> Found {
        let config = try store.config(of: record.id).config
        if let platform, platform.rank(of: config.platform) == nil {
            throw BuildError(
                .platformMismatch,
                "the image \(text) is for \(Self.text(config.platform)), "
                    + "not for \(Self.text(platform))",
                offending: text,
                hint:
                    "load the image for \(Self.text(platform)), or name an OCI layout that has it: "
                    + "--build-context NAME=oci-layout://DIRECTORY")
        }
        let chain = try store.layers(upTo: record.chainID)
        let tree = chain.last?.tree ?? .empty
        try lease.hold(tree)
        let layers = chain.map { layer in
            StageLayer(
                tree: layer.tree,
                digest: LayerDigest(
                    .init(diffID: layer.diffID, tarSizeBytes: layer.tarSizeBytes)))
        }
        return Found(record: record, config: config, tree: tree, layers: layers)
    }

    static func text(_ platform: Platform) -> String {
        [platform.os, platform.architecture, platform.variant].compactMap { $0 }
            .joined(separator: "/")
    }

    /// - Throws: `invalidArgument` for what no image can be called.
    static func selector(_ text: String) throws -> ImageSelector {
        do { return try ImageSelector(parsing: text) } catch {
            throw BuildError(
                .invalidArgument, "\"\(text)\" is no image: \(error.message)", offending: text,
                hint: error.hint, cause: error)
        }
    }

    private func record(_ text: String) throws -> ImageRecord {
        let selector = try Self.selector(text)
        switch try store.find(selector) {
        case .found(let image): return image
        case .ambiguous(let found):
            throw BuildError(
                .ambiguousImage, "\(found.count) images have an ID that begins with \(text)",
                offending: text, hint: "use more digits of the ID")
        case .absent: throw try notFound(text, selector.reference)
        }
    }

    private func notFound(_ text: String, _ reference: Reference?) throws -> BuildError {
        let name = reference?.familiarName ?? text
        var hint =
            "\"vitrine load\" takes images that other tools saved, "
            + "\"vitrine import\" a root filesystem"
        let others = try store.names().map(\.reference)
        let sameRepository = others.filter { $0.repository == reference?.repository }
        if let near = sameRepository.first {
            hint = "the store has \(near.familiarName); " + hint
        }
        switch pull {
        case .missing: break
        case .never: hint = "--pull=never asks no registry; " + hint
        case .always: hint = "there are no registries to pull from yet; " + hint
        }
        return BuildError(
            .imageNotFound, "the store has no image \(name)", offending: text, hint: hint)
    }
}
