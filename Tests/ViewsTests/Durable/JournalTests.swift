import FileTree
import ImageSpec
import Testing
import VirtualFS

@testable import Views

/// The journal's bytes: what was written is read, and anything else is an error or left out.
@Suite
struct JournalTests {
    private static func inode(_ number: UInt64, _ body: JournalInode.Body) -> JournalInode {
        JournalInode(
            number: InodeNumber(number),
            attributes: NodeAttributes(
                permissions: 0o4755, userID: 1, groupID: .max,
                modificationTime: NodeTime(seconds: -5, nanoseconds: 999_999_999),
                extendedAttributes: ExtendedAttributes([
                    .init(name: Array("user.a".utf8), value: [0, 255])
                ])),
            accessTime: FileTime(seconds: .max, nanoseconds: 1),
            changeTime: FileTime(seconds: .min), isChanged: number % 2 == 0, linkCount: 3,
            group: number % 3 == 0 ? .max : nil, body: body)
    }

    private static let content = FileContent(digest: Digest(of: [1]), sizeBytes: 1 << 40)

    private static func name(_ text: String) throws -> EntryName {
        try EntryName(Array(text.utf8))
    }

    private static func records() throws -> [JournalRecord] {
        let bodies: [JournalInode.Body] = [
            .directory(lower: nil), .directory(lower: Tree.empty.directory), .empty,
            .object(content),
            .own(JournalOwnFile(number: 7, sizeBytes: 9, hostTime: FileTime(seconds: 1))),
            .own(
                JournalOwnFile(
                    number: .max, sizeBytes: 0, hostTime: FileTime(seconds: -1, nanoseconds: 5),
                    partial: .init(object: content, keptBytes: 1 << 39))),
            .symbolicLink(Array("t".utf8)), .characterDevice(0x103), .blockDevice(0x801), .fifo,
            .socket,
        ]
        return bodies.enumerated().map { .inode(inode(UInt64($0.offset) + 1, $0.element)) } + [
            .link(directory: .root, name: try name("ü"), inode: InodeNumber(1 << 62)),
            .whiteout(directory: InodeNumber(2), name: try name(".wh.a")),
            .gone(InodeNumber(3)), .commit(back: 4, boot: "boot"), .snapshotEnd(boot: ""),
        ]
    }

    private static func payload(_ records: [JournalRecord]) -> [UInt8] {
        var bytes: [UInt8] = []
        for record in records { JournalEncoding.append(record, to: &bytes) }
        return bytes
    }

    private static func decoded(_ bytes: [UInt8]) throws(JournalError) -> [JournalRecord] {
        var records: [JournalRecord] = []
        try JournalEncoding.decode(bytes[...]) { (record) throws(JournalError) in
            records.append(record)
        }
        return records
    }

    /// A journal of batches, each of which makes the inode of its number; the first is the snapshot.
    private static func journal(
        _ batches: [[JournalRecord]], boot: String = "boot-1"
    ) -> (bytes: [UInt8], ends: [Int]) {
        let header = JournalHeader(boot: boot, base: .empty)
        var bytes = JournalFormat.encode(header)
        var ends: [Int] = []
        for (number, records) in batches.enumerated() {
            JournalFormat.frame(
                payload(records)[...], number: UInt64(number), key: header.salt, into: &bytes)
            ends.append(bytes.count)
        }
        return (bytes, ends)
    }

    private static func sample(_ count: Int) -> [[JournalRecord]] {
        [[.snapshotEnd(boot: "boot-1")]]
            + (2..<UInt64(count + 2)).map { number in
                [.inode(inode(number, .fifo)), .gone(InodeNumber(number - 1))]
            }
    }

    @Test func `records are read as they were written`() throws {
        let records = try Self.records()
        #expect(try Self.decoded(Self.payload(records)) == records)
    }

    @Test func `a payload that ends early is an error at every byte but a record's end`() throws {
        let records = try Self.records()
        let bytes = Self.payload(records)
        var whole = 0
        for count in 0..<bytes.count {
            do throws(JournalError) {
                let found = try Self.decoded(Array(bytes[..<count]))
                #expect(found == Array(records[..<found.count]))
                whole += 1
            } catch {
                #expect(error.code == .damaged)
            }
        }
        #expect(whole == records.count)
    }

