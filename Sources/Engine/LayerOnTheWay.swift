internal import FileTree
internal import Layers
internal import LinuxIO
internal import Store
internal import Synchronization
internal import Views

/// The canonical tar of what a draft changed of its image, hashed by a thread of its own.
final class LayerOnTheWay: Sendable {
    private let found = Mutex<FrozenRoot.Layer?>(nil)
    /// Nil once it was waited for, or where the system has no more threads.
    private let thread: Mutex<BlockingThread?>

    init(_ draft: ContainerDraft, on image: Tree, _ store: Store) {
        thread = Mutex(nil)
        let body: @Sendable () -> Void = { [self] in
            let export = LayerExport(
                store, directories: draft, contents: ContainerContents(draft, store))
            // What cannot be hashed so is hashed from the objects, and says why then.
            guard let digest = try? export.canonicalDigest(from: image, to: draft.tree) else {
                return
            }
            found.withLock {
                $0 = FrozenRoot.Layer(
                    diffID: digest.diffID, tarSizeBytes: digest.tarSizeBytes)
            }
        }
        // Without a thread it is hashed later.
        let started = try? BlockingThread(body)
        thread.withLock { $0 = started }
    }

    /// Nil if it failed. Complete after ``wait()``.
    var result: FrozenRoot.Layer? { found.withLock { $0 } }

    func wait() {
        let thread = thread.withLock { $0.take() }
        thread?.join()
    }
}
