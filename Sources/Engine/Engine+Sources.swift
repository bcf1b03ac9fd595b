internal import FileTree
internal import ImageSpec
internal import Layers
internal import Store

extension Engine {
    /// A tree to be shown, held by a lease, and how the mount table calls it.
    struct ShownTree {
        var tree: Tree
        var source: MountSource
    }

    /// Finds what is to be shown; what is outside the store is read into it, without a name: it
    /// goes with the first collection after the lease's end.
    func open(
        _ source: ImageSource, lease: Lease, progress: ((ArchiveProgress) -> Void)?
    ) throws -> ShownTree {
        switch source {
        case .stored(let name):
            let image = try image(name)
            let tree = try store.tree(of: image)
            try lease.hold(tree)
            return ShownTree(tree: tree, source: MountSource(image: image.id, name: name))
        case .archive(_, let path, let name), .layout(let path, let name):
            let loader = ImageLoader(
                store, lease: lease, options: LoadOptions(name: name), progress: progress)
            return ShownTree(
                tree: try loader.loadTree(.path(path)), source: MountSource(foreign: source.text))
        case .directory(let path):
            let options = ImportOptions(
                created: Timestamp(nanosecondsSinceEpoch: Store.now()))
            let reader = RootFileSystemImport(
                store, lease: lease, options: options, progress: progress)
            return ShownTree(
                tree: try reader.readTree(directory: path),
                source: MountSource(foreign: source.text))
        }
    }
}