    @Test func `a journal cut anywhere gives its whole batches`() throws {
        let (bytes, ends) = Self.journal(Self.sample(12))
        for count in 0...bytes.count {
            let batches = ends.count { $0 <= count }
            do throws(JournalError) {
                let replay = try JournalReplay(Array(bytes[..<count]), boot: "boot-1")
                #expect(batches > 0)
                #expect(replay.nextBatch == UInt64(batches))
                #expect(replay.end == ends[batches - 1])
                #expect(replay.inodes.keys.sorted() == (batches > 1 ? [UInt64(batches)] : []))
            } catch {
                #expect(batches == 0)
            }
        }
    }

    @Test func `a flipped bit ends the journal before its batch`() throws {
        let (bytes, ends) = Self.journal(Self.sample(6))
        for index in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[index] ^= 1 << bit
                let intact = ends.count { $0 <= index }
                do throws(JournalError) {
                    let replay = try JournalReplay(damaged, boot: "boot-1")
                    #expect(replay.nextBatch == UInt64(intact), "byte \(index)")
                    #expect(replay.remark != nil)
                } catch {
                    #expect(intact == 0, "byte \(index)")
                }
            }
        }
    }

    @Test func `room that was reserved is no damage`() throws {
        let (bytes, ends) = Self.journal(Self.sample(3))
        let replay = try JournalReplay(bytes + [UInt8](repeating: 0, count: 5000), boot: "boot-1")
        #expect(replay.end == ends.last)
        #expect(replay.remark == nil)
    }

    @Test func `a batch of another file is none of this one`() throws {
        let (first, ends) = Self.journal(Self.sample(3))
        let (second, _) = Self.journal(Self.sample(3))
        let mixed = Array(first[..<ends[1]]) + second[ends[1]...]
        #expect(try JournalReplay(mixed, boot: "boot-1").nextBatch == 2)
    }

    @Test(arguments: [
        // Batches 0 to 5, of which 0 is the snapshot; what the commit says; what is left after a boot.
        (UInt64(1), UInt64(6)), (2, 4), (3, 3), (6, 1), (.max, 1),
    ])
    func `another boot sees what was committed`(back: UInt64, left: UInt64) throws {
        var batches = Self.sample(4)
        batches.append([.commit(back: back, boot: "boot-1")])
        let (bytes, _) = Self.journal(batches)
        #expect(try JournalReplay(bytes, boot: "boot-1").nextBatch == 6)
        let replay = try JournalReplay(bytes, boot: "boot-2")
        #expect(replay.nextBatch == left)
        #expect(replay.boot == "boot-1")
        #expect((replay.remark == nil) == (left == 6))
    }

    @Test func `what another boot appended is its own`() throws {
        var batches = Self.sample(2)
        batches.append([.commit(back: 1, boot: "boot-2")])
        batches.append([.inode(Self.inode(40, .fifo))])
        let (bytes, _) = Self.journal(batches)
        #expect(try JournalReplay(bytes, boot: "boot-2").inodes[40] != nil)
        #expect(try JournalReplay(bytes, boot: "boot-1").inodes[40] == nil)
    }

    @Test func `what is no journal, or a later one, is told apart`() throws {
        func code(_ bytes: [UInt8]) -> JournalError.Code? {
            do throws(JournalError) {
                _ = try JournalReplay(bytes, boot: "")
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code([]) == .notAJournal)
        #expect(code(Array("SQLite format 3".utf8)) == .notAJournal)
        #expect(code(Self.journal([]).bytes) == .damaged)
        #expect(code(Self.journal([[.gone(InodeNumber(4))]]).bytes) == .damaged)
        var later: [UInt8] = JournalFormat.magic
        JournalFormat.frame([2], number: 0, key: .init(first: 0, second: 0), into: &later)
        #expect(code(later) == .unsupportedVersion)
    }

    @Test func `garbage with a right hash is an error and no trap`() throws {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 1..<80, using: &random)).map { index in
                index == 0
                    ? UInt8.random(in: 0...7, using: &random)
                    : UInt8.random(in: .min ... .max, using: &random)
            }
            do throws(JournalError) {
                _ = try Self.decoded(bytes)
            } catch {
                #expect(error.code == .damaged)
            }
        }
    }
}
