import FileTree
import Testing

@Suite struct TreePathTests {
    @Test(arguments: [
        ("", "/"), ("/", "/"), ("./", "/"), ("a", "/a"), ("./a/./b/", "/a/b"), ("//a//b", "/a/b"),
        ("a/../b", "/b"), ("a/b/..", "/a"), ("..a/b..", "/..a/b.."),
    ])
    func `paths are cleaned below the root`(text: String, expected: String) throws {
        #expect(try path(text).description == expected)
    }

    @Test(arguments: ["..", "../a", "a/../..", "/..", "./../x"])
    func `paths that leave the root are refused`(text: String) {
        #expect { try path(text) } throws: { ($0 as? FileTreeError)?.code == .escapesRoot }
    }

    @Test func `names have 1 to 255 bytes without slash and NUL`() throws {
        #expect(try EntryName(Array(repeating: 0x61, count: 255)).bytes.count == 255)
        for bytes: [UInt8] in [[], [0x2E], [0x2E, 0x2E], [0x61, 0], [0x61, 0x2F, 0x62]] {
            #expect { try EntryName(bytes) } throws: {
                ($0 as? FileTreeError)?.code == .invalidName
            }
        }
        #expect { try EntryName(Array(repeating: 0x61, count: 256)) } throws: {
            ($0 as? FileTreeError)?.code == .nameTooLong
        }
    }

    @Test func `names that are not UTF-8 and look equal as text are different`() throws {
        let composed = try EntryName([0xC3, 0xA9])
        let decomposed = try EntryName([0x65, 0xCC, 0x81])
        #expect(composed != decomposed)
        #expect(try EntryName([0xFF]) != EntryName([0xFE]))
    }
}
