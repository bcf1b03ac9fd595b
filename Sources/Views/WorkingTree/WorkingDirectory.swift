internal import FileTree

/// The entries of a directory: those of a lower directory, and what is known or changed on top.
///
///     lower      a        b        c              cookies 3, 4, 5
///     links      a→#7     b→(gone)     d→#9       only names that were looked up or changed
///     added                            d          cookies from 1<<40 up
///
/// An entry's cookie is its offset in directory reads. It stays the same for as long as the entry
/// does, whatever happens to the others, and across a freeze too.
final class WorkingDirectory {
    struct Link {
        /// Nil where the lower entry is gone (a whiteout).
        var inode: WorkingInode?
        var cookie: UInt64
    }

    struct AddedEntry {
        var cookie: UInt64
        /// Nil once removed.
        var name: LinkName?
    }

    /// The cookies of lower entries, where they are not simply in the order of names: a freeze made
    /// this lower directory out of entries that had cookies before.
    private struct CookieOrder {
        /// By index of entry.
        var cookies: [UInt64]
        /// Indices of entries in ascending order of cookie.
        var indices: [Int32]
    }

    /// `.` is 1, `..` is 2.
    static let firstCookie: UInt64 = 3
    private static let firstAddedCookie: UInt64 = 1 << 40
    /// Removed entries of `added` up to here are not worth a compaction.
    private static let tolerableGaps = 32

    /// The stored directory below; nil for a new one.
    private(set) var lower: DirectoryReference?
    /// Kept for a changed directory, which is asked for it time and again, and for one with listed
    /// children.
    var pinned: Directory?
    /// How many entries the kernel knows as ``ListedInode``. Invariant: 0 if `pinned` is nil.
    var listedCount = 0
    /// Invariant: holds every name whose inode is known, and every lower name that is gone.
    private(set) var links: [LinkName: Link] = [:]
    /// Ascending by cookie. Invariant: the names that are not nil are in `links`.
    private(set) var added: [AddedEntry] = []
    private var gapCount = 0
    /// Lower names that are gone.
    private(set) var whiteoutCount = 0
    private var nextCookie = WorkingDirectory.firstAddedCookie
    /// Cookies from here on are of `added`.
    private var addedFloor = WorkingDirectory.firstAddedCookie
    private var order: CookieOrder?
    /// Directories directly inside.
    var childDirectoryCount: UInt32
    /// Whether a freeze has to encode it anew. Invariant: then so are all directories above.
    var isDirty: Bool

    init(lower: DirectoryReference?) {
        self.lower = lower
        childDirectoryCount = lower?.childDirectoryCount ?? 0
        isDirty = lower == nil
    }

    var addedCount: Int { added.count - gapCount }
    var hasLowerEntries: Bool { (lower?.entryCount ?? 0) > 0 }

    // MARK: - Changes

    /// Puts the inode of the lower entry at `index` under its name.
    func know(_ inode: WorkingInode, as name: LinkName, at index: Int) {
        links[name] = Link(inode: inode, cookie: cookie(at: index))
    }

    /// The inode of a lower name is no longer known.
    func forget(_ name: LinkName) {
        links[name] = nil
        links.shrinkIfSparse()
    }

    func unlistAll() {
        listedCount = 0
        if !isDirty { pinned = nil }
    }

    /// An entry is no longer listed.
    func unlist() {
        listedCount -= 1
        if listedCount == 0 && !isDirty { pinned = nil }
    }

    /// Adds a name that is not there. One that was removed from the lower entries gets its place in
    /// directory reads again.
    func add(_ inode: WorkingInode, as name: LinkName) {
        if let whiteout = links[name] {
            links[name] = Link(inode: inode, cookie: whiteout.cookie)
            whiteoutCount -= 1
            return
        }
        links[name] = Link(inode: inode, cookie: nextCookie)
        added.append(AddedEntry(cookie: nextCookie, name: name))
        nextCookie += 1
    }

    /// Puts another inode under a known name; its place in directory reads stays.
    func replace(_ name: LinkName, with inode: WorkingInode) {
        links[name]?.inode = inode
    }

