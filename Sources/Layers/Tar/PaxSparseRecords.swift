/// The `GNU.sparse.*` records: GNU tar's three ways of sparse files in pax archives.
///
/// 0.0 has a pair of `offset` and `numbytes` records an extent, 0.1 has all in one `map` record, 1.0
/// has the map in front of the data and says so with `major` and `minor`.
struct PaxSparseRecords: Sendable {
    enum Form: Equatable {
        case none
        case inRecords([TarExtent])
        case inData
    }

    private(set) var path: [UInt8]?
    private(set) var sizeBytes: Int64?
    private var major: Int64?
    private var minor: Int64?
    private var count: Int64?
    private var extents: [TarExtent]?
    private var offset: Int64?

    mutating func apply(
        keyword: String, value: Span<UInt8>, limits: TarLimits
    ) throws(TarError) {
        switch keyword {
        case "GNU.sparse.name":
            guard value.firstIndex(of: 0) == nil else {
                throw TarError(.invalidName, "the pax record \(keyword) holds a NUL")
            }
            guard value.count <= limits.nameBytes else {
                throw TarError(
                    .limitExceeded, "\(keyword) is longer than \(limits.nameBytes) bytes")
            }
            path = value.count > 0 ? [UInt8](copying: value) : nil
        case "GNU.sparse.size", "GNU.sparse.realsize":
            sizeBytes = try TarHeaderBlock.size(TarNumber.decimal(value))
        case "GNU.sparse.major": major = try TarNumber.decimal(value)
        case "GNU.sparse.minor": minor = try TarNumber.decimal(value)
        case "GNU.sparse.numblocks": count = try TarNumber.decimal(value)
        case "GNU.sparse.offset":
            guard offset == nil else { throw Self.unpaired }
            offset = try TarNumber.decimal(value)
        case "GNU.sparse.numbytes":
            guard let start = offset else { throw Self.unpaired }
            offset = nil
            let extent = TarExtent(offset: start, sizeBytes: try TarNumber.decimal(value))
            try append(extent, limits: limits)
        case "GNU.sparse.map":
            extents = nil
            try readMap(value, limits: limits)
        default: break
        }
    }

    /// - Throws: `unsupported` for a version that is none of the three.
    func form() throws(TarError) -> Form {
        switch (major, minor) {
        case (1, 0): return .inData
        case (nil, nil), (0, 0), (0, 1):
            guard offset == nil else { throw Self.unpaired }
            guard let extents else {
                // A file that is one hole has no extents; without a count it is no sparse file.
                guard let count else { return .none }
                guard count == 0 else { throw Self.unpaired }
                return .inRecords([])
            }
            guard count == nil || count == Int64(extents.count) else {
                throw TarError(
                    .invalidSparseMap, "a sparse map has another number of extents than it states")
            }
            return .inRecords(extents)
        default:
            throw TarError(.unsupported, "a sparse file of an unknown GNU version")
        }
    }

    private mutating func readMap(_ value: Span<UInt8>, limits: TarLimits) throws(TarError) {
        extents = []
        var start = 0
        var first: Int64?
        while start < value.count {
            var end = start
            while end < value.count, value[end] != UInt8(ascii: ",") { end += 1 }
            let number = try TarNumber.decimal(value.extracting(start..<end))
            if let offset = first {
                try append(TarExtent(offset: offset, sizeBytes: number), limits: limits)
                first = nil
            } else {
                first = number
            }
            start = end + 1
        }
        guard first == nil else { throw Self.unpaired }
    }

    private mutating func append(_ extent: TarExtent, limits: TarLimits) throws(TarError) {
        var grown = extents ?? []
        extents = nil
        try SparseMap.append(extent, to: &grown, limits: limits)
        extents = grown
    }

    private static var unpaired: TarError {
        TarError(.invalidSparseMap, "a sparse map's offsets and sizes do not pair")
    }
}
