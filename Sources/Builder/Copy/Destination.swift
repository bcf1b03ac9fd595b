internal import FileTree

/// A path inside an image as an instruction writes it, made absolute.
struct DestinationPath: Hashable {
    /// The names from the root down; none leads above it.
    var path: TreePath
    /// Whether the path ends with a slash, or with `.` or `..`, so that it means a directory.
    var isDirectory: Bool

    /// - Parameter workingDirectory: what a relative path is relative to.
    init(_ text: String, workingDirectory: String) throws {
        let isRelative = !text.hasPrefix("/")
        let bytes = Array((isRelative ? workingDirectory + "/" + text : text).utf8)
        var names: [EntryName] = []
        for part in bytes.split(separator: UInt8(ascii: "/")) {
            if part.elementsEqual(".".utf8) { continue }
            if part.elementsEqual("..".utf8) {
                _ = names.popLast()
            } else {
                names.append(try EntryName(part))
            }
        }
        path = TreePath(names)
        let last = text.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        isDirectory = last.isEmpty || last == "." || last == ".."
    }

    var text: String { String(describing: path) }

    /// A working directory as BuildKit writes it in the config: an absolute path as it was given, a
    /// relative one below the directory before it, and clean.
    static func workingDirectory(_ text: String, after former: String) throws -> String {
        if text.hasPrefix("/") { return text }
        return try DestinationPath(text, workingDirectory: former).text
    }
}

extension TreeEditor {
    /// Makes the directory and its parents where they are missing.
    ///
    /// A directory gets the time of the one it is made in, or `time`: as good as any, and the same
    /// in every build.
    /// - Parameter path: without symbolic links.
    /// - Throws: ``BuildError`` `invalidDestination` where a file stands in the way.
    func makeDirectories(
        _ path: TreePath, permissions: UInt16 = 0o755, userID: UInt32, groupID: UInt32,
        time: NodeTime?
    ) throws {
        var parentTime = try node(at: .root)?.attributes.modificationTime
        for count in path.names.indices {
            let part = TreePath(Array(path.names[...count]))
            if let existing = try node(at: part) {
                guard existing.isDirectory else {
                    throw BuildError(
                        .invalidDestination, "\(part) is no directory",
                        hint: "remove the file in an earlier step, or choose another place")
                }
                parentTime = existing.attributes.modificationTime
                continue
            }
            let attributes = NodeAttributes(
                permissions: permissions, userID: userID, groupID: groupID,
                modificationTime: time ?? parentTime ?? NodeTime(seconds: 0))
            parentTime = attributes.modificationTime
            try putDirectory(attributes, at: part)
        }
    }
}
