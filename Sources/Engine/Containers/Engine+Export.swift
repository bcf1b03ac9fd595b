package import Layers
package import Store
internal import Views

extension Engine {
    /// Writes a container's root file system as a tar, as it is at the moment: whether it runs or not.
    /// What is mounted in it is no part of it.
    /// - Parameter progress: called often, on the thread that writes.
    package func export(
        _ record: ContainerRecord, to target: ArchiveTarget,
        progress: ((ArchiveProgress) -> Void)?
    ) throws {
        let lease = try store.readingLease("export \(record.name)")
        defer { lease.end() }
        do {
            let draft = try ContainerDraft.read(record.id, in: store)
            try lease.hold(draft.base)
            let export = LayerExport(
                store, directories: draft, contents: ContainerContents(draft, store))
            try ImageSaver(store, lease: lease, progress: progress)
                .saveRootFileSystem(draft.tree, by: export, to: target)
        } catch {
            // That a file went with the container says less than that it is gone.
            guard try findContainer(record.id.text) == nil else { throw error }
            throw EngineError(.notFound, "container \(record.id.short) is no longer there")
        }
    }
}
