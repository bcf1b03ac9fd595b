/// What the records of a pax header say about an entry, over what its header block says.
struct PaxOverrides: Sendable {
    private(set) var path: [UInt8]?
    private(set) var linkTarget: [UInt8]?
    private(set) var sizeBytes: Int64?
    private(set) var uid: UInt32?
    private(set) var gid: UInt32?
    private(set) var modified: TarTime?
    private(set) var sparse = PaxSparseRecords()
    /// By name: bsdtar states every attribute twice, in both spellings.
    private var attributes: [[UInt8]: [UInt8]] = [:]
    /// All names of `attributes` with a NUL each.
    private var attributeListBytes = 0
    private var accessControl: [(attribute: String, key: String, text: [UInt8])] = []

    private static let schilyAttribute = Array("SCHILY.xattr.".utf8)
    private static let libarchiveAttribute = Array("LIBARCHIVE.xattr.".utf8)

    /// Takes the records of one header's body, in order; a later record of a key replaces an earlier.
    mutating func apply(_ records: Span<UInt8>, limits: TarLimits) throws(TarError) {
        try PaxRecord.forEach(in: records) { (key, value) throws(TarError) in
            try apply(key: key, value: value, limits: limits)
        }
    }

    private mutating func apply(
        key: Span<UInt8>, value: Span<UInt8>, limits: TarLimits
    ) throws(TarError) {
        if key.starts(with: Self.schilyAttribute) {
            let name = key.extracting(Self.schilyAttribute.count..<key.count)
            let decoded = AttributeText.unescapeKeyword(name)
            try addAttribute(name: decoded, value: [UInt8](copying: value), limits: limits)
            return
        }
        if key.starts(with: Self.libarchiveAttribute) {
            let name = AttributeText.decodePercent(
                key.extracting(Self.libarchiveAttribute.count..<key.count))
            let decoded = try AttributeText.decodeBase64(value)
            try addAttribute(name: name, value: decoded, limits: limits)
            return
        }
        // Keys are ASCII: String's canonical equality cannot join two of them.
        let keyword = String(decoding: [UInt8](copying: key), as: UTF8.self)
        if keyword.hasPrefix("GNU.sparse.") {
            try sparse.apply(keyword: keyword, value: value, limits: limits)
            return
        }
        // An empty value takes the override back (POSIX).
        let isPresent = value.count > 0
        switch keyword {
        case "path": path = isPresent ? try name(value, keyword, limits) : nil
        case "linkpath": linkTarget = isPresent ? try name(value, keyword, limits) : nil
        case "size":
            sizeBytes = isPresent ? try TarHeaderBlock.size(TarNumber.decimal(value)) : nil
        case "uid": uid = isPresent ? try TarHeaderBlock.owner(TarNumber.decimal(value)) : nil
        case "gid": gid = isPresent ? try TarHeaderBlock.owner(TarNumber.decimal(value)) : nil
        case "mtime": modified = isPresent ? try TarNumber.time(value) : nil
        case "SCHILY.acl.access", "SCHILY.acl.default":
            let attribute = "system.posix_acl_" + keyword.dropFirst("SCHILY.acl.".count)
            accessControl.removeAll { $0.key == keyword }
            if isPresent {
                accessControl.append((attribute, keyword, [UInt8](copying: value)))
            }
        case "GNU.volume.offset", "GNU.volume.size", "GNU.volume.filename":
            throw TarError(
                .unsupported, "a part of a multi-volume archive: join the volumes into one archive")
        default: break
        }
    }

    /// The attributes by name, ACLs among them, and the keys of those that could not be represented.
    func resolvedAttributes() throws(TarError) -> ([TarAttribute], ignored: [[UInt8]]) {
        var all: [TarAttribute] = []
        var ignored: [[UInt8]] = []
        // An attribute stated as such is exact: bsdtar and star write both.
        for (attribute, key, text) in accessControl
        where attributes[Array(attribute.utf8)] == nil {
            let isDefault = attribute.hasSuffix("default")
            switch try PosixACL.attributeValue(text: text.span, isDefault: isDefault) {
            case .value(let value):
                all.append(TarAttribute(name: Array(attribute.utf8), value: value))
            case .equalsMode: break
            case .namesWithoutIDs: ignored.append(Array(key.utf8))
            }
        }
        for (name, value) in attributes { all.append(TarAttribute(name: name, value: value)) }
        all.sort { $0.name.lexicographicallyPrecedes($1.name) }
        return (all, ignored)
    }

    private mutating func addAttribute(
        name: [UInt8], value: [UInt8], limits: TarLimits
    ) throws(TarError) {
        guard !name.isEmpty, !name.contains(0) else {
            throw TarError(.invalidRecord, "an extended attribute has no valid name")
        }
        guard name.count <= limits.attributeNameBytes else {
            throw TarError(
                .limitExceeded,
                "an extended attribute's name is longer than \(limits.attributeNameBytes) bytes")
        }
        guard value.count <= limits.attributeValueBytes else {
            throw TarError(
                .limitExceeded,
                "an extended attribute is larger than \(limits.attributeValueBytes) bytes")
        }
        guard attributes.updateValue(value, forKey: name) == nil else { return }
        attributeListBytes += name.count + 1
        guard attributeListBytes <= limits.attributeListBytes else {
            throw TarError(
                .limitExceeded,
                "the names of an entry's extended attributes are longer than "
                    + "\(limits.attributeListBytes) bytes")
        }
    }

    private func name(
        _ value: Span<UInt8>, _ keyword: String, _ limits: TarLimits
    ) throws(TarError) -> [UInt8] {
        guard value.firstIndex(of: 0) == nil else {
            throw TarError(.invalidName, "the pax record \(keyword) holds a NUL")
        }
        guard value.count <= limits.nameBytes else {
            throw TarError(.limitExceeded, "\(keyword) is longer than \(limits.nameBytes) bytes")
        }
        return [UInt8](copying: value)
    }
}
