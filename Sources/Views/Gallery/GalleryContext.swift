internal import FileTree
internal import ImageSpec
package import Store
internal import Synchronization

/// What the gallery's directories share: the store, change trees, containers' drafts, and when the
/// store last changed.
package final class GalleryContext: Sendable {
    package let store: Store
    package let changes: ChangeTrees
    package let drafts: ContainerDrafts
    /// The document that `config.json` of a container shows.
    let containerConfig: @Sendable (ContainerRecord) throws -> [UInt8]
    private let seen = Mutex(Seen())
    /// The modification time of what never changes.
    let beginning = NodeTime(nanosecondsSinceEpoch: Store.now())
    private let found = Mutex(Found())
    private let seenContainers = Mutex<[ContainerID: (look: ContainerLook, time: NodeTime)]>([:])

    private struct Seen {
        var generation: Int64 = -1
        var time = NodeTime(seconds: 0)
    }

    /// What names of live directories led to, all at one generation of the store.
    private struct Found {
        struct Place: Hashable {
            var directory: [UInt8]
            var name: EntryName
        }
        var generation: Int64 = -1
        var entries: [Place: GlassEntry?] = [:]
    }

    /// Names whose entries are kept: more than a program looks at in turn, again and again. Each is
    /// some hundred bytes; past them all are looked up anew.
    private static let foundLimit = 1024

    /// What tells that the names of a container's directory may mean something else.
    struct ContainerLook: Hashable, Sendable {
        var generation: Int64?
        var mountPoint: String?
        var journalInode: UInt64?
        var journalBytes: UInt64?
    }

    package init(
        store: Store, containerConfig: @escaping @Sendable (ContainerRecord) throws -> [UInt8]
    ) {
        self.store = store
        self.containerConfig = containerConfig
        drafts = ContainerDrafts(store: store)
        changes = ChangeTrees(source: drafts)
    }

    /// When a change by any process was first noticed here: the modification time of every live
    /// directory. It differs whenever the store does, which makes the kernel list directories anew.
    func lastChange() -> NodeTime {
        // A store that cannot be read shows its last known state.
        guard let generation = try? store.generation() else { return seen.withLock { $0.time } }
        return seen.withLock { seen in
            if generation != seen.generation {
                seen.generation = generation
                let now = Store.now()
                seen.time = NodeTime(
                    seconds: now / 1_000_000_000, nanoseconds: UInt32(now % 1_000_000_000))
            }
            return seen.time
        }
    }

    /// What a name of a live directory leads to. Every path through the gallery asks, so it is found
    /// once and kept until anybody changes the store.
    /// - Parameters:
    ///   - directory: which one; no two have the same.
    ///   - find: reads the store alone.
    func entry(
        _ name: EntryName, in directory: [UInt8], find: () throws -> GlassEntry?
    ) throws -> GlassEntry? {
        // Read first: what is found may be newer than that, never older.
        let generation = try store.generation()
        let place = Found.Place(directory: directory, name: name)
        let known: GlassEntry?? = found.withLock { found in
            found.generation == generation ? found.entries[place] : nil
        }
        if let known { return known }
        let entry = try find()
        found.withLock { found in
            if found.generation > generation { return }
            if found.generation < generation || found.entries.count >= Self.foundLimit {
                found = Found(generation: generation)
            }
            found.entries[place] = .some(entry)
        }
        return entry
    }

    /// Whether the store says that something is gone.
    func isGone(_ isAbsent: (Store) throws -> Bool) -> Bool {
        // One that cannot be read says nothing.
        (try? isAbsent(store)) == true
    }

    /// When it was first noticed that a container looks like this.
    func lastChange(of container: ContainerID, _ look: ContainerLook) -> NodeTime {
        seenContainers.withLock { seen in
            if let known = seen[container], known.look == look { return known.time }
            let time = NodeTime(nanosecondsSinceEpoch: Store.now())
            seen[container] = (look, time)
            return time
        }
    }
}

extension NodeTime {
    /// From nanoseconds since 1970.
    init(nanosecondsSinceEpoch value: Int64) {
        let remainder = value % 1_000_000_000
        let nanoseconds = remainder < 0 ? remainder + 1_000_000_000 : remainder
        self.init(
            seconds: (value - nanoseconds) / 1_000_000_000, nanoseconds: UInt32(nanoseconds))
    }
}

extension EntryName {
    /// A name made of text that is known to be one; characters that cannot stand in a name become
    /// `_`, and it is cut at 255 bytes.
    init(text: String) {
        let bytes = text.utf8.map { $0 == 0 || $0 == 0x2F ? UInt8(ascii: "_") : $0 }.prefix(255)
        // Falls back for what is left: the empty name, "." and "..".
        self = (try? EntryName(bytes)) ?? .fallback
    }
}
