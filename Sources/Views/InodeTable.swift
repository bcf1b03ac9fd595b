internal import VirtualFS

/// A dictionary by inode number that may hold a million: it grows and shrinks in parts, so that no
/// request waits long for the room of all to be laid out anew.
///
/// Numbers have to be hashes, at least in the bits from 16 on.
struct InodeTable<Value> {
    /// A power of two.
    private static var partCount: Int { 64 }
    private var parts = [[InodeNumber: Value]](repeating: [:], count: partCount)

    private static func part(of inode: InodeNumber) -> Int {
        Int(truncatingIfNeeded: inode.rawValue >> 16) & (partCount - 1)
    }

    var count: Int { parts.reduce(0) { $0 + $1.count } }

    subscript(inode: InodeNumber) -> Value? {
        get { parts[Self.part(of: inode)][inode] }
        set {
            let part = Self.part(of: inode)
            parts[part][inode] = newValue
            if newValue == nil { parts[part].shrinkIfSparse() }
        }
    }
}

extension Dictionary {
    /// Gives back the room of what was removed, once that is most: removals alone never do.
    mutating func shrinkIfSparse() {
        // Small ones are not worth it.
        guard capacity > 512, count < capacity / 8 else { return }
        var small = Self(minimumCapacity: count)
        for (key, value) in self { small[key] = value }
        self = small
    }
}
