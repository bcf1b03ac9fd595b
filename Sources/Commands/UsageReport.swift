internal import Engine
internal import ImageSpec
internal import Store

/// What `df` prints, as rows with Docker's names.
struct UsageReport {
    private let usage: StoreUsage
    private let containers: [ContainerUsage]
    private let volumes: [VolumeUsage]

    struct Part {
        /// As Docker titles it.
        var title: String
        /// The member of the JSON document.
        var member: String
        var rows: [Row]
        var fields: [Field]
    }

    init(_ engine: Engine, isVerbose: Bool) throws {
        usage = try engine.usage(measuresDisk: isVerbose)
        containers = try engine.containerUsage()
        volumes = try engine.volumeUsage()
    }

    private static func size(_ bytes: UInt64) -> JSONValue {
        .string(HumanSize.decimal(Int64(clamping: bytes)))
    }

    // MARK: - Totals

    static let totalFields = [
        Field("Type", "TYPE"), Field("TotalCount", "TOTAL"), Field("Active", "ACTIVE"),
        Field("Size", "SIZE"), Field("Reclaimable", "RECLAIMABLE"),
        Field("SizeBytes", "SIZE BYTES", isColumn: false),
        Field("ReclaimableBytes", "RECLAIMABLE BYTES", isColumn: false),
    ]

    var totals: [Row] {
        let idle = containers.filter { !$0.state.isRunning }
        let unused = volumes.filter { $0.links == 0 }
        let cacheBytes = usage.cacheOnlyBytes + usage.cacheMountBytes
        return [
            total(
                "Images", usage.images.count, active: usage.images.count { $0.containers > 0 },
                usage.storedBytes, usage.reclaimableBytes),
            total(
                "Containers", containers.count, active: containers.count - idle.count,
                containers.reduce(0) { $0 + $1.sizes.writableBytes },
                idle.reduce(0) { $0 + $1.sizes.writableBytes }),
            total(
                "Local Volumes", volumes.count, active: volumes.count - unused.count,
                volumes.reduce(0) { $0 + $1.sizeBytes }, unused.reduce(0) { $0 + $1.sizeBytes }),
            total(
                "Build Cache", usage.cacheEntries + usage.cacheMounts, active: 0, cacheBytes,
                cacheBytes),
        ]
    }

    private func total(
        _ type: String, _ count: Int, active: Int, _ bytes: UInt64, _ reclaimable: UInt64
    ) -> Row {
        var text = HumanSize.decimal(Int64(clamping: reclaimable))
        // Docker's: a share of what is there, rounded down; none of nothing.
        if bytes > 0 {
            text += " (\(Int(Double(reclaimable) / Double(bytes) * 100))%)"
        }
        return Row([
            ("Type", .string(type)), ("TotalCount", .string("\(count)")),
            ("Active", .string("\(active)")), ("Size", Self.size(bytes)),
            ("Reclaimable", .string(text)), ("SizeBytes", JSONValue(bytes)),
            ("ReclaimableBytes", JSONValue(reclaimable)),
        ])
    }

    // MARK: - Parts

    func parts(_ engine: Engine) throws -> [Part] {
        [
            images, containerPart, volumePart,
            Part(
                title: "Build cache usage", member: "BuildCache",
                rows: try engine.cacheEntries().map { try engine.row(of: $0, isWhole: false) },
                fields: CacheListCommand.fields),
        ]
    }

    /// Docker's document: a member for each part.
    func json(_ engine: Engine) throws -> JSONValue {
        .object(
            JSONObject(
                try parts(engine).map { part in
                    .init(part.member, .array(part.rows.map(\.json)))
                }))
    }

    private var images: Part {
        let now = Timestamp.now
        var rows: [Row] = []
        for image in usage.images {
            let created = Timestamp(nanosecondsSinceEpoch: image.createdAt)
            let names: [Reference?] = image.names.isEmpty ? [nil] : image.names
            for name in names {
                rows.append(
                    Row([
                        ("Repository", .string(name?.familiarRepository ?? "<none>")),
                        ("Tag", .string(name?.tag ?? "<none>")),
                        ("ID", .string(image.id.digest.short)),
                        ("CreatedSince", .string(HumanDuration.ago(created, now: now))),
                        ("Size", Self.size(image.sizeBytes)),
                        ("SharedSize", Self.size(image.sharedBytes)),
                        ("UniqueSize", Self.size(image.uniqueBytes)),
                        ("DiskSize", Self.size(image.diskBytes ?? 0)),
                        ("Containers", .string("\(image.containers)")),
                        ("LayersSize", Self.size(image.layerBytes)),
                        ("SizeBytes", JSONValue(image.sizeBytes)),
                        ("SharedBytes", JSONValue(image.sharedBytes)),
                        ("UniqueBytes", JSONValue(image.uniqueBytes)),
                        ("DiskBytes", JSONValue(image.diskBytes ?? 0)),
                        ("LayersBytes", JSONValue(image.layerBytes)),
                    ]))
            }
        }
        return Part(
            title: "Images space usage", member: "Images", rows: rows,
            fields: [
                Field("Repository", "REPOSITORY"), Field("Tag", "TAG"), Field("ID", "IMAGE ID"),
                Field("CreatedSince", "CREATED"), Field("Size", "SIZE"),
                Field("SharedSize", "SHARED SIZE"), Field("UniqueSize", "UNIQUE SIZE"),
                Field("DiskSize", "DISK SIZE"), Field("Containers", "CONTAINERS"),
            ])
    }

    private var containerPart: Part {
        let now = Timestamp.now
        let rows = containers.map { container in
            let record = container.record
            let created = Timestamp(nanosecondsSinceEpoch: record.createdAt)
            return Row([
                ("ID", .string(record.id.short)), ("Image", .string(record.imageName)),
                (
                    "Command",
                    .string(CommandText.text(record.settings.arguments, isWhole: false))
                ),
                ("LocalVolumes", .string("\(record.settings.volumeNames.count)")),
                ("Size", Self.size(container.sizes.writableBytes)),
                ("VirtualSize", Self.size(container.sizes.virtualBytes)),
                ("RunningFor", .string(HumanDuration.ago(created, now: now))),
                ("Status", .string(container.state.status.rawValue)),
                ("Names", .string(record.name)),
                ("SizeBytes", JSONValue(container.sizes.writableBytes)),
                ("VirtualBytes", JSONValue(container.sizes.virtualBytes)),
                ("DiskBytes", JSONValue(container.sizes.diskBytes)),
            ])
        }
        return Part(
            title: "Containers space usage", member: "Containers", rows: rows,
            fields: [
                Field("ID", "CONTAINER ID"), Field("Image", "IMAGE"), Field("Command", "COMMAND"),
                Field("LocalVolumes", "LOCAL VOLUMES"), Field("Size", "SIZE"),
                Field("VirtualSize", "VIRTUAL SIZE"), Field("RunningFor", "CREATED"),
                Field("Status", "STATUS"), Field("Names", "NAMES"),
            ])
    }

    private var volumePart: Part {
        let rows = volumes.map { volume in
            Row([
                ("Name", .string(volume.record.name)), ("Links", .string("\(volume.links)")),
                ("Size", Self.size(volume.sizeBytes)), ("SizeBytes", JSONValue(volume.sizeBytes)),
                ("DiskBytes", JSONValue(volume.diskBytes)),
            ])
        }
        return Part(
            title: "Local Volumes space usage", member: "Volumes", rows: rows,
            fields: [
                Field("Name", "VOLUME NAME"), Field("Links", "LINKS"), Field("Size", "SIZE"),
            ])
    }
}
