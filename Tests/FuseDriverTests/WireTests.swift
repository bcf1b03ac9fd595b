import CFuse
import Testing
import VirtualFS

@testable import FuseDriver

@Suite struct WireTests {
    @Test func `structures have the sizes of the protocol`() {
        #expect(MemoryLayout<vitrine_in_header>.size == 40)
        #expect(MemoryLayout<vitrine_attr>.size == 88)
        #expect(MemoryLayout<vitrine_attr_out>.size == 104)
        #expect(MemoryLayout<vitrine_entry_out>.size == 128)
        #expect(MemoryLayout<vitrine_open_out>.size == 16)
        #expect(MemoryLayout<vitrine_create_out>.size == 144)
        #expect(MemoryLayout<vitrine_dirent>.size == 24)
        #expect(MemoryLayout<vitrine_direntplus>.size == 152)
        #expect(MemoryLayout<vitrine_write_in>.size == 40)
        #expect(MemoryLayout<vitrine_setxattr_in>.size == 16)
        #expect(MemoryLayout<vitrine_init_out>.offset(of: \.flags2) == 32)
        #expect(MemoryLayout<vitrine_init_out>.offset(of: \.max_stack_depth) == 36)
    }

    @Test(arguments: [
        (CacheValidity.none, UInt64(0), UInt32(0)), (.milliseconds(1), 0, 1_000_000),
        (.milliseconds(2500), 2, 500_000_000), (.forever, 4_294_967_295, 0),
    ])
    func `validities become seconds and nanoseconds`(
        validity: CacheValidity, seconds: UInt64, nanoseconds: UInt32
    ) {
        #expect(validity.wire == (seconds, nanoseconds))
    }

    @Test(arguments: [
        (FileSystemError.notFound, Int32(2)), (.notImplemented, 38), (.stale, 116),
        (.other(errno: 103), 103), (.other(errno: 0), 5), (.other(errno: 512), 5),
        (.other(errno: -1), 5),
    ])
    func `errors become an errno that the kernel takes`(error: FileSystemError, errno: Int32) {
        #expect(error.wire == errno)
    }

    @Test func `attributes keep every field, times before 1970 too`() {
        let attributes = FileAttributes(
            inode: InodeNumber(3), serialNumber: 4, mode: 0o100644, linkCount: 5, userID: 6,
            groupID: 7, device: 0x801, sizeBytes: 9, blocks: 10,
            accessTime: FileTime(seconds: -1, nanoseconds: 2),
            modificationTime: FileTime(seconds: 3, nanoseconds: 4),
            changeTime: FileTime(seconds: 5, nanoseconds: 6))
        let entry = vitrine_entry_out(
            Entry(
                attributes: attributes, entryValidity: .forever,
                attributesValidity: .milliseconds(1500)))
        #expect(entry.nodeid == 3 && entry.attr.ino == 4 && entry.attr.nlink == 5)
        #expect(entry.attr.uid == 6 && entry.attr.gid == 7 && entry.attr.rdev == 0x801)
        #expect(entry.attr.size == 9 && entry.attr.blocks == 10 && entry.attr.mode == 0o100644)
        #expect(entry.attr.atime == UInt64.max && entry.attr.atimensec == 2)
        #expect(entry.attr.mtime == 3 && entry.attr.mtimensec == 4)
        #expect(entry.attr.ctime == 5 && entry.attr.ctimensec == 6)
        #expect(entry.entry_valid == 4_294_967_295)
        #expect(entry.attr_valid == 1 && entry.attr_valid_nsec == 500_000_000)
    }

    @Test func `directory items are laid out as the kernel reads them`() {
        let item = DirectoryListing.Item(
            name: Array("abc".utf8), nextOffset: 9, serialNumber: 5, type: .symbolicLink)
        for isPlus in [false, true] {
            let encoder = DirectoryEncoder(withAttributes: isPlus)
            var bytes = [UInt8](repeating: 0xff, count: 512)
            let length = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe encoder.encode([item, item], into: buffer)
            }
            #expect(length == 2 * (encoder.overheadBytes + 8))
            let start = isPlus ? 128 : 0
            #expect(bytes[start..<start + 8].elementsEqual([5, 0, 0, 0, 0, 0, 0, 0]))
            #expect(bytes[start + 8] == 9 && bytes[start + 16] == 3 && bytes[start + 20] == 10)
            #expect(
                bytes[(start + 24)..<(start + 32)]
                    .elementsEqual(Array("abc".utf8) + [0, 0, 0, 0, 0]))
            // Without attributes, a node id of 0 tells that no lookup is counted.
            if isPlus { #expect(bytes[..<128].allSatisfy { $0 == 0 }) }
            #expect(bytes[length] == 0xff)
        }
    }

    @Test(arguments: [(UInt32(0), true), (1, true), (2, true), (4, false), (3, false)])
    func `unknown flags of setxattr are refused`(flags: UInt32, isKnown: Bool) {
        #expect((ExtendedAttributeMode(flags: flags) != nil) == isKnown)
    }

    private static let caller = RequestContext(userID: 5, groupID: 6)

    @Test(arguments: [
        (UInt32(0), RenameMode.replace), (1, .noReplace), (2, .exchange),
        (4, .leaveWhiteout(by: caller, replaces: true)),
        (5, .leaveWhiteout(by: caller, replaces: false)),
        (3, nil), (6, nil), (7, nil), (8, nil),
    ])
    func `flags of rename that exclude each other are refused`(flags: UInt32, mode: RenameMode?) {
        #expect(RenameMode(flags: flags, by: Self.caller) == mode)
    }
}
