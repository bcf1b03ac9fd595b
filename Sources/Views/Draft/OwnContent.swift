package import FileTree
package import ImageSpec
package import LinuxIO
package import Store

/// The content of a file that a container changed: its own file, where some blocks may still be those
/// of the object that it was copied from (docs/journal.md, "Copied blocks").
package struct OwnContent: Hashable, Sendable {
    /// The directory of the container's own files.
    let files: String
    let number: UInt64
    /// Of the host's file: another one may get its number when this one is gone.
    let device: UInt64
    let inode: UInt64
    /// As it was seen. What is written behind it meanwhile does not belong to it.
    package let sizeBytes: UInt64
    /// Holes of the own file up to here are the object's.
    let partial: JournalOwnFile.Partial?
    /// Of a file that was copied with its store, whose holes tell nothing: which blocks are its own.
    var blocks: [Bool]?

    /// - Throws: `notFound` if the file is gone.
    package func open() throws(Errno) -> OwnedDescriptor {
        let file = try OwnedDescriptor(opening: "\(files)/\(number)", [.readOnly, .noFollow])
        let status = try FileStatus(of: file.rawValue)
        guard status.inode == inode, status.device == device else { throw .notFound }
        return file
    }

    /// Whether the own file has all of the content.
    var isWhole: Bool { partial == nil }

    /// The bytes of a range; zeros where the file has got shorter meanwhile.
    /// - Parameters:
    ///   - file: as ``open()`` gave it.
    ///   - object: opens the object below.
    package func bytes(
        of file: Int32, in range: Range<UInt64>,
        object: (FileContent) throws(Errno) -> OwnedDescriptor
    ) throws(Errno) -> [UInt8] {
        let range = range.clamped(to: 0..<sizeBytes)
        var result: [UInt8] = []
        var position = range.lowerBound
        if let partial {
            let end = min(range.upperBound, partial.keptBytes)
            while position < end {
                let data = try ownRange(of: file, in: position..<end)
                if position < data.lowerBound {
                    let below = try object(partial.object)
                    let hole = position..<data.lowerBound
                    result += try DescriptorIO.bytes(below.rawValue, in: hole)
                    result.pad(to: Int(hole.upperBound - range.lowerBound))
                }
                result += try DescriptorIO.bytes(file, in: data)
                result.pad(to: Int(data.upperBound - range.lowerBound))
                position = data.upperBound
            }
        }
        result += try DescriptorIO.bytes(file, in: position..<max(position, range.upperBound))
        result.pad(to: range.count)
        return result
    }

    /// The next part that the own file has; empty at the end of the range.
    private func ownRange(
        of file: Int32, in range: Range<UInt64>
    ) throws(Errno) -> Range<UInt64> {
        if let blocks { return BlockTable.next(blocks, in: range) }
        return try DescriptorIO.nextData(
            file, from: range.lowerBound, sizeBytes: range.upperBound)
    }

    /// What the object of this content is called, or would be.
    package func digest(_ objects: borrowing ObjectReader) throws -> Digest {
        let file = try open()
        var hasher = SHA256Hasher()
        var position: UInt64 = 0
        while position < sizeBytes {
            let end = min(position + Self.pieceBytes, sizeBytes)
            hasher.update(
                try bytes(of: file.rawValue, in: position..<end) { (content) throws(Errno) in
                    try objects.openForCopy(content)
                })
            position = end
        }
        return hasher.finalize()
    }

    /// Read at once: enough to keep the disk busy.
    package static let pieceBytes: UInt64 = 1 << 20
}

extension ObjectReader {
    /// - Throws: the cause of what ``open(_:)`` throws.
    package func openForCopy(_ content: FileContent) throws(Errno) -> OwnedDescriptor {
        do throws(StoreError) {
            return try open(content)
        } catch {
            throw error.cause as? Errno ?? .inputOutput
        }
    }
}

extension [UInt8] {
    fileprivate mutating func pad(to count: Int) {
        if self.count < count { append(contentsOf: repeatElement(0, count: count - self.count)) }
    }
}

/// The digests that stand for contents that are no objects:
///
///     "vitr" | 12 bytes of a hash over the container and its file's status | the rest of it, twice
enum StandIn {
    /// What they begin with: of a million digests of contents hardly one does.
    private static let mark: UInt64 = 0x7669_7472

    /// - Parameters:
    ///   - key: of the container.
    ///   - words: what tells that nobody has written to the file since.
    static func digest(_ key: KeyedHash.Key, _ words: [UInt64]) -> Digest {
        var hash = KeyedHash(key: key)
        for word in words { hash.absorb(word) }
        let value = hash.finish()
        let bytes = [mark << 32 | value.high >> 32, value.low, value.high, value.low].flatMap {
            word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) }
        }
        guard let digest = Digest(bytes: bytes) else {
            preconditionFailure("four words are the 32 bytes of a digest")
        }
        return digest
    }

    /// False for nearly all others, and for none of them.
    static func mayBe(_ digest: Digest) -> Bool {
        UInt64(bigEndian: digest.leadingWords.0) >> 32 == mark
    }
}
