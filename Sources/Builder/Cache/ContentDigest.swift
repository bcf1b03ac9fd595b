internal import FileTree
internal import ImageSpec
internal import Synchronization

/// Digests of files and directories for cache keys: what Docker counts, which is all but times
/// and other names of the same file.
///
/// Of extended attributes, `security.capability` and all outside `security.*` and `system.*`.
/// Thread-safe.
final class ContentDigest: Sendable {
    private let directories: any DirectorySource
    private let known = Mutex<[DirectoryID: Digest]>([:])

    init(_ directories: any DirectorySource) { self.directories = directories }

    /// The digest of what stands below a directory.
    func digest(of directory: DirectoryReference) throws -> Digest {
        if let digest = known.withLock({ $0[directory.id] }) { return digest }
        let digest = Digest(of: try encoding(of: directory))
        known.withLock { $0[directory.id] = digest }
        return digest
    }

    func entries(of directory: DirectoryReference) throws -> Directory.Entries {
        try directories.directory(directory.id).entries
    }

    private func encoding(of directory: DirectoryReference) throws -> [UInt8] {
        var bytes: [UInt8] = []
        for entry in try entries(of: directory) {
            let name = entry.name.bytes
            bytes += withBytes(UInt32(name.count))
            bytes += name
            bytes += try encoding(of: entry.node)
        }
        return bytes
    }

    /// The canonical bytes of a node without its time, and a directory's content by digest.
    private func encoding(of node: Node) throws -> [UInt8] {
        var copy = Self.counted(node)
        guard let directory = node.directory else { return TreeEncoding.encode(copy) }
        copy.content = Tree.empty.root.content
        return TreeEncoding.encode(copy) + (try digest(of: directory)).bytes
    }

    /// The node with only what counts.
    static func counted(_ node: Node) -> Node {
        var copy = node
        copy.hardLink = nil
        copy.attributes.modificationTime = NodeTime(seconds: 0)
        if !copy.attributes.extendedAttributes.isEmpty {
            copy.attributes.extendedAttributes = ExtendedAttributes(
                node.attributes.extendedAttributes.attributes.filter { counts($0.name) })
        }
        return copy
    }

    private static func counts(_ attribute: [UInt8]) -> Bool {
        attribute.elementsEqual("security.capability".utf8)
            || !(attribute.starts(with: "security.".utf8)
                || attribute.starts(with: "system.".utf8))
    }

    private func withBytes(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}
