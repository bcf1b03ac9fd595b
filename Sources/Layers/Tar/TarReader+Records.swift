// Extension headers: their bodies are gathered, within limits, and say something about the next entry.

extension TarReader {
    mutating func startRecord(_ record: Record, _ header: TarHeaderBlock) throws(TarError) {
        let limit: Int64 =
            switch record {
            // A long name ends in a NUL.
            case .longName, .longLink: limits.nameBytes + 1
            case .pax, .globalPax: limits.extendedHeaderBytes
            }
        guard header.sizeBytes <= limit else {
            throw TarError(
                .limitExceeded,
                "an extension header holds \(header.sizeBytes) bytes; \(limit) are allowed")
        }
        // A global header belongs to no entry, so an archive may end after one; but not without end.
        pending.headers += record == .globalPax ? 0 : 1
        guard pending.headers <= limits.extensionHeaders else {
            throw TarError(
                .limitExceeded,
                "an entry has more than \(limits.extensionHeaders) extension headers")
        }
        gathered.removeAll(keepingCapacity: true)
        paddingBytes = TarLayout.paddingBytes(after: header.sizeBytes)
        phase = .record(record, remaining: header.sizeBytes)
        if header.sizeBytes == 0 {
            try finishRecord(record)
            phase = .block(.header)
        }
    }

    /// Applies the gathered body of an extension header.
    mutating func finishRecord(_ record: Record) throws(TarError) {
        switch record {
        case .longName: pending.longName = gathered.span.textField()
        case .longLink: pending.longLink = gathered.span.textField()
        case .pax:
            // A second header for the same entry replaces the first, as in Go's archive/tar.
            var overrides = globalOverrides
            try overrides.apply(gathered.span, limits: limits)
            pending.pax = overrides
        case .globalPax:
            var overrides = globalOverrides
            try overrides.apply(gathered.span, limits: limits)
            if globalHeaders == .applied { globalOverrides = overrides }
        }
    }
}
