internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store

/// Looks whether the files of stored layers are there and have their size; contents are not read.
/// One thread at a time.
struct LayerInspection {
    private let store: Store
    /// What was found whole.
    private var whole: Set<Digest> = []

    init(_ store: Store) { self.store = store }

    /// - Parameter parent: the tree that the layer was put on.
    mutating func isWhole(_ layer: LayerRecord, on parent: Tree) throws -> Bool {
        var contents: [FileContent] = []
        do throws(FileTreeError) {
            try TreeDiff.forEachChange(from: parent, to: layer.tree, in: store) { change in
                if case .file(let content)? = change.new?.content { contents.append(content) }
            }
        } catch {
            return false  // a directory is lost or damaged
        }
        for content in contents where try !isWhole(content.digest, { $0 == content.sizeBytes }) {
            return false
        }
        guard let recipe = layer.recipe else { return true }
        return try isWhole(recipe)
    }

    /// The layer's tar may have files that are not in its tree: replaced by later entries.
    private mutating func isWhole(_ recipe: FileContent) throws -> Bool {
        guard try isWhole(recipe.digest, { $0 == recipe.sizeBytes }) else { return false }
        var ends: [(object: Digest, end: UInt64)] = []
        do {
            try RecipeReader(recipe, in: store).read(
                literal: { _ in },
                range: { ends.append(($0, $1.addingReportingOverflow($2).partialValue)) })
        } catch is LayerError {
            return false
        } catch is CompressionError {
            return false
        }
        for (object, end) in ends where try !isWhole(object, { $0 >= end }) { return false }
        return true
    }

    private mutating func isWhole(
        _ object: Digest, _ isRight: (_ sizeBytes: UInt64) -> Bool
    ) throws -> Bool {
        guard object != FileContent.empty.digest, !whole.contains(object) else { return true }
        let path = store.layout.object(object)
        do throws(Errno) {
            let status = try FileStatus(ofPath: path, followsLinks: false)
            guard status.kind == .regular, isRight(status.sizeBytes) else { return false }
            whole.insert(object)
            return true
        } catch .notFound {
            return false
        } catch {
            throw LayerError(.inputOutput, "cannot be looked at", path: path, cause: error)
        }
    }
}
