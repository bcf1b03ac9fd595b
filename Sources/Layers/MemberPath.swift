internal import FileTree

/// The path of a tar's member, cleaned below the root as ``TreePath/init(cleaning:)`` does, its last
/// name apart: a whiteout's is four bytes longer than the name that it removes, and no file's then.
///
/// Without that initialiser's generic machinery, which took a tenth of an import's time.
struct MemberPath {
    private(set) var parent = TreePath.root
    /// Nil for the root.
    private(set) var last: [UInt8]?

    /// - Throws: `escapesRoot`, `tooDeep`, and `nameTooLong` or `invalidName` for a name of the parent.
    init(_ bytes: [UInt8]) throws(FileTreeError) {
        var start = 0
        while start < bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != UInt8(ascii: "/") { end += 1 }
            let isDotted = end > start && bytes[start] == UInt8(ascii: ".")
            if isDotted, end - start == 2, bytes[start + 1] == UInt8(ascii: ".") {
                guard last != nil else {
                    throw FileTreeError(
                        .escapesRoot, "the path leaves the root directory", path: bytes)
                }
                last = parent.names.popLast()?.bytes
            } else if end > start, !(isDotted && end - start == 1) {
                if let last {
                    guard parent.names.count + 1 < TreePath.maximumDepth else {
                        throw TreePath.tooDeep(parent)
                    }
                    parent.names.append(try EntryName(last))
                }
                last = Array(bytes[start..<end])
            }
            start = end + 1
        }
    }

    /// The whole path.
    /// - Throws: `nameTooLong`, `invalidName` for the last name.
    var whole: TreePath {
        get throws(FileTreeError) {
            guard let last else { return parent }
            return parent.appending(try EntryName(last))
        }
    }
}
