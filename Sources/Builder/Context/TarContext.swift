internal import Dockerfile
internal import FileTree
internal import Layers
internal import Store

/// A build context that came as a tar.
enum TarContext {
    /// How many bytes tell a tar from a Dockerfile.
    private static let blockBytes = 512

    /// What a stream holds.
    enum Content {
        case dockerfile([UInt8])
        case tree(Tree)
    }

    /// The largest Dockerfile that is taken from a stream.
    private static let maximumDockerfileBytes = 16 << 20

    /// Reads a tar in any compression into the store, or a Dockerfile.
    ///
    /// As in BuildKit, everything belongs to whom the tar says, and not to root as of a directory.
    /// - Throws: `contextUnreadable`.
    static func read(
        descriptor: Int32, named name: String = "the stream", store: Store, lease: Lease,
        directories: PendingDirectories,
        cancellation: Cancellation, limits: ArchiveLimits = ArchiveLimits()
    ) throws -> Content {
        do {
            var input = try DecompressingReader(try CancellableInput(descriptor, cancellation))
            let start = try input.peek(blockBytes)
            guard input.compression != .none || isTarHeader(start) else {
                return .dockerfile(try text(&input))
            }
            let editor = TreeEditor(base: .empty, directories: directories)
            let unpacker = ArchiveUnpacker(
                ingest: try store.ingest(lease), owner: nil, limits: limits)
            try unpacker.unpack(input, into: .root, of: editor)
            return .tree(try editor.finish())
        } catch let error as BuildError {
            throw error
        } catch {
            throw BuildError(
                .contextUnreadable, "could not read the build context from \(name): \(error)",
                hint: BuildError.roomHint(error), cause: error)
        }
    }

    private static func text(_ input: inout DecompressingReader) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk: [UInt8] = []
        while try input.read(into: &chunk) {
            bytes += chunk
            guard bytes.count <= maximumDockerfileBytes else {
                throw BuildError(
                    .contextUnreadable,
                    "standard input holds neither a tar nor a Dockerfile of a sensible size")
            }
        }
        return bytes
    }

    /// Whether the block is a tar header: its checksum is that of its bytes.
    private static func isTarHeader(_ block: [UInt8]) -> Bool {
        guard block.count == blockBytes else { return false }
        // An archive of nothing begins with its end marker.
        if block.allSatisfy({ $0 == 0 }) { return true }
        let field = block[148..<156]
        let digits = field.drop { $0 == 0x20 }.prefix { (0x30...0x37).contains($0) }
        let stated = digits.reduce(0) { $0 * 8 + Int($1 & 7) }
        let sum = block.reduce(0) { $0 + Int($1) }
        let blanks = field.count * 0x20
        return !digits.isEmpty && sum - field.reduce(0) { $0 + Int($1) } + blanks == stated
    }

    /// The tree without what the ignore file leaves out.
    static func pruned(
        _ tree: Tree, by ignore: IgnoreFile, directories: PendingDirectories
    ) throws -> Tree {
        let matcher = PatternMatcher(ignore)
        let editor = TreeEditor(base: tree, directories: directories)
        _ = try prune(tree.directory, at: .root, matcher.root, matcher, editor, directories)
        return try editor.finish()
    }

    /// - Returns: whether anything is left.
    private static func prune(
        _ reference: DirectoryReference, at path: TreePath, _ state: PatternMatcher.State,
        _ matcher: PatternMatcher, _ editor: TreeEditor, _ directories: PendingDirectories
    ) throws -> Bool {
        var isAnythingLeft = false
        for entry in try directories.directory(reference.id).entries {
            let place = path.appending(entry.name)
            let verdict = matcher.match(place.bytes, in: state)
            if let child = entry.node.directory, !matcher.canSkip(place.bytes, verdict.state) {
                let keeps = try prune(
                    child, at: place, verdict.state, matcher, editor, directories)
                if keeps || !verdict.isIgnored {
                    isAnythingLeft = true
                    continue
                }
            } else if !verdict.isIgnored {
                isAnythingLeft = true
                continue
            }
            try editor.remove(place)
        }
        return isAnythingLeft
    }
}
