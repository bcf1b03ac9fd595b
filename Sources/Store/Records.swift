package import FileTree
package import ImageSpec

/// A layer on top of its parents, and the root file system that this makes.
package struct LayerRecord: Hashable, Sendable {
    package var chainID: ChainID
    package var parent: ChainID?
    package var diffID: DiffID
    /// The root file system after this layer.
    package var tree: Tree
    /// The object from which the layer's tar is rebuilt; nil for the canonical tar of the change
    /// from the parent's tree to ``tree``.
    package var recipe: FileContent?
    /// The uncompressed tar.
    package var tarSizeBytes: UInt64
    /// Nanoseconds since 1970.
    package var createdAt: Int64

    package init(
        parent: ChainID?, diffID: DiffID, tree: Tree, recipe: FileContent?, tarSizeBytes: UInt64,
        createdAt: Int64 = Store.now()
    ) {
        chainID = ChainID(parent: parent, diffID)
        self.parent = parent
        self.diffID = diffID
        self.tree = tree
        self.recipe = recipe
        self.tarSizeBytes = tarSizeBytes
        self.createdAt = createdAt
    }
}

/// An image of the store.
package struct ImageRecord: Hashable, Sendable {
    package var id: ImageID
    /// The digest of the manifest that the store keeps for it.
    package var manifestDigest: Digest
    /// The image's layers; nil if it has none.
    package var chainID: ChainID?
    package var layerCount: Int
    /// Nanoseconds since 1970, as the config says.
    package var createdAt: Int64
    /// Nanoseconds since 1970.
    package var storedAt: Int64
}

/// A build-cache entry: what a step made of its parent's root file system.
package struct CacheRecord: Hashable, Sendable {
    package var key: CacheKey
    /// As Docker's history shows the instruction.
    package var instruction: String
    /// What went into the key, a line each, for people and for `diff`.
    package var inputs: String
    package var parentTree: Tree
    package var tree: Tree
    /// The layer of the change, once its tar was hashed.
    package var layer: DiffID?
    package var layerTarSizeBytes: UInt64
    /// Nanoseconds since 1970.
    package var createdAt: Int64
    package var lastUsedAt: Int64
    package var useCount: Int

    package init(
        key: CacheKey, instruction: String, inputs: String, parentTree: Tree, tree: Tree,
        layer: DiffID?, layerTarSizeBytes: UInt64, createdAt: Int64 = Store.now()
    ) {
        self.key = key
        self.instruction = instruction
        self.inputs = inputs
        self.parentTree = parentTree
        self.tree = tree
        self.layer = layer
        self.layerTarSizeBytes = layerTarSizeBytes
        self.createdAt = createdAt
        lastUsedAt = createdAt
        useCount = 0
    }

    /// The entry as it is once it has been used again.
    package var usedNow: CacheRecord {
        var entry = self
        entry.lastUsedAt = Store.now()
        entry.useCount += 1
        return entry
    }
}

/// A run of `build`.
package struct BuildRecord: Hashable, Sendable {
    package enum Status: String, Sendable {
        case running, done, failed, cancelled
        /// Its process ended without a word.
        case interrupted
    }
    /// Sorts by start, is unique, and names the build's directory in the gallery.
    package var id: String
    /// The first tag, or the context's name.
    package var title: String
    package var startedAt: Int64
    package var endedAt: Int64?
    package var status: Status
    package var image: ImageID?
    /// What its process holds while it runs.
    package var lease: LeaseID

    package init(
        id: String, title: String, lease: LeaseID, startedAt: Int64 = Store.now(),
        endedAt: Int64? = nil, status: Status = .running, image: ImageID? = nil
    ) {
        self.lease = lease
        self.id = id
        self.title = title
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.status = status
        self.image = image
    }
}

/// A step of a build that ended.
package struct BuildStepRecord: Hashable, Sendable {
    package enum Outcome: String, Sendable { case cached, done, failed }
    package var build: String
    package var number: Int
    package var instruction: String
    package var outcome: Outcome
    package var key: CacheKey?
    /// The root file system after the step, or where it failed.
    package var tree: Tree
    package var parentTree: Tree
    /// The stage and the step's number in it.
    package var place: String
    /// Why the cache did not have it.
    package var explanation: CacheExplanation?

    package init(
        build: String, number: Int, instruction: String, outcome: Outcome, key: CacheKey?,
        tree: Tree, parentTree: Tree, place: String = "", explanation: CacheExplanation? = nil
    ) {
        self.build = build
        self.number = number
        self.instruction = instruction
        self.outcome = outcome
        self.key = key
        self.tree = tree
        self.parentTree = parentTree
        self.place = place
        self.explanation = explanation
    }
}
