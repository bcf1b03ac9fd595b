internal import FileTree

/// POSIX access control lists, from the text in `SCHILY.acl.*` records to the kernel's attribute.
///
///     user::rwx,user:1000:r-x,group::r-x,mask::r-x,other::---
///     user::rwx,user:lisa:r-x:1000,…                          star's fourth field: the id
enum PosixACL {
    enum Outcome: Equatable {
        case value([UInt8])
        /// An access list of owner, group and others alone says what the mode says; the kernel keeps
        /// no attribute for it either.
        case equalsMode
        /// It names users or groups and has no ids for them.
        case namesWithoutIDs
    }

    private typealias Entry = AccessControlList.Entry
    private typealias Tag = AccessControlList.Tag

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
        guard let list = AccessControlList(entries) else {
            throw TarError(.invalidRecord, "an ACL lacks or repeats one of its necessary entries")
        }
        return !isDefault && list.isTrivial ? .equalsMode : .value(list.bytes)
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
        case ("user", true), ("u", true): tag = .userObject
        case ("user", false), ("u", false): tag = .user
        case ("group", true), ("g", true): tag = .groupObject
        case ("group", false), ("g", false): tag = .group
        case ("mask", true), ("m", true): tag = .mask
        case ("other", true), ("o", true): tag = .other
        default: return nil
        }
        guard tag == .user || tag == .group else {
            return fields.count <= 3 ? Entry(tag: tag, permissions: permissions) : nil
        }
        let idText = fields.count == 4 ? fields[3] : qualifier
        guard let id = UInt32(word(idText)), id != AccessControlList.noIdentifier else {
            namesWithoutIDs = true
            return Entry(tag: tag, permissions: permissions)
        }
        return Entry(tag: tag, permissions: permissions, identifier: id)
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
