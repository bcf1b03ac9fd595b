// The three places a sparse map can stand: in header blocks, in pax records, in front of the data.

extension TarReader {
    /// Old GNU: four extents in the header block, more in blocks after it.
    mutating func startGNUSparse(
        _ entry: inout TarEntry, _ header: TarHeaderBlock, _ block: Span<UInt8>
    ) throws(TarError) {
        guard header.format == .gnu else {
            throw TarError(.unsupported, "a sparse file of another archiver than GNU tar")
        }
        var extents: [TarExtent] = []
        try SparseMap.append(
            gnuFields: block.extracting(TarLayout.gnuSparseMap), to: &extents, limits: limits)
        let stored = entry.sizeBytes
        let realSize = try TarNumber.field(block.extracting(TarLayout.gnuRealSize))
        entry.sizeBytes = try TarHeaderBlock.size(realSize)
        entry.extents = extents
        draft = Draft(entry: entry, storedSizeBytes: stored)
        if block[TarLayout.gnuSparseContinues] != 0 {
            phase = .block(.gnuSparseMap)
        } else {
            try finishSparse(extents)
        }
    }

    mutating func takeGNUSparseMap(_ block: Span<UInt8>) throws(TarError) {
        // Taken out of the draft while it grows, so that it is not copied for each block.
        var extents = draft?.entry.extents ?? []
        draft?.entry.extents = nil
        try SparseMap.append(
            gnuFields: block.extracting(TarLayout.sparseBlockMap), to: &extents, limits: limits)
        if block[TarLayout.sparseBlockContinues] != 0 {
            draft?.entry.extents = extents
            // A block without extents could be followed by another without end.
            guard block[0] != 0 else {
                throw TarError(.invalidSparseMap, "a sparse map's block is empty and not the last")
            }
        } else {
            try finishSparse(extents)
        }
    }

    /// Pax: begins the entry if it is sparse, and returns whether it is.
    mutating func startPaxSparse(
        _ entry: inout TarEntry, _ records: PaxSparseRecords
    ) throws(TarError) -> Bool {
        let form = try records.form()
        guard form != .none else { return false }
        guard entry.kind == .regular else {
            throw TarError(.invalidSparseMap, "an entry that is no file has a sparse map")
        }
        let stored = entry.sizeBytes
        entry.path = records.path ?? entry.path
        entry.sizeBytes = records.sizeBytes ?? stored
        draft = Draft(entry: entry, storedSizeBytes: stored)
        if case .inRecords(let extents) = form {
            try finishSparse(extents)
        } else {
            phase = .block(.paxSparseMap)
        }
        return true
    }

    mutating func takePaxSparseMap(_ block: Span<UInt8>) throws(TarError) {
        guard var map = draft?.map, let stored = draft?.storedSizeBytes else { return }
        draft?.map = SparseMapText()
        guard stored >= TarLayout.blockBytes else {
            throw TarError(.invalidSparseMap, "a sparse map is longer than the entry's data")
        }
        try map.take(block, limits: limits)
        draft?.storedSizeBytes = stored - Int64(TarLayout.blockBytes)
        if map.isComplete {
            try finishSparse(map.extents)
        } else {
            draft?.map = map
        }
    }

    private mutating func finishSparse(_ extents: [TarExtent]) throws(TarError) {
        guard let entry = draft?.entry, let stored = draft?.storedSizeBytes else { return }
        try SparseMap.validate(extents, sizeBytes: entry.sizeBytes, storedSizeBytes: stored)
        draft?.entry.extents = extents
        phase = .body(remaining: stored)
    }
}
