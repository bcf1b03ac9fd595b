package import FileTree
internal import Glibc

/// The journal's file: a header, and batches one after the other; docs/journal.md draws it.
///
///     magic | length | hash | version, salt, boot, base tree
///     length | hash | records        a batch, whole or not at all
///     0…                             room that is reserved ahead
///
/// The hash of a batch is keyed with the file's salt and covers the batch's number in the file: what
/// an earlier file left on the disk never looks like a batch.
package struct JournalHeader: Hashable, Sendable {
    var salt: KeyedHash.Key
    /// The kernel's boot when the file was made.
    package var boot: String
    /// The lower tree.
    package var base: Tree

    package init(boot: String, base: Tree) {
        salt = KeyedHash.Key(
            first: .random(in: .min ... .max), second: .random(in: .min ... .max))
        self.boot = boot
        self.base = base
    }

    fileprivate init(salt: KeyedHash.Key, boot: String, base: Tree) {
        self.salt = salt
        self.boot = boot
        self.base = base
    }
}

package enum JournalFormat {
    static let magic = Array("VITRJNL\n".utf8)
    static let version: UInt64 = 1
    /// Length and hash.
    package static let frameBytes = 12
    /// No operation writes nearly as much; what claims to is damaged.
    static let maximumBatchBytes = 64 << 20

    static let headerKey = KeyedHash.Key(first: 0, second: 0)

    package static func encode(_ header: JournalHeader) -> [UInt8] {
        var payload: [UInt8] = []
        LEB128.append(version, to: &payload)
        for word in [header.salt.first, header.salt.second] {
            for byte in 0..<8 { payload.append(UInt8(truncatingIfNeeded: word >> (8 * byte))) }
        }
        JournalEncoding.append(block: Array(header.boot.utf8), to: &payload)
        JournalEncoding.append(
            block: TreeEncoding.encode(
                attributes: header.base.attributes, directory: header.base.directory),
            to: &payload)
        var bytes = magic
        frame(payload[...], number: 0, key: headerKey, into: &bytes)
        return bytes
    }

    /// Appends a batch as it stands in the file.
    static func frame(
        _ payload: ArraySlice<UInt8>, number: UInt64, key: KeyedHash.Key, into bytes: inout [UInt8]
    ) {
        let length = UInt32(payload.count)
        for byte in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: length >> (8 * byte))) }
        let hash = hash(of: payload, number: number, key: key)
        for byte in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: hash >> (8 * byte))) }
        bytes.append(contentsOf: payload)
    }

    static func hash(
        of payload: ArraySlice<UInt8>, number: UInt64, key: KeyedHash.Key
    ) -> UInt64 {
        var hash = KeyedHash(key: key)
        hash.absorb(number)
        hash.absorb(payload)
        return hash.finish().high
    }

    /// - Throws: `notAJournal`, `unsupportedVersion`, `damaged`.
    static func header(
        of bytes: [UInt8]
    ) throws(JournalError) -> (header: JournalHeader, end: Int) {
        guard bytes.starts(with: magic) else {
            throw JournalError(.notAJournal, "it does not begin as a journal does")
        }
        guard let (payload, end) = batch(in: bytes, at: magic.count, number: 0, key: headerKey)
        else { throw JournalError(.damaged, "its header is damaged") }
        var input = JournalInput(payload)
        let found = try input.integer()
        guard found == version else {
            throw JournalError(
                .unsupportedVersion, "it was written by a later version of vitrine")
        }
        var words: [UInt64] = [0, 0]
        for index in 0..<16 { words[index / 8] |= UInt64(try input.byte()) << (8 * (index % 8)) }
        let boot = try input.text()
        let encoding = Array(try input.block())
        do throws(FileTreeError) {
            return (
                JournalHeader(
                    salt: KeyedHash.Key(first: words[0], second: words[1]), boot: boot,
                    base: try TreeEncoding.decodeTree(encoding)), end
            )
        } catch {
            throw JournalError(.damaged, "its header names no tree: \(error)")
        }
    }

    /// The batch that begins there; nil if no whole one does.
    static func batch(
        in bytes: [UInt8], at start: Int, number: UInt64, key: KeyedHash.Key
    ) -> (payload: ArraySlice<UInt8>, end: Int)? {
        guard bytes.count - start >= frameBytes else { return nil }
        var (length, found) = (0, UInt64(0))
        for byte in 0..<4 { length |= Int(bytes[start + byte]) << (8 * byte) }
        for byte in 0..<8 { found |= UInt64(bytes[start + 4 + byte]) << (8 * byte) }
        let begin = start + frameBytes
        guard length > 0, length <= maximumBatchBytes, length <= bytes.count - begin else {
            return nil
        }
        let payload = bytes[begin..<(begin + length)]
        guard hash(of: payload, number: number, key: key) == found else { return nil }
        return (payload, begin + length)
    }
}
