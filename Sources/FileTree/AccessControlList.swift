/// A POSIX access control list as Linux keeps it in an extended attribute (acl(5),
/// linux/posix_acl_xattr.h): a version, then entries of tag, permissions and identifier,
/// all little-endian.
package struct AccessControlList {
    /// The extended attribute that says who may do what, beside the permission bits.
    package static let accessName = Array("system.posix_acl_access".utf8)
    /// The one of a directory that what is made in it gets.
    package static let defaultName = Array("system.posix_acl_default".utf8)

    package enum Tag: UInt16, Sendable {
        /// The owner.
        case userObject = 0x01
        case user = 0x02
        /// The owning group.
        case groupObject = 0x04
        case group = 0x08
        case mask = 0x10
        case other = 0x20
    }

    package struct Entry: Sendable {
        package var tag: Tag
        /// Read, write, execute: 4, 2, 1.
        package var permissions: UInt16
        /// ``noIdentifier`` of all but users and groups.
        package var identifier: UInt32

        package init(tag: Tag, permissions: UInt16, identifier: UInt32 = noIdentifier) {
            self.tag = tag
            self.permissions = permissions
            self.identifier = identifier
        }
    }

    package static let noIdentifier = UInt32.max

    private static let version: UInt32 = 2

    private var entries: [Entry]

    /// - Returns: nil for bytes that are no valid list. A list without entries is valid here.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count >= 4, (bytes.count - 4) % 8 == 0,
            Self.integer(bytes[0..<4]) == Self.version
        else { return nil }
        entries = []
        for start in stride(from: 4, to: bytes.count, by: 8) {
            let permissions = UInt16(Self.integer(bytes[(start + 2)..<(start + 4)]))
            guard let tag = Tag(rawValue: UInt16(Self.integer(bytes[start..<(start + 2)]))),
                permissions & ~7 == 0
            else { return nil }
            entries.append(
                Entry(
                    tag: tag, permissions: permissions,
                    identifier: Self.integer(bytes[(start + 4)..<(start + 8)])))
        }
        guard entries.isEmpty || isValid else { return nil }
    }

    /// - Returns: nil where the entries make no valid list; their order does not matter.
    package init?(_ entries: [Entry]) {
        self.entries = entries.sorted {
            ($0.tag.rawValue, $0.identifier) < ($1.tag.rawValue, $1.identifier)
        }
        guard isValid else { return nil }
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// One each of owner, group and others, in the order of tags; a mask where others are named
    /// (posix_acl_valid in the kernel).
    private var isValid: Bool {
        for (left, right) in zip(entries, entries.dropFirst()) {
            guard left.tag.rawValue <= right.tag.rawValue else { return false }
            if left.tag == right.tag && left.tag != .user && left.tag != .group { return false }
        }
        let tags = Set(entries.map(\.tag))
        guard tags.isSuperset(of: [.userObject, .groupObject, .other]) else { return false }
        return tags.isDisjoint(with: [.user, .group]) || tags.contains(.mask)
    }

    package var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(4 + entries.count * 8)
        func append(_ value: UInt32, _ count: Int) {
            for index in 0..<count {
                result.append(UInt8(truncatingIfNeeded: value >> (8 * UInt32(index))))
            }
        }
        append(Self.version, 4)
        for entry in entries {
            append(UInt32(entry.tag.rawValue), 2)
            append(UInt32(entry.permissions), 2)
            append(entry.identifier, 4)
        }
        return result
    }

    package var isEmpty: Bool { entries.isEmpty }

    /// Whether permission bits say all of it.
    package var isTrivial: Bool { !entries.contains { [.user, .group, .mask].contains($0.tag) } }

    /// The nine permission bits that stand for the list: the mask, where there is one, is the
    /// group's.
    package var permissions: UInt16 {
        var result: UInt16 = 0
        for entry in entries {
            switch entry.tag {
            case .userObject: result |= entry.permissions << 6
            case .groupObject where !hasMask, .mask: result |= entry.permissions << 3
            case .other: result |= entry.permissions
            default: break
            }
        }
        return result
    }

    private var hasMask: Bool { entries.contains { $0.tag == .mask } }

    /// What chmod(2) does.
    package mutating func setPermissions(_ permissions: UInt16) {
        update(with: permissions) { _, bits in bits }
    }

    /// What a new inode makes of its parent's default list (acl(5), "object creation and default
    /// ACLs"): the mode that was asked for takes permissions away.
    package mutating func restrict(to permissions: UInt16) {
        update(with: permissions) { old, bits in old & bits }
    }

    private mutating func update(
        with permissions: UInt16, _ combine: (_ old: UInt16, _ bits: UInt16) -> UInt16
    ) {
        let masked = hasMask
        for index in entries.indices {
            let shift: UInt16
            switch entries[index].tag {
            case .userObject: shift = 6
            case .groupObject where !masked: shift = 3
            case .mask: shift = 3
            case .other: shift = 0
            default: continue
            }
            entries[index].permissions = combine(
                entries[index].permissions, permissions >> shift & 7)
        }
    }
}
