import FileTree
import Glibc
import ImageSpec
import LinuxIO
import Store
import VirtualFS

@testable import Views

/// A store in a temporary directory and a working tree on it.
final class WorkingTreeFixture {
    let directory: String
    let store: Store
    let lease: Lease
    let ingest: ObjectIngest
    let directories: PendingDirectories
    private(set) var tree: WorkingTree

    init(base: Tree = .empty, mountTargets: [MountTarget] = []) throws {
        directory = try TemporaryPath.make("vitrine-view")
        store = try Store(root: directory + "/store")
        lease = try store.lease("test")
        ingest = try store.ingest(lease)
        directories = PendingDirectories(base: store)
        tree = try WorkingTree(
            base: base, directories: directories, store: store, lease: lease,
            mountTargets: mountTargets)
    }

    deinit {
        lease.end()
        try? HostDirectory.removeAll(directory)
    }

    func freeze() throws -> Tree { try tree.freeze(ingest: ingest, directories: directories) }

    /// Goes on with a new view of what this one holds.
    func remount() throws {
        tree.unmounted()
        try reopen(freeze())
    }

    /// Goes on with a new view of `base`.
    func reopen(_ base: Tree, mountTargets: [MountTarget] = []) throws {
        tree = try WorkingTree(
            base: base, directories: directories, store: store, lease: lease,
            mountTargets: mountTargets)
    }

    func node(_ path: String, in tree: Tree) throws -> Node? {
        try directories.node(at: TreePath(cleaning: Array(path.utf8)), in: tree)
    }

    func content(_ content: FileContent) throws -> [UInt8] {
        if content.sizeBytes == 0 { return [] }
        let file = try OwnedDescriptor(opening: store.layout.object(content.digest), .readOnly)
        return try DescriptorIO.readAll(file.rawValue, limit: 1 << 28)
    }
}

enum TemporaryPath {
    static func make(_ purpose: String) throws -> String {
        let path = "/tmp/\(purpose)-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try HostDirectory.make(path, permissions: 0o755)
        return path
    }
}

extension WorkingTreeFixture {
    /// Files of views in the work directory, those left out that wait for another use.
    var workFileCount: Int { allFiles.count - spareFileCount }

    /// Those that wait: empty, and of no inode.
    var spareFileCount: Int { tree.spareFiles.count }

    private var allFiles: [[UInt8]] {
        ((try? HostDirectory.names(ofPath: lease.workDirectory)) ?? [])
            .filter { $0.starts(with: Array("file".utf8)) }
    }
}
