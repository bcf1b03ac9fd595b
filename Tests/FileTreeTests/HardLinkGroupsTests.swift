import Testing

@testable import FileTree

@Suite struct HardLinkGroupsTests {
    let draft = Draft()

    @Test func `groups whose paths have one hash get different identifiers`() throws {
        let paths = try ["c", "a", "b", "d"].map(path)
        // Three collide at the first attempt, the fourth with one of them at its second.
        func hash(_ path: TreePath, _ attempt: Int) -> UInt64 {
            UInt64((path.names.last?.bytes == [0x64] ? 8 : 7) + attempt)
        }
        let found = HardLinkGroups.identifiers(ofFirstPaths: paths, hash: hash)
        #expect(try found[path("a")] == 7)
        #expect(try found[path("b")] == 8)
        #expect(try found[path("c")] == 9)
        #expect(try found[path("d")] == 10)
        #expect(
            found == HardLinkGroups.identifiers(ofFirstPaths: paths.reversed(), hash: hash))
    }

    @Test func `a counted hash is of no path`() throws {
        let first = HardLink.identifier(of: try path("a"))
        #expect(first == HardLink.identifier(of: try path("a"), attempt: 0))
        #expect(first != HardLink.identifier(of: try path("a"), attempt: 1))
    }

    @Test func `names with one mark and different nodes are different files`() throws {
        func marked(_ text: String) -> Node {
            var node = file(text)
            node.hardLink = HardLink(identifier: 5, count: 2)
            return node
        }
        let tree = try draft.tree { editor in
            for (name, text) in [("a", "x"), ("b", "y"), ("c", "x"), ("d", "y"), ("e", "z")] {
                try editor.put(marked(text), at: path(name))
            }
        }
        let groups = try HardLinkGroups.paths(in: tree, draft.directories)
        #expect(
            groups.values.map { $0.map(\.description) }.sorted { $0[0] < $1[0] }
                == [["/a", "/c"], ["/b", "/d"]])
        let alone = try draft.directories.node(at: path("e"), in: tree)
        #expect(alone?.hardLink == nil)
    }
}
