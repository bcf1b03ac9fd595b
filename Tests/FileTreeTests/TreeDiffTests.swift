import FileTree
import Testing

@Suite struct TreeDiffTests {
    let draft = Draft()

    @Test func `equal trees have no changes`() throws {
        let tree = try draft.tree { try $0.put(file("x"), at: path("a")) }
        #expect(try draft.changes(tree, tree) == [])
    }

    @Test func `changes are listed as docker diff lists them`() throws {
        let old = try draft.tree { editor in
            try editor.put(file("1"), at: path("etc/keep"))
            try editor.put(file("1"), at: path("etc/edit"))
            try editor.put(file("1"), at: path("gone/a/b"))
            try editor.put(file("1"), at: path("turn"))
            try editor.put(file("1"), at: path("mode"))
        }
        let new = try draft.tree(on: old) { editor in
            try editor.put(file("2"), at: path("etc/edit"))
            try editor.remove(path("gone"))
            try editor.put(file("2"), at: path("turn/into"))
            try editor.put(file("1", permissions: 0o755), at: path("mode"))
            try editor.put(file("2"), at: path("new/file"))
        }
        #expect(
            try draft.changes(old, new) == [
                "C /", "C /etc", "C /etc/edit", "D /gone", "C /mode", "A /new", "A /new/file",
                "C /turn", "A /turn/into",
            ])
    }

    @Test func `names that differ only in their number of links are equal`() throws {
        let old = try draft.tree { try $0.put(file("x"), at: path("a")) }
        let new = try draft.tree(on: old) { try $0.link(path("a"), at: path("b")) }
        #expect(try draft.changes(old, new) == ["C /", "A /b"])
    }

    @Test func `a change tree holds what changed, with whiteouts for what went`() throws {
        let old = try draft.tree { editor in
            try editor.put(file("1"), at: path("d/keep"))
            try editor.put(file("1"), at: path("d/gone"))
        }
        let new = try draft.tree(on: old) { editor in
            try editor.remove(path("d/gone"))
            try editor.put(file("2"), at: path("d/e/new"))
        }
        let changed = try ChangeTree.make(from: old, to: new, in: draft.directories)
        #expect(
            try draft.listing(changed) == ["d /d", "f /d/.wh.gone", "d /d/e", "f /d/e/new"])
    }

    @Test func `directories with equal digests are not opened`() throws {
        let shared = try draft.tree { editor in
            for number in 0..<50 { try editor.put(file("\(number)"), at: path("big/\(number)/f")) }
        }
        let old = try draft.tree(on: shared) { try $0.put(file("a"), at: path("x")) }
        let new = try draft.tree(on: shared) { try $0.put(file("b"), at: path("x")) }
        let counting = CountingSource(base: draft.directories)
        _ = try TreeDiff.changes(from: old, to: new, in: counting)
        #expect(counting.count == 2)
    }
}

/// Counts the directories that are read.
private final class CountingSource: DirectorySource {
    private let base: PendingDirectories
    private let reads = Counter()

    init(base: PendingDirectories) { self.base = base }
    var count: Int { reads.value }

    func directory(_ id: DirectoryID) throws(FileTreeError) -> Directory {
        reads.increment()
        return try base.directory(id)
    }
}
