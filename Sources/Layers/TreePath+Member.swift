internal import FileTree

extension TreePath {
    /// ``init(cleaning:)`` for the plain names that nearly all members have, without its generic
    /// machinery: a tenth of an import's time.
    init(ofMember bytes: [UInt8]) throws(FileTreeError) {
        var names: [EntryName] = []
        var start = 0
        while start < bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != UInt8(ascii: "/") { end += 1 }
            let isDotted = end > start && bytes[start] == UInt8(ascii: ".")
            if isDotted, end - start == 2, bytes[start + 1] == UInt8(ascii: ".") {
                self = try TreePath(cleaning: bytes)
                return
            }
            if end > start, !(isDotted && end - start == 1) {
                names.append(try EntryName(Array(bytes[start..<end])))
            }
            start = end + 1
        }
        self = names.count <= Self.maximumDepth ? TreePath(names) : try TreePath(cleaning: bytes)
    }
}
