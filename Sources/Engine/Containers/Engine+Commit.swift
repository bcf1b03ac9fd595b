internal import Builder
internal import FileTree
internal import ImageSpec
internal import Layers
package import Store

/// What `commit` is told.
package struct CommitRequest: Sendable {
    /// Nil leaves the image without a name.
    package var name: String?
    package var message: String?
    package var author: String?
    /// Instructions of a Dockerfile that change the config.
    package var changes: [String] = []
    /// Whether what runs in the container stands still meanwhile.
    package var isPaused = true
    /// One layer of everything, instead of one on those of the container's image.
    package var isSquashed = false

    package init() {}
}

extension Engine {
    /// Makes an image of what a container is now. The container goes on, and is compared with its own
    /// image as before.
    /// - Throws: ``EngineError`` `inUse`, `invalid`; `BuildError` for a change.
    package func commit(
        _ record: ContainerRecord, _ request: CommitRequest
    ) throws -> ImageRecord {
        let name = try request.name.map { try Self.parseTag($0) }
        let changes = try ConfigChanges(request.changes)
        let lease = try store.lease("commit \(record.name)")
        defer { lease.end() }
        let image = try withFrozenRoot(
            of: record, isPaused: request.isPaused, hashesLayer: !request.isSquashed, lease: lease
        ) {
            try commit(record, $0, request, name, changes, lease)
        }
        if let name { store.note("tag", ofImage: image.id, as: name) }
        try store.note(
            .container, "commit", of: record.id.text,
            [
                "comment": request.message ?? "", "image": record.imageName,
                "imageID": "\(image.id)", "imageRef": name?.familiarName ?? "",
                "name": record.name,
            ])
        return image
    }

    /// Makes the image of a tree that the lease holds.
    private func commit(
        _ record: ContainerRecord, _ root: FrozenRoot, _ request: CommitRequest,
        _ name: Reference?, _ changes: ConfigChanges, _ lease: Lease
    ) throws -> ImageRecord {
        let below = request.isSquashed ? [] : try store.imageLayers(of: record)
        let layer = try root.layer ?? hash(root.tree, on: below.last?.tree ?? .empty)
        // As in Docker, a container that changed nothing has no layer.
        let isEmpty = layer.tarSizeBytes == Self.emptyTarBytes
        var layers = below
        if !isEmpty {
            let made = LayerRecord(
                parent: below.last?.chainID, diffID: layer.diffID, tree: root.tree, recipe: nil,
                tarSizeBytes: layer.tarSizeBytes)
            if try store.layer(made.chainID) == nil {
                try store.insert(
                    made, directories: PendingDirectories(base: store), lease: lease)
            }
            layers.append(made)
        }
        var config = try record.committedConfig(
            request, created: Timestamp(nanosecondsSinceEpoch: Store.now()), isEmpty: isEmpty)
        let own = config.config
        try changes.apply(to: &config.config)
        config.config.complete(from: own)
        config.diffIDs = layers.map(\.diffID)
        let bytes = config.encoded
        let manifest = ImageManifest.uncompressed(config: bytes, layers: layers)
        return try store.insertImage(
            config: bytes, manifest: manifest.encoded, chainID: layers.last?.chainID,
            layerCount: layers.count, createdAt: (config.created ?? .epoch).clampedNanoseconds,
            names: name.map { [$0] } ?? [])
    }

    /// Two blocks of zeros, which every tar ends with.
    private static let emptyTarBytes: UInt64 = 1024

    private func hash(_ tree: Tree, on below: Tree) throws -> FrozenRoot.Layer {
        let digest = try LayerExport(store).canonicalDigest(from: below, to: tree)
        return FrozenRoot.Layer(diffID: digest.diffID, tarSizeBytes: digest.tarSizeBytes)
    }

    static func parseTag(_ name: String) throws -> Reference {
        let reference = try parse(name)
        guard reference.digest == nil else {
            throw EngineError(
                .invalid, "\"\(name)\" has a digest; an image is named by repository and tag",
                hint: "leave out \"@sha256:…\"")
        }
        guard reference.familiarRepository != "sha256" else {
            throw EngineError(
                .invalid, "\"\(name)\" would be taken for an ID", hint: "choose another repository")
        }
        return reference
    }
}

extension ContainerRecord {
    /// The config of an image made of the container: that of its own image with what the container
    /// was asked to be, as Docker's `commit` merges them.
    ///
    /// Triggers of the image fired, so to speak, when the container was made: they go.
    fileprivate func committedConfig(
        _ request: CommitRequest, created: Timestamp, isEmpty: Bool
    ) throws -> ImageConfig {
        var config = try ImageConfig(bytes: self.config)
        config.config.merge(settings)
        config.config.onBuild = []
        config.config.extras = JSONObject()
        config.extras = JSONObject()
        config.created = created
        config.comment = nil
        config.dockerVersion = nil
        if let author = request.author { config.author = author }
        if request.isSquashed { config.history = [] }
        config.history.append(
            HistoryEntry(
                created: created, createdBy: config.config.command.joined(separator: " "),
                author: request.author, comment: request.message, emptyLayer: isEmpty))
        return config
    }
}

extension ContainerConfig {
    /// Takes over what a container was asked to be; what was not said stays the image's.
    fileprivate mutating func merge(_ settings: ContainerSettings) {
        if !settings.arguments.isEmpty {
            entrypoint = settings.entrypoint
            command = settings.command
        }
        environment = Self.merging(environment, with: settings.environment)
        if !settings.workingDirectory.isEmpty { workingDirectory = settings.workingDirectory }
        if !settings.user.isEmpty { user = settings.user }
        labels.merge(settings.labels) { _, own in own }
        exposedPorts.formUnion(settings.exposedPorts)
        if let signal = settings.stopSignal { stopSignal = signal }
        if let check = settings.healthCheck { healthCheck = HealthCheck(check) }
        for mount in settings.mounts {
            if case .volume(_, isAnonymous: true) = mount.source { volumes.insert(mount.target) }
        }
    }
}

extension ContainerConfig {
    /// As Docker's `commit` merges what `--change` made with the container's own: a command line that
    /// has nothing left runs the container's command, and of a health check what was not said is the
    /// container's. The other settings were changed in place.
    fileprivate mutating func complete(from own: ContainerConfig) {
        if entrypoint.isEmpty, command.isEmpty { command = own.command }
        guard let former = own.healthCheck, var check = healthCheck else { return }
        if check.test.isEmpty { check.test = former.test }
        check.interval = check.interval ?? former.interval
        check.timeout = check.timeout ?? former.timeout
        check.startPeriod = check.startPeriod ?? former.startPeriod
        check.startInterval = check.startInterval ?? former.startInterval
        check.retries = check.retries ?? former.retries
        healthCheck = check
    }
}

extension HealthCheck {
    fileprivate init(_ settings: ContainerSettings.HealthCheckSettings) {
        func duration(_ value: Int64) -> Duration? { value == 0 ? nil : .nanoseconds(value) }
        self.init(
            test: settings.test, interval: duration(settings.intervalNanoseconds),
            timeout: duration(settings.timeoutNanoseconds),
            startPeriod: duration(settings.startPeriodNanoseconds),
            startInterval: duration(settings.startIntervalNanoseconds),
            retries: settings.retries == 0 ? nil : settings.retries)
    }
}