    /// Removes a known name.
    func remove(_ name: LinkName) {
        guard let link = links[name] else { return }
        if link.cookie < addedFloor {
            links[name]?.inode = nil
            whiteoutCount += 1
            return
        }
        links[name] = nil
        added[addedIndex(after: link.cookie - 1)].name = nil
        gapCount += 1
        // Half of it gone: amortised, a removal costs no more than the addition did.
        if gapCount > Self.tolerableGaps && gapCount > added.count / 2 {
            added.removeAll { $0.name == nil }
            gapCount = 0
        }
    }

    /// Removes a lower name whose inode is not known.
    func hide(_ name: LinkName, at index: Int) {
        if links.updateValue(Link(inode: nil, cookie: cookie(at: index)), forKey: name) == nil {
            whiteoutCount += 1
        }
    }

    func dropLinks() { links = [:] }

    // MARK: - Freezing

    /// The lower directory has another digest now, but the same names.
    func relabel(_ lower: DirectoryReference) { self.lower = lower }

    /// Starts over on a new lower directory, which a freeze made of this one. Cookies stay.
    func rebase(on lower: DirectoryReference, to new: Directory) {
        defer {
            isDirty = false
            pinned = nil
        }
        // The common case of large directories: files changed, names did not.
        if self.lower != nil && whiteoutCount == 0 && addedCount == 0,
            pinned?.entries.count ?? 0 == new.entries.count
        {
            return relabel(lower)
        }
        let old = pinned
        var cookies = [UInt64](repeating: 0, count: new.entries.count)
        var links: [LinkName: Link] = [:]
        for (index, entry) in new.entries.enumerated() {
            let name = LinkName(entry.name)
            if let link = self.links[name] {
                cookies[index] = link.cookie
                links[name] = link
            } else if let oldIndex = old?.index(of: entry.name) {
                cookies[index] = cookie(at: oldIndex)
            } else {
                cookies[index] = nextCookie
                nextCookie += 1
            }
        }
        // What a freeze does not record stays, or becomes, added.
        let others = self.links.filter { name, link in
            link.inode != nil && old?.index(of: name.entryName) != nil
        }
        let kept = (added.compactMap(\.name) + others.keys).filter {
            new.index(of: $0.entryName) == nil
        }
        addedFloor = nextCookie
        added = []
        gapCount = 0
        for name in kept {
            added.append(AddedEntry(cookie: nextCookie, name: name))
            links[name] = Link(inode: self.links[name]?.inode, cookie: nextCookie)
            nextCookie += 1
        }
        self.lower = lower
        self.links = links
        whiteoutCount = 0
        setOrder(cookies)
    }

    private func setOrder(_ cookies: [UInt64]) {
        let isNatural = cookies.enumerated().allSatisfy {
            $0.element == UInt64($0.offset) + Self.firstCookie
        }
        guard !isNatural else {
            order = nil
            return
        }
        order = CookieOrder(
            cookies: cookies,
            indices: cookies.indices.sorted { cookies[$0] < cookies[$1] }.map(Int32.init))
    }

    // MARK: - Directory reads

    func cookie(at index: Int) -> UInt64 {
        order?.cookies[index] ?? UInt64(index) + Self.firstCookie
    }

    /// The position, in order of cookies, of the first lower entry with a cookie above `offset`.
    func lowerPosition(after offset: UInt64) -> Int {
        guard let order else {
            return offset < Self.firstCookie ? 0 : Int(clamping: offset - Self.firstCookie + 1)
        }
        return partition(order.indices.count) { order.cookies[Int(order.indices[$0])] > offset }
    }

    /// The index of the lower entry at a position in order of cookies.
    func lowerIndex(at position: Int) -> Int {
        order.map { Int($0.indices[position]) } ?? position
    }

    /// The index of the first added entry with a cookie above `offset`.
    func addedIndex(after offset: UInt64) -> Int {
        partition(added.count) { added[$0].cookie > offset }
    }

    private func partition(_ count: Int, _ isAbove: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isAbove(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
