import FileTree
import Glibc
import ImageSpec
import LinuxIO
import Store
import Synchronization
import VirtualFS

@testable import Views

/// A store with a container, whose view is dropped and opened again.
final class DurableFixture {
    let directory: String
    private var openStore: Store?
    private var openLease: Lease?
    private var openTree: WorkingTree?
    private(set) var record: ContainerRecord
    /// Nil: the store makes its own directory, and takes it away.
    private let ownsDirectory: Bool

    /// - Parameters:
    ///   - directory: where the store is made; a temporary one if nil.
    ///   - draft: makes the lower tree.
    init(
        in directory: String? = nil, bootID: String = "boot-1",
        draft: (WorkingTree) throws -> Void = { _ in }
    ) throws {
        let place = try directory ?? TemporaryPath.make("vitrine-durable")
        self.directory = place
        ownsDirectory = directory == nil
        let store = try Store(root: place + "/store", bootID: bootID)
        let lease = try store.lease("test")
        let base = try Self.makeBase(store, lease, draft)
        let config = ImageConfig(platform: .host)
        let image = try store.insertImages([
            NewImage(
                config: config.encoded, manifest: Array("{}".utf8), chainID: nil, layerCount: 0,
                createdAt: 0, names: [])
        ])[0]
        record = ContainerRecord(
            name: "test", image: image.id, imageName: "image", config: config.encoded)
        try store.createContainer(record, base: base) {
            try WorkingTree.prepare($0, base: base, bootID: bootID)
        }
        (openStore, openLease) = (store, lease)
        openTree = try Self.open(store, record, lease)
    }

    deinit {
        openTree = nil
        openLease?.end()
        // Leaves what somebody else mounts.
        if ownsDirectory { try? HostDirectory.removeAll(directory) }
    }

    private static func makeBase(
        _ store: Store, _ lease: Lease, _ draft: (WorkingTree) throws -> Void
    ) throws -> Tree {
        let view = try WorkingTree(base: .empty, store: store, lease: lease)
        try draft(view)
        view.unmounted()
        let directories = PendingDirectories(base: store)
        let ingest = try store.ingest(lease)
        let tree = try view.freeze(ingest: ingest, directories: directories)
        try store.insert(
            LayerRecord(
                parent: nil, diffID: DiffID(tree.id.digest), tree: tree, recipe: nil,
                tarSizeBytes: 1024), directories: directories, lease: lease)
        try ingest.synchronize()
        return tree
    }

    private static func open(
        _ store: Store, _ record: ContainerRecord, _ lease: Lease
    ) throws -> WorkingTree {
        // A commit that was under way when the view was dropped still has it.
        for _ in 0..<60_000 {
            if case .success(let container) = try store.openContainer(record) {
                return try WorkingTree(container: container, store: store, lease: lease)
            }
            usleep(1000)
        }
        throw Errno(rawValue: EBUSY)
    }

    var place: ContainerPlace { store.layout.container(record.id) }

    var store: Store { present(openStore) }
    var lease: Lease { present(openLease) }
    var tree: WorkingTree { present(openTree) }

    private func present<Part>(_ part: Part?) -> Part {
        guard let part else { preconditionFailure("the fixture was closed") }
        return part
    }

    /// Lets go of the view as the end of its process does: nothing is closed or written.
    func drop() throws { openTree = nil }

    /// Lets go of the store, too.
    func close() {
        openTree = nil
        openLease = nil
        openStore = nil
    }

    /// As another process after the end of the one that had it.
    func reopen() throws {
        openTree = nil
        openTree = try Self.open(store, record, lease)
    }

    /// As the first process after another boot.
    func reboot(as bootID: String) throws {
        close()
        openStore = try Store(root: directory + "/store", bootID: bootID)
        openLease = try store.lease("test")
        openTree = try Self.open(store, record, lease)
    }

    /// - Returns: the tree, and where its directories are.
    func freeze() throws -> (tree: Tree, directories: PendingDirectories) {
        let directories = PendingDirectories(base: store)
        let ingest = try store.ingest(lease)
        return (try tree.freeze(ingest: ingest, directories: directories), directories)
    }

    /// The numbers of the container's own files.
    var ownFiles: [String] {
        ((try? HostDirectory.names(ofPath: place.files)) ?? [])
            .map { String(decoding: $0, as: UTF8.self) }.sorted()
    }
}

/// A view with all that `stat` tells, a line for each name.
enum ViewListing {
    static func lines(_ view: any FileSystem) throws -> [String] {
        var lines: [String] = []
        var stack: [(path: String, inode: InodeNumber)] = [("", .root)]
        while let (path, inode) = stack.popLast() {
            let found = try view.attributes(of: inode, handle: nil).attributes
            lines.append(
                "/\(path) ino \(found.serialNumber) mode \(String(found.mode, radix: 8)) nlink "
                    + "\(found.linkCount) \(found.userID):\(found.groupID) dev \(found.device) size "
                    + "\(found.sizeBytes) a \(text(found.accessTime)) m "
                    + "\(text(found.modificationTime)) c \(text(found.changeTime))")
            guard found.type == .directory else { continue }
            for name in try names(view, inode) {
                guard case .found(let entry) = try view.lookup(name, in: inode) else {
                    lines.append("/\(path): \(name) is listed and not found")
                    continue
                }
                let text = String(decoding: name, as: UTF8.self)
                stack.append(
                    (path.isEmpty ? text : "\(path)/\(text)", entry.attributes.inode))
            }
        }
        return lines.sorted()
    }

    private static func text(_ time: FileTime) -> String { "\(time.seconds).\(time.nanoseconds)" }

    static func names(_ view: any FileSystem, _ inode: InodeNumber) throws -> [[UInt8]] {
        var names: [[UInt8]] = []
        var offset: UInt64 = 0
        while true {
            var listing = DirectoryListing(
                capacityBytes: 1 << 16, overheadBytes: 24, wantsAttributes: false)
            try view.readDirectory(inode, handle: nil, offset: offset, into: &listing)
            if listing.items.isEmpty { return names }
            for item in listing.items {
                offset = item.nextOffset
                if item.name != [0x2E] && item.name != [0x2E, 0x2E] { names.append(item.name) }
            }
        }
    }
}
