internal import FileTree
internal import ImageSpec
package import Store
internal import Synchronization

/// What the gallery's directories share: the store, change trees, and when the store last changed.
package final class GalleryContext: Sendable {
    package let store: Store
    package let changes: ChangeTrees
    private let seen = Mutex(Seen())

    private struct Seen {
        var generation: Int64 = -1
        var time = NodeTime(seconds: 0)
    }

    package init(store: Store) {
        self.store = store
        changes = ChangeTrees(store: store)
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
