internal import FileTree
internal import Glibc
internal import VirtualFS

/// A validated entry name as a dictionary key; hashes its bytes in one step.
struct LinkName: Hashable {
    let entryName: EntryName

    init(_ entryName: EntryName) { self.entryName = entryName }

    /// - Throws: `nameTooLong` past 255 bytes, `invalidArgument` for what is no name.
    init(_ bytes: [UInt8]) throws(FileSystemError) {
        do throws(FileTreeError) {
            entryName = try EntryName(bytes)
        } catch {
            throw error.code == .nameTooLong ? .nameTooLong : .invalidArgument
        }
    }

    var bytes: [UInt8] { entryName.bytes }

    static func == (a: Self, b: Self) -> Bool {
        unsafe a.bytes.withUnsafeBytes { left in
            unsafe b.bytes.withUnsafeBytes { right in
                guard left.count == right.count else { return false }
                guard let first = left.baseAddress, let second = right.baseAddress else {
                    return true
                }
                return unsafe memcmp(first, second, left.count) == 0
            }
        }
    }

    func hash(into hasher: inout Hasher) {
        unsafe entryName.bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }
}

/// Inode numbers of what a lower tree holds: the same each time the inode is met again.
enum DerivedNumber {
    /// Derived numbers have this bit, counted ones do not.
    private static let mark: UInt64 = 1 << 62

    /// The number of the inode that `name` has in the directory with number `parent`.
    static func make(parent: InodeNumber, name: LinkName) -> InodeNumber {
        // FNV-1a, with the finalizer of MurmurHash3. Collisions are tolerated, not expected.
        var hash = parent.rawValue &* 0x9E37_79B9_7F4A_7C15 ^ 0xCBF2_9CE4_8422_2325
        for byte in name.bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return number(hash)
    }

    /// The number of a hard-link group's inode.
    static func make(group: UInt64) -> InodeNumber { number(group) }

    static func isDerived(_ number: InodeNumber) -> Bool { number.rawValue & mark != 0 }

    private static func number(_ value: UInt64) -> InodeNumber {
        var hash = value
        hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
        hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return InodeNumber((hash ^ hash >> 33) >> 2 | mark)
    }
}
