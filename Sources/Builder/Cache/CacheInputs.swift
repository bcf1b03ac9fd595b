internal import Dockerfile
internal import FileTree
internal import ImageSpec

/// What a step's result depends on, a line each: the text that a cache key is the digest of.
///
/// People read it and compare two of them, so each line says what it is about. Strings are quoted
/// where they hold anything but plain characters.
struct CacheInputs {
    /// Directories up to this many entries are listed entry by entry; of larger ones only the
    /// first level, whose digests cover the rest. Keeps keys readable and some kilobytes large.
    private static let listedEntries: UInt64 = 500

    private(set) var lines: [String] = []
    /// The root file system that the step changes.
    let parent: Tree

    /// - Parameter format: counts up when the meaning of a line changes.
    init(_ instruction: String, parent: Tree, format: Int = 1) {
        self.parent = parent
        lines = ["\(instruction) v\(format)", "parent \(parent.id)"]
    }

    mutating func append(_ name: String, _ values: String...) { append(name, values) }

    mutating func append(_ name: String, _ values: [String]) {
        lines.append(([name] + values.map(Self.escaped)).joined(separator: " "))
    }

    /// Adds a copied file or directory with all that counts of it.
    mutating func append(source path: TreePath, _ node: Node, _ digests: ContentDigest) throws {
        let prefix = path.isRoot ? "/" : "\(path)"
        try append(node, at: prefix, digests, budget: Self.listedEntries)
    }

    private mutating func append(
        _ node: Node, at path: String, _ digests: ContentDigest, budget: UInt64
    ) throws {
        let counted = ContentDigest.counted(node)
        let attributes = counted.attributes
        let mode = String(attributes.permissions, radix: 8)
        let owner = "\(attributes.userID):\(attributes.groupID)"
        var line = "source \(Self.escapedWord(path)) \(mode) \(owner)"
        switch counted.content {
        case .directory(let reference): line += " directory \(try digests.digest(of: reference))"
        case .file(let content): line += " file \(content.sizeBytes) \(content.digest)"
        case .symbolicLink(let target):
            line += " link \(Self.escapedWord(String(decoding: target, as: UTF8.self)))"
            if !Self.isText(target) { line += " \(Digest(of: target))" }
        case .characterDevice(let device): line += " character \(device.major):\(device.minor)"
        case .blockDevice(let device): line += " block \(device.major):\(device.minor)"
        case .fifo: line += " fifo"
        case .socket: line += " socket"
        }
        for attribute in attributes.extendedAttributes.attributes {
            let name = String(decoding: attribute.name, as: UTF8.self)
            line += " \(Self.escapedWord(name))=\(Digest(of: attribute.value))"
        }
        lines.append(line)
        guard let reference = node.directory, budget > 0 else { return }
        let isListed = reference.entryCount <= budget
        let entries = try digests.entries(of: reference)
        guard isListed || UInt64(entries.count) <= budget else { return }
        for entry in entries {
            let place = path == "/" ? "/\(entry.name)" : "\(path)/\(entry.name)"
            try append(entry.node, at: place, digests, budget: isListed ? budget : 0)
        }
    }

    /// The same for a step that does not depend on the root file system below it.
    var withoutParent: CacheInputs {
        var inputs = CacheInputs(String(keyword), parent: .empty)
        inputs.lines = [lines[0]] + lines.dropFirst(2)
        return inputs
    }

    /// `RUN`, `COPY`.
    var keyword: Substring { lines[0].prefix { $0 != " " } }

    var text: String { lines.joined(separator: "\n") + "\n" }

    var key: CacheKey { CacheKey(Digest(of: Array(text.utf8))) }

    private static func isText(_ bytes: [UInt8]) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil
    }

    /// The line of COPY and ADD `--link`.
    static let linkLine = "link"

    /// The string itself where it reads well, else quoted.
    private static func escaped(_ text: String) -> String {
        let isPlain =
            !text.isEmpty && text.utf8.first != UInt8(ascii: "\"")
            && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        return isPlain ? text : text.quoted
    }

    /// The same for a text that others follow on its line.
    private static func escapedWord(_ text: String) -> String {
        text.utf8.contains(UInt8(ascii: " ")) ? text.quoted : escaped(text)
    }
}
