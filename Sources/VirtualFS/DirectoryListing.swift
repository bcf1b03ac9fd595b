/// A bounded buffer that one directory read fills.
package struct DirectoryListing: Sendable {
    package struct Item: Sendable {
        package var name: [UInt8]
        /// Where a later read continues to start after this item; never 0.
        package var nextOffset: UInt64
        /// What programs see as `d_ino`.
        package var serialNumber: UInt64
        package var type: FileType
        /// With attributes the item counts as a lookup of the inode (not for `.` and `..`).
        package var entry: Entry?
        package init(
            name: [UInt8], nextOffset: UInt64, serialNumber: UInt64, type: FileType,
            entry: Entry? = nil
        ) {
            self.name = name
            self.nextOffset = nextOffset
            self.serialNumber = serialNumber
            self.type = type
            self.entry = entry
        }
    }

    /// Whether items should carry attributes (READDIRPLUS).
    package let wantsAttributes: Bool
    package private(set) var items: [Item] = []
    private var remainingBytes: Int
    private let overheadBytes: Int

    /// - Parameters:
    ///   - capacityBytes: the size of the caller's buffer.
    ///   - overheadBytes: what an item takes in that buffer besides its name.
    package init(capacityBytes: Int, overheadBytes: Int, wantsAttributes: Bool) {
        remainingBytes = capacityBytes
        self.overheadBytes = overheadBytes
        self.wantsAttributes = wantsAttributes
        items.reserveCapacity(capacityBytes / (overheadBytes + 16))
    }

    /// Whether a name of `length` bytes still fits (names are padded to 8 bytes).
    package func fits(nameLength length: Int) -> Bool {
        overheadBytes + (length + 7) & ~7 <= remainingBytes
    }

    /// Appends the item if it fits.
    /// - Returns: false when the listing is full; the item was not taken.
    package mutating func add(_ item: Item) -> Bool {
        guard fits(nameLength: item.name.count) else { return false }
        remainingBytes -= overheadBytes + (item.name.count + 7) & ~7
        items.append(item)
        return true
    }
}
