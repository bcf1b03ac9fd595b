package import ImageSpec

/// What a directory entry stands for, with every attribute a layer can carry.
package struct Node: Hashable, Sendable {
    package var attributes: NodeAttributes
    package var content: NodeContent
    /// Set when several names of the tree are one file. Never on directories.
    package var hardLink: HardLink?

    package init(
        attributes: NodeAttributes, content: NodeContent, hardLink: HardLink? = nil
    ) {
        self.attributes = attributes
        self.content = content
        self.hardLink = hardLink
    }

    package var isDirectory: Bool {
        if case .directory = content { return true }
        return false
    }

    package var directory: DirectoryReference? {
        if case .directory(let reference) = content { return reference }
        return nil
    }

    /// Whether both are the same file but for the names that share it.
    package func equalsIgnoringLinks(_ other: Node) -> Bool {
        attributes == other.attributes && content == other.content
    }
}

/// Mode, owner, time and extended attributes of a node.
package struct NodeAttributes: Hashable, Sendable {
    /// Permission, setuid, setgid and sticky bits (07777).
    package var permissions: UInt16
    package var userID: UInt32
    package var groupID: UInt32
    package var modificationTime: NodeTime
    package var extendedAttributes: ExtendedAttributes

    package init(
        permissions: UInt16, userID: UInt32 = 0, groupID: UInt32 = 0,
        modificationTime: NodeTime = NodeTime(seconds: 0),
        extendedAttributes: ExtendedAttributes = .none
    ) {
        self.permissions = permissions & 0o7777
        self.userID = userID
        self.groupID = groupID
        self.modificationTime = modificationTime
        self.extendedAttributes = extendedAttributes
    }

    /// What a directory gets that a path names but no layer declares.
    package static let implicitDirectory = NodeAttributes(permissions: 0o755)
}

/// A point in time: seconds since 1970 (negative before) and nanoseconds, 0 ..< 1,000,000,000.
package struct NodeTime: Hashable, Comparable, Sendable {
    package var seconds: Int64
    package var nanoseconds: UInt32

    package init(seconds: Int64, nanoseconds: UInt32 = 0) {
        self.seconds = seconds
        self.nanoseconds = min(nanoseconds, 999_999_999)
    }

    package static func < (a: Self, b: Self) -> Bool {
        (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
    }
}

/// The type of a node and what it holds.
package enum NodeContent: Hashable, Sendable {
    case directory(DirectoryReference)
    case file(FileContent)
    case symbolicLink(target: [UInt8])
    case characterDevice(DeviceNumber)
    case blockDevice(DeviceNumber)
    case fifo
    case socket
}

/// The content of a regular file: an object of the store.
package struct FileContent: Hashable, Sendable {
    package var digest: Digest
    package var sizeBytes: UInt64
    package init(digest: Digest, sizeBytes: UInt64) {
        self.digest = digest
        self.sizeBytes = sizeBytes
    }

    /// A file of no bytes; it has no object.
    package static let empty = FileContent(digest: Digest(of: []), sizeBytes: 0)
}

/// The number of a device node (makedev(3)).
package struct DeviceNumber: Hashable, Sendable {
    package var major: UInt32
    package var minor: UInt32
    package init(major: UInt32, minor: UInt32) {
        self.major = major
        self.minor = minor
    }

    /// The number as `st_rdev` holds it on Linux (glibc's `gnu_dev_makedev`).
    package var rawValue: UInt64 {
        let (high, low) = (UInt64(major), UInt64(minor))
        return (high & 0xFFFF_F000) << 32 | (high & 0xFFF) << 8
            | (low & 0xFFFF_FF00) << 12 | (low & 0xFF)
    }

    /// Takes an `st_rdev` apart.
    package init(rawValue: UInt64) {
        major = UInt32(truncatingIfNeeded: (rawValue >> 32) & 0xFFFF_F000 | (rawValue >> 8) & 0xFFF)
        minor = UInt32(truncatingIfNeeded: (rawValue >> 12) & 0xFFFF_FF00 | rawValue & 0xFF)
    }
}

/// A group of names that are one file.
///
/// Invariant: in a finished tree `identifier` is ``HardLink/identifier(of:attempt:)`` of the group's
/// first path, `count` is the number of its names, at least 2, and all names have equal nodes.
package struct HardLink: Hashable, Sendable {
    package var identifier: UInt64
    package var count: UInt32
    package init(identifier: UInt64, count: UInt32) {
        self.identifier = identifier
        self.count = count
    }

    /// The first eight bytes of the SHA-256 of the path, big-endian.
    /// - Parameter attempt: above 0 where other groups have the identifiers of the attempts before:
    ///   then a NUL and the number in decimal follow the path, which no path holds.
    package static func identifier(
        of firstPath: TreePath, attempt: Int = 0
    ) -> UInt64 {
        var bytes = firstPath.bytes
        if attempt > 0 { bytes += [0] + Array(String(attempt).utf8) }
        return Digest(of: bytes).bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// Extended attributes, sorted by name; names and values are bytes (xattr(7)).
package struct ExtendedAttributes: Hashable, Sendable {
    package struct Attribute: Hashable, Sendable {
        package var name: [UInt8]
        package var value: [UInt8]
        package init(name: [UInt8], value: [UInt8]) {
            self.name = name
            self.value = value
        }
    }

    /// Invariant: sorted by name, names unique.
    package private(set) var attributes: [Attribute]

    package static let none = ExtendedAttributes(attributes: [])
    private init(attributes: [Attribute]) { self.attributes = attributes }

    /// Sorts; of two attributes with one name the later wins.
    package init(_ attributes: some Sequence<Attribute>) {
        let all = Array(attributes)
        let isSorted = zip(all, all.dropFirst()).allSatisfy { Self.isBefore($0.name, $1.name) }
        if isSorted {
            self.attributes = all
            return
        }
        // Sorting is stable, so that the last of equal names is the latest.
        self.attributes = []
        for attribute in all.sorted(by: { Self.isBefore($0.name, $1.name) }) {
            if self.attributes.last?.name == attribute.name { self.attributes.removeLast() }
            self.attributes.append(attribute)
        }
    }

    package var isEmpty: Bool { attributes.isEmpty }

    package subscript(name: [UInt8]) -> [UInt8]? {
        get {
            let index = lowerBound(name)
            guard index < attributes.endIndex, attributes[index].name == name else { return nil }
            return attributes[index].value
        }
        set {
            let index = lowerBound(name)
            let exists = index < attributes.endIndex && attributes[index].name == name
            switch (newValue, exists) {
            case (let value?, true): attributes[index].value = value
            case (let value?, false):
                attributes.insert(Attribute(name: name, value: value), at: index)
            case (nil, true): attributes.remove(at: index)
            case (nil, false): break
            }
        }
    }

    /// The index of the first attribute whose name is not below `name`.
    private func lowerBound(_ name: [UInt8]) -> Int {
        var (low, high) = (0, attributes.count)
        while low < high {
            let middle = (low + high) / 2
            if Self.isBefore(attributes[middle].name, name) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    private static func isBefore(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.lexicographicallyPrecedes(b)
    }
}
