internal import ImageSpec

/// An image of an archive whose documents were read and verified, and whose layers were not.
struct PlannedImage: Sendable {
    struct Layer: Sendable {
        let diffID: DiffID
        /// Where the layer stands in the archive, for messages.
        let path: String
        /// Nil when the archive lacks it, which does no harm where the store has the layer.
        let file: FileRange?
        /// Of the blob as it comes; nil when the archive does not say.
        let digest: Digest?
        let sizeBytes: Int64?
        /// Where else the layer might be had.
        let urls: [String]
    }

    let id: ImageID
    let configBytes: [UInt8]
    // The rest of the config is not kept: hostile ones take many times their bytes.
    let platform: Platform
    let created: Timestamp?
    /// Of all layers; nil without any.
    let chainID: ChainID?
    /// Bottom first, one for each diffID of the config.
    let layers: [Layer]
    private(set) var names: [Reference]
    private var knownNames: Set<Reference>
    /// See ``LoadedImage/tags``.
    private(set) var tags: [String] = []
    private var knownTags: Set<String> = []

    init(
        id: ImageID, configBytes: [UInt8], config: ImageConfig, layers: [Layer],
        names: [Reference] = []
    ) {
        self.id = id
        self.configBytes = configBytes
        platform = config.platform
        created = config.created
        chainID = config.chain.last
        self.layers = layers
        self.names = []
        knownNames = []
        add(names)
    }

    /// Adds names that it does not have.
    mutating func add(_ more: [Reference]) {
        for name in more where knownNames.insert(name).inserted { names.append(name) }
    }

    /// Adds tags that it does not have.
    mutating func add(tags more: [String]) {
        for tag in more where knownTags.insert(tag).inserted { tags.append(tag) }
    }
}

/// The images of an archive, each once, in the order of their first mention.
struct PlannedImages {
    private(set) var all: [PlannedImage] = []
    private var places: [ImageID: Int] = [:]

    /// Adds an image, or its names and tags to the same image.
    mutating func add(_ image: PlannedImage) {
        if let place = places[image.id] {
            all[place].add(image.names)
            all[place].add(tags: image.tags)
        } else {
            places[image.id] = all.count
            all.append(image)
        }
    }

    /// Gives an image more names.
    /// - Returns: false when it is not among them.
    mutating func add(_ names: [Reference], to id: ImageID) -> Bool {
        guard let place = places[id] else { return false }
        all[place].add(names)
        return true
    }

    subscript(id: ImageID) -> PlannedImage? { places[id].map { all[$0] } }
}

/// What an archive's documents may still take of the limits.
struct DocumentAllowance {
    private let limits: ArchiveLimits
    private var documents = 0
    private var bytes = 0

    init(_ limits: ArchiveLimits) { self.limits = limits }

    /// - Throws: `tooLarge` when so many images are listed.
    func check(listedCount: Int) throws(LayerError) {
        guard listedCount <= limits.documents else {
            throw LayerError(.tooLarge, "more than \(limits.documents) images are listed")
        }
    }

    /// - Throws: `tooLarge` when one more document is too much.
    mutating func take(_ document: [UInt8]) throws(LayerError) {
        documents += 1
        bytes += document.count
        guard bytes <= limits.documentBytes else {
            throw LayerError(
                .tooLarge,
                "the archive's documents have more than \(limits.documentBytes) bytes, the limit")
        }
    }

    /// Before a document is read.
    /// - Throws: `tooLarge` when there were as many as are allowed.
    func checkRoom() throws(LayerError) {
        guard documents < limits.documents else {
            throw LayerError(
                .tooLarge, "the archive has more than \(limits.documents) documents")
        }
    }
}
