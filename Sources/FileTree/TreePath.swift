internal import ImageSpec

/// A place inside a tree: the names from the root down; the root itself is empty.
package struct TreePath: Hashable, Comparable, Sendable {
    package var names: [EntryName]

    package init(_ names: [EntryName] = []) { self.names = names }

    package static let root = TreePath()

    /// The deepest path that is taken, in names: Linux's PATH_MAX of 4096 bytes holds 2048 of them.
    package static let maximumDepth = 2048

    /// Cleans `bytes` as a path below the root: empty names and `.` vanish, a leading `/` means
    /// the root, `..` takes one name back.
    /// - Throws: `escapesRoot` when `..` would leave the root, `nameTooLong`, `invalidName` (a NUL
    ///   byte), `tooDeep`.
    package init(cleaning bytes: some Collection<UInt8>) throws(FileTreeError) {
        names = []
        for part in bytes.split(separator: UInt8(ascii: "/")) {
            if part.elementsEqual([0x2E]) { continue }
            if part.elementsEqual([0x2E, 0x2E]) {
                guard names.popLast() != nil else {
                    throw FileTreeError(
                        .escapesRoot, "the path leaves the root directory", path: Array(bytes))
                }
                continue
            }
            guard names.count < Self.maximumDepth else { throw Self.tooDeep(self) }
            names.append(try EntryName(part))
        }
    }

    package static func tooDeep(_ path: TreePath) -> FileTreeError {
        FileTreeError(
            .tooDeep, "the path has more than \(maximumDepth) names",
            path: Array(path.bytes.prefix(256)))
    }

    package var isRoot: Bool { names.isEmpty }
    package var last: EntryName? { names.last }
    package var parent: TreePath { TreePath(Array(names.dropLast())) }

    package func appending(_ name: EntryName) -> TreePath { TreePath(names + [name]) }

    /// The names joined by `/`, without a leading one.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(names.reduce(0) { $0 + $1.bytes.count + 1 })
        for name in names {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: "/")) }
            bytes.append(contentsOf: name.bytes)
        }
        return bytes
    }

    /// Compares name by name, which is the order of a depth-first walk over sorted directories.
    package static func < (a: Self, b: Self) -> Bool {
        a.names.lexicographicallyPrecedes(b.names)
    }
}

extension TreePath: CustomStringConvertible {
    /// With a leading `/`, as a container sees it.
    package var description: String { "/" + String(decoding: bytes, as: UTF8.self) }

    /// The same on one line, for a terminal: what could move its cursor, and bytes that are not
    /// UTF-8, are escaped.
    package var visible: String { "/" + String(visible: bytes) }

    /// Appends ``visible`` as UTF-8.
    package func appendVisible(to text: inout [UInt8]) {
        let isPlain = names.allSatisfy { $0.bytes.allSatisfy { (0x20...0x7E).contains($0) } }
        guard isPlain, !isRoot else {
            text += visible.utf8
            return
        }
        for name in names {
            text.append(UInt8(ascii: "/"))
            text += name.bytes
        }
    }
}
