/// The header bytes of the archives that Vitrine writes.
///
/// A pure function of the entry: ustar headers, with pax records only for what ustar cannot say, in
/// the form and by the rules of Go's archive/tar, so that equal trees give equal layers. Not written
/// are access and change times, user and group names, and sparse maps: a body is written whole.
///
/// An archive is, for each entry, `header(for:)`, the entry's `sizeBytes` bytes of body if it is a
/// regular file, and `padding(after:)`; then `endMarker`.
package enum TarWriter {
    /// The two zero blocks that end an archive.
    package static let endMarker = [UInt8](repeating: 0, count: 2 * TarLayout.blockBytes)

    /// The zeros that fill a body of `sizeBytes` up to a whole block.
    package static func padding(after sizeBytes: Int64) -> [UInt8] {
        [UInt8](repeating: 0, count: TarLayout.paddingBytes(after: sizeBytes))
    }

    /// The entry's header block, after the extension header it may need.
    ///
    /// A directory's path gets its trailing slash. Only a regular file has a size.
    ///
    /// - Throws: `TarError.invalidName` for an empty path or a NUL in a name; `unsupported` for an
    ///   entry of unknown kind; `invalidNumber` for a negative size.
    package static func header(for entry: TarEntry) throws(TarError) -> [UInt8] {
        do {
            return try encode(entry)
        } catch {
            var error = error
            error.entryPath = entry.path
            throw error
        }
    }

    private static func encode(_ entry: TarEntry) throws(TarError) -> [UInt8] {
        let flag = try typeFlag(of: entry.kind)
        let path = try path(of: entry)
        let size = entry.kind == .regular ? entry.sizeBytes : 0
        guard size >= 0 else {
            throw TarError(.invalidNumber, "an entry's size is negative (\(size))")
        }
        let records = try paxRecords(for: entry, path: path, sizeBytes: size)

        var bytes: [UInt8] = []
        var block = TarBlockBuilder()
        if records.isEmpty {
            let split = UstarPath(path)
            block.setText(split?.name ?? path, in: TarLayout.name)
            block.setText(split?.prefix ?? [], in: TarLayout.prefix)
        } else {
            appendExtendedHeader(records, path: path, to: &bytes)
            block.setText(path.filter { $0 < 0x80 }, in: TarLayout.name)
        }
        block.setText(entry.linkTarget.filter { $0 < 0x80 }, in: TarLayout.linkName)
        block.setNumber(Int64(entry.mode & 0o7777), in: TarLayout.mode)
        block.setNumber(Int64(entry.uid), in: TarLayout.uid)
        block.setNumber(Int64(entry.gid), in: TarLayout.gid)
        block.setNumber(size, in: TarLayout.size)
        block.setNumber(entry.modified.seconds, in: TarLayout.modified)
        let isDevice = entry.kind == .characterDevice || entry.kind == .blockDevice
        block.setDeviceNumber(isDevice ? entry.deviceMajor : 0, in: TarLayout.deviceMajor)
        block.setDeviceNumber(isDevice ? entry.deviceMinor : 0, in: TarLayout.deviceMinor)
        bytes.append(contentsOf: block.finished(typeFlag: flag))
        return bytes
    }

    /// The records for what the ustar header cannot say, in bytewise order of their keys.
    private static func paxRecords(
        for entry: TarEntry, path: [UInt8], sizeBytes: Int64
    ) throws(TarError) -> [(key: [UInt8], value: [UInt8])] {
        var records: [(key: [UInt8], value: [UInt8])] = []
        func add(_ key: String, _ value: String) {
            records.append((Array(key.utf8), Array(value.utf8)))
        }
        func addNumber(_ key: String, _ value: Int64, _ field: Range<Int>) {
            if !TarNumber.fitsOctal(value, width: field.count) { add(key, String(value)) }
        }
        for attribute in entry.attributes {
            guard !attribute.name.isEmpty, !attribute.name.contains(0) else {
                throw TarError(.invalidName, "an extended attribute has no valid name")
            }
            let key = Array("SCHILY.xattr.".utf8) + AttributeText.escapeKeyword(attribute.name)
            records.append((key, attribute.value))
        }
        addNumber("gid", Int64(entry.gid), TarLayout.gid)
        addNumber("uid", Int64(entry.uid), TarLayout.uid)
        addNumber("size", sizeBytes, TarLayout.size)
        if entry.modified.nanoseconds > 0
            || !TarNumber.fitsOctal(entry.modified.seconds, width: TarLayout.modified.count)
        {
            add("mtime", TarNumber.text(of: entry.modified))
        }
        let target = entry.linkTarget
        if target.count > TarLayout.linkName.count || !target.allSatisfy({ $0 < 0x80 }) {
            records.append((Array("linkpath".utf8), target))
        }
        if UstarPath(path) == nil || (!records.isEmpty && path.count > TarLayout.name.count) {
            records.append((Array("path".utf8), path))
        }
        return records.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }

    private static func appendExtendedHeader(
        _ records: [(key: [UInt8], value: [UInt8])], path: [UInt8], to bytes: inout [UInt8]
    ) {
        var body: [UInt8] = []
        for (key, value) in records {
            PaxRecord.append(key: key, value: value, to: &body)
        }
        var block = TarBlockBuilder()
        block.setText(extendedHeaderName(for: path), in: TarLayout.name)
        for field in [TarLayout.mode, TarLayout.uid, TarLayout.gid, TarLayout.modified] {
            block.setNumber(0, in: field)
        }
        block.setNumber(Int64(body.count), in: TarLayout.size)
        bytes.append(contentsOf: block.finished(typeFlag: UInt8(ascii: "x")))
        bytes.append(contentsOf: body)
        bytes.append(contentsOf: padding(after: Int64(body.count)))
    }

    /// `directory/PaxHeaders.0/name`: what an archiver that knows no pax would extract it as.
    private static func extendedHeaderName(for path: [UInt8]) -> [UInt8] {
        let slash = UInt8(ascii: "/")
        let components = path.split(separator: slash).map { Array($0) }
        let parts = components.dropLast() + [Array("PaxHeaders.0".utf8)] + components.suffix(1)
        var name = Array(parts.joined(separator: [slash])).filter { $0 < 0x80 }
        if path.first == slash { name.insert(slash, at: 0) }
        name = Array(name.prefix(TarLayout.name.count))
        while name.last == slash { name.removeLast() }
        return name
    }

    private static func path(of entry: TarEntry) throws(TarError) -> [UInt8] {
        var path = entry.path
        guard !path.isEmpty else { throw TarError(.invalidName, "an entry has no path") }
        guard !path.contains(0), !entry.linkTarget.contains(0) else {
            throw TarError(.invalidName, "a path or link target holds a NUL")
        }
        if entry.kind == .directory, path.last != UInt8(ascii: "/") {
            path.append(UInt8(ascii: "/"))
        }
        return path
    }

    private static func typeFlag(of kind: TarEntry.Kind) throws(TarError) -> UInt8 {
        switch kind {
        case .regular: UInt8(ascii: "0")
        case .hardLink: UInt8(ascii: "1")
        case .symbolicLink: UInt8(ascii: "2")
        case .characterDevice: UInt8(ascii: "3")
        case .blockDevice: UInt8(ascii: "4")
        case .directory: UInt8(ascii: "5")
        case .fifo: UInt8(ascii: "6")
        case .unknown(let flag):
            throw TarError(.unsupported, "an entry of type \(flag) has no canonical header")
        }
    }
}
