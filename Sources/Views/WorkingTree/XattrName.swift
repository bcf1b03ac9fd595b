internal import FileTree
internal import VirtualFS

/// Names of extended attributes that mean something here, and limits, xattr(7).
enum XattrName {
    static let accessACL = AccessControlList.accessName
    static let defaultACL = AccessControlList.defaultName
    static let capability = Array("security.capability".utf8)

    /// XATTR_NAME_MAX.
    static let maximumNameBytes = 255
    /// XATTR_SIZE_MAX.
    static let maximumValueBytes = 65_536
    /// XATTR_LIST_MAX: listxattr(2) could not tell of more names.
    private static let maximumListBytes = 65_536
    /// Of all values of an inode, which are kept in memory and in its directory's encoding.
    private static let maximumTotalBytes = 1 << 20

    private static let namespaces = ["user.", "trusted.", "security."].map { Array($0.utf8) }

    /// - Throws: what ext4 says of a name that nobody can set.
    static func check(_ name: [UInt8]) throws(FileSystemError) {
        guard !name.isEmpty, name.count <= maximumNameBytes else { throw .resultTooLarge }
        if name == accessACL || name == defaultACL { return }
        guard let namespace = namespaces.first(where: { name.starts(with: $0) }) else {
            throw .unsupported
        }
        if name.count == namespace.count { throw .invalidArgument }
    }

    /// Whether an inode may have all of these.
    static func fits(_ attributes: ExtendedAttributes) -> Bool {
        var (list, total) = (0, 0)
        for attribute in attributes.attributes {
            list += attribute.name.count + 1
            total += attribute.value.count
        }
        return list <= maximumListBytes && total <= maximumTotalBytes
    }
}
