/// POSIX access control lists, from the text in `SCHILY.acl.*` records to the kernel's attribute.
///
///     user::rwx,user:1000:r-x,group::r-x,mask::r-x,other::---
///     user::rwx,user:lisa:r-x:1000,…                          star's fourth field: the id
///
/// The kernel's form (linux/posix_acl_xattr.h), all little-endian: version 2 in 32 bits, then for each
/// entry tag and permissions in 16 bits each and an id in 32.
enum PosixACL {
    enum Outcome: Equatable {
        case value([UInt8])
        /// An access list of owner, group and others alone says what the mode says; the kernel keeps
        /// no attribute for it either.
        case equalsMode
        /// It names users or groups and has no ids for them.
        case namesWithoutIDs
    }

    private enum Tag: UInt16 {
        case owner = 0x01
        case user = 0x02
        case owningGroup = 0x04
        case group = 0x08
        case mask = 0x10
        case other = 0x20
    }

    private struct Entry {
        var tag: Tag
        var permissions: UInt16
        var id: UInt32
    }

    private static let noID = UInt32.max

    static func attributeValue(
        text: Span<UInt8>, isDefault: Bool
    ) throws(TarError) -> Outcome {
        var entries: [Entry] = []
        var namesWithoutIDs = false
        for line in [UInt8](copying: text).split(whereSeparator: isSeparator) {
            // getfacl's text may end a line in "#effective:r--".
            var fields = line.prefix { $0 != UInt8(ascii: "#") }.filter { !isBlank($0) }
                .split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
                .map { Array($0) }
            if fields == [[]] { continue }
            if isDefault, ["default", "d"].contains(word(fields[0])) { fields.removeFirst() }
            guard fields.count >= 2, let entry = entry(fields, &namesWithoutIDs) else {
                throw TarError(
                    .invalidRecord,
                    "an ACL entry cannot be read: \(String(decoding: line, as: UTF8.self))")
            }
            entries.append(entry)
        }
        if namesWithoutIDs { return .namesWithoutIDs }
        try validate(entries)
        if !isDefault, entries.count == 3 { return .equalsMode }
        return .value(encode(entries))
    }

    private static func entry(_ fields: [[UInt8]], _ namesWithoutIDs: inout Bool) -> Entry? {
        // "other:r--" and "mask:r--" are the short forms of "other::r--" and "mask::r--".
        let isShort = fields.count == 2
        let qualifier = isShort ? [] : fields[1]
        guard fields.count <= 4, let permissions = permissions(fields[isShort ? 1 : 2]) else {
            return nil
        }
        let tag: Tag
        switch (word(fields[0]), qualifier.isEmpty) {
        case ("user", true), ("u", true): tag = .owner
        case ("user", false), ("u", false): tag = .user
        case ("group", true), ("g", true): tag = .owningGroup
        case ("group", false), ("g", false): tag = .group
        case ("mask", true), ("m", true): tag = .mask
        case ("other", true), ("o", true): tag = .other
        default: return nil
        }
        guard tag == .user || tag == .group else {
            return fields.count <= 3 ? Entry(tag: tag, permissions: permissions, id: noID) : nil
        }
        let idText = fields.count == 4 ? fields[3] : qualifier
        guard let id = UInt32(word(idText)), id != noID else {
            namesWithoutIDs = true
            return Entry(tag: tag, permissions: permissions, id: noID)
        }
        return Entry(tag: tag, permissions: permissions, id: id)
    }

    private static func permissions(_ text: [UInt8]) -> UInt16? {
        guard !text.isEmpty, text.count <= 3 else { return nil }
        var permissions: UInt16 = 0
        for byte in text {
            switch byte {
            case UInt8(ascii: "r"): permissions |= 4
            case UInt8(ascii: "w"): permissions |= 2
            case UInt8(ascii: "x"): permissions |= 1
            case UInt8(ascii: "-"): break
            default: return nil
            }
        }
        return permissions
    }

    /// The kernel's own conditions (posix_acl_valid): each of owner, group and others once, and a mask
    /// at most once, and surely if a user or group is named.
    private static func validate(_ entries: [Entry]) throws(TarError) {
        func count(_ tag: Tag) -> Int { entries.count { $0.tag == tag } }
        let isNamed = count(.user) + count(.group) > 0
        guard count(.owner) == 1, count(.owningGroup) == 1, count(.other) == 1,
            count(.mask) <= 1, !isNamed || count(.mask) == 1
        else {
            throw TarError(.invalidRecord, "an ACL lacks or repeats one of its necessary entries")
        }
    }

    private static func encode(_ entries: [Entry]) -> [UInt8] {
        var bytes: [UInt8] = [2, 0, 0, 0]
        let ordered = entries.sorted { ($0.tag.rawValue, $0.id) < ($1.tag.rawValue, $1.id) }
        for entry in ordered {
            for value in [entry.tag.rawValue, entry.permissions] {
                bytes.append(UInt8(truncatingIfNeeded: value))
                bytes.append(UInt8(truncatingIfNeeded: value >> 8))
            }
            for shift in [0, 8, 16, 24] as [UInt32] {
                bytes.append(UInt8(truncatingIfNeeded: entry.id >> shift))
            }
        }
        return bytes
    }

    private static func word(_ bytes: [UInt8]) -> String {
        String(decoding: bytes, as: UTF8.self)
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\n") || byte == 0
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }
}
