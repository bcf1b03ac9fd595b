// What each header block means, and the entries that come of it.

extension TarReader {
    mutating func takeHeader(_ block: Span<UInt8>) throws(TarError) {
        if TarHeaderBlock.isZero(block) {
            guard pending.headers == 0 else {
                throw TarError(.invalidHeader, "an extension header is followed by no entry")
            }
            phase = .block(.secondZero)
            return
        }
        let header = try TarHeaderBlock(block)
        switch header.typeFlag {
        case UInt8(ascii: "L"): try startRecord(.longName, header)
        case UInt8(ascii: "K"): try startRecord(.longLink, header)
        // Solaris's X is pax before POSIX.
        case UInt8(ascii: "x"), UInt8(ascii: "X"): try startRecord(.pax, header)
        case UInt8(ascii: "g"): try startRecord(.globalPax, header)
        // Solaris's ACLs, in a form of its own, belong to the next entry.
        case UInt8(ascii: "A"): try startPayload(header.sizeBytes)
        // A volume's label stands for no entry.
        case UInt8(ascii: "V"):
            pending = Pending()
            try startPayload(header.sizeBytes)
        case UInt8(ascii: "M"):
            throw TarError(
                .unsupported, "a part of a multi-volume archive: join the volumes into one archive",
                entryPath: header.path)
        case UInt8(ascii: "N"):
            throw TarError(
                .unsupported, "a table of long names as GNU tar wrote before 1989",
                entryPath: header.path)
        default: try startEntry(header, block)
        }
    }

    mutating func takeSecondZero(_ block: Span<UInt8>) throws(TarError) {
        guard TarHeaderBlock.isZero(block) else {
            throw TarError(.invalidHeader, "a lone zero block stands between two entries")
        }
        phase = .trailer(remaining: limits.trailingBytes)
    }

    private mutating func startPayload(_ sizeBytes: Int64) throws(TarError) {
        guard sizeBytes <= limits.literalPayloadBytes else {
            throw TarError(
                .limitExceeded,
                "\(sizeBytes) bytes belong to no file; \(limits.literalPayloadBytes) are allowed")
        }
        paddingBytes = TarLayout.paddingBytes(after: sizeBytes)
        payloadBytes = sizeBytes
        continuePayload(sizeBytes)
    }

    private mutating func startEntry(
        _ header: TarHeaderBlock, _ block: Span<UInt8>
    ) throws(TarError) {
        let overrides = pending.pax ?? globalOverrides
        var entry = try makeEntry(header, overrides)
        pending = Pending()
        let stored = entry.sizeBytes
        paddingBytes = TarLayout.paddingBytes(after: stored)
        do {
            if header.typeFlag == UInt8(ascii: "D") {
                // The names in the directory at the time of an incremental backup.
                try startPayload(overrides.sizeBytes ?? header.sizeBytes)
            } else if header.typeFlag == UInt8(ascii: "S") {
                try startGNUSparse(&entry, header, block)
                return
            } else if try startPaxSparse(&entry, overrides.sparse) {
                return
            }
        } catch {
            throw error.located(entryPath: entry.path, byteOffset: offset)
        }
        draft = Draft(entry: entry, storedSizeBytes: stored)
        phase = .body(remaining: stored)
    }

    private func makeEntry(
        _ header: TarHeaderBlock, _ overrides: PaxOverrides
    ) throws(TarError) -> TarEntry {
        let path = pending.longName ?? overrides.path ?? header.path
        let kind = TarHeaderBlock.kind(typeFlag: header.typeFlag, path: path)
        var entry = TarEntry(
            path: path, kind: kind, mode: header.mode,
            uid: overrides.uid ?? header.uid, gid: overrides.gid ?? header.gid,
            modified: overrides.modified ?? TarTime(seconds: header.modifiedSeconds),
            deviceMajor: header.deviceMajor, deviceMinor: header.deviceMinor)
        if kind == .hardLink || kind == .symbolicLink {
            entry.linkTarget = pending.longLink ?? overrides.linkTarget ?? header.linkTarget
        }
        if !kind.isHeaderOnly {
            entry.sizeBytes = overrides.sizeBytes ?? header.sizeBytes
        }
        do {
            (entry.attributes, entry.ignoredRecords) = try overrides.resolvedAttributes()
        } catch {
            throw error.located(entryPath: path, byteOffset: offset)
        }
        return entry
    }
}
