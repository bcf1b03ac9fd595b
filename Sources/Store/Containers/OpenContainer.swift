package import FileTree
internal import LinuxIO

/// A container that this process alone uses, until this goes.
package final class OpenContainer: Sendable {
    package let record: ContainerRecord
    package let place: ContainerPlace
    private let store: Store
    /// Held, not read.
    private let lock: OwnedDescriptor

    init(record: ContainerRecord, store: Store, lock: consuming OwnedDescriptor) {
        self.record = record
        place = store.layout.container(record.id)
        self.store = store
        self.lock = lock
    }

    /// Makes all files durable that were stored so far, and with them a tree that is about to become
    /// the container's lower tree, beside the present one.
    package func addBase(
        _ tree: Tree, directories: PendingDirectories
    ) throws(StoreError) {
        try store.addTree(tree, to: record.id, directories: directories)
    }

    /// From here on the container leans on this tree alone.
    package func settleBase(_ tree: Tree) throws(StoreError) {
        try store.keepTree(tree, of: record.id)
    }

    /// Which boot the running one is.
    package var bootID: String { store.bootID }

    /// Lets go of the container, which this process must no longer touch.
    package func release() {
        // Else who finds it taken a moment later reads this one's number.
        try? DescriptorIO.truncate(lock.rawValue, to: 0)
        DescriptorIO.unlock(lock.rawValue)
    }

    /// Says in the lock's file where the container is shown, for those who find it taken.
    package func note(mountPoint: String) {
        note(mountPoint)
    }

    func note(_ text: String) {
        let bytes = Array("\(Store.processIdentifier)\n\(text)\n".utf8)
        // What it says is for people only.
        try? DescriptorIO.truncate(lock.rawValue, to: 0)
        try? DescriptorIO.writeAll(lock.rawValue, bytes, at: 0)
    }
}

/// Who has a container, as its lock's file says.
package struct ContainerHolder: Hashable, Sendable {
    package var process: Int32
    /// Nil while it is not mounted.
    package var mountPoint: String?
}
