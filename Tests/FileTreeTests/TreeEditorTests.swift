import FileTree
import Testing

@Suite struct TreeEditorTests {
    let draft = Draft()

    @Test func `missing parents are made with mode 0755 and owner root`() throws {
        let tree = try draft.tree { try $0.put(file("x"), at: path("a/b/c")) }
        #expect(try draft.listing(tree) == ["d /a", "d /a/b", "f /a/b/c"])
        let node = try draft.directories.node(at: path("a"), in: tree)
        #expect(node?.attributes == .implicitDirectory)
    }

    @Test func `an edit that changes nothing gives the same tree`() throws {
        let tree = try draft.tree { try $0.put(file("x"), at: path("a/b")) }
        #expect(try draft.tree(on: tree) { _ = try $0.node(at: path("a/b")) }.id == tree.id)
        #expect(try draft.tree(on: tree) { try $0.put(file("x"), at: path("a/b")) }.id == tree.id)
    }

    @Test func `the order of edits does not matter for the digest`() throws {
        let names = (0..<40).map { "d\($0 % 7)/f\($0)" }
        let one = try draft.tree { editor in
            for name in names { try editor.put(file(name), at: path(name)) }
        }
        let other = try draft.tree { editor in
            for name in names.reversed() { try editor.put(file(name), at: path(name)) }
        }
        #expect(one.id == other.id)
    }

    @Test func `a directory replaced by a file loses all below, and the reverse`() throws {
        let base = try draft.tree { try $0.put(file("x"), at: path("a/b")) }
        let replaced = try draft.tree(on: base) { try $0.put(file("y"), at: path("a")) }
        #expect(try draft.listing(replaced) == ["f /a"])
        let back = try draft.tree(on: replaced) { try $0.put(file("z"), at: path("a/c")) }
        #expect(try draft.listing(back) == ["d /a", "f /a/c"])
    }

    @Test func `whiteouts take lower entries only, wherever they stand`() throws {
        let base = try draft.tree { editor in
            try editor.put(file("x"), at: path("a/old"))
            try editor.put(file("x"), at: path("b"))
        }
        let before = try draft.tree(on: base) { editor in
            try editor.whiteout(path("a"))
            try editor.put(file("y"), at: path("a/new"))
            try editor.whiteout(path("b"))
        }
        let after = try draft.tree(on: base) { editor in
            try editor.put(file("y"), at: path("a/new"))
            try editor.whiteout(path("a"))
            try editor.whiteout(path("b"))
        }
        #expect(try draft.listing(before) == ["d /a", "f /a/new"])
        #expect(before.id == after.id)
    }

    @Test func `an opaque directory keeps what its own layer brought`() throws {
        let base = try draft.tree { editor in
            try editor.put(file("x"), at: path("a/old"))
            try editor.put(file("x"), at: path("a/d/old"))
        }
        for isFirst in [true, false] {
            let tree = try draft.tree(on: base) { editor in
                if isFirst { try editor.makeOpaque(path("a")) }
                try editor.put(file("y"), at: path("a/new"))
                try editor.put(file("y"), at: path("a/d/new"))
                if !isFirst { try editor.makeOpaque(path("a")) }
            }
            #expect(try draft.listing(tree) == ["d /a", "d /a/d", "f /a/d/new", "f /a/new"])
        }
    }

    @Test func `hard links share a node and count their names`() throws {
        let tree = try draft.tree { editor in
            try editor.put(file("x"), at: path("d/b"))
            try editor.link(path("d/b"), at: path("a"))
            try editor.link(path("a"), at: path("z"))
        }
        let first = try path("a")
        for name in ["a", "d/b", "z"] {
            let node = try draft.directories.node(at: path(name), in: tree)
            #expect(
                node?.hardLink == HardLink(identifier: HardLink.identifier(of: first), count: 3))
        }
    }

    @Test func `a group that loses names is counted anew, and one name is no group`() throws {
        let base = try draft.tree { editor in
            try editor.put(file("x"), at: path("a"))
            try editor.link(path("a"), at: path("b"))
            try editor.link(path("a"), at: path("c"))
        }
        let two = try draft.tree(on: base) { try $0.remove(path("a")) }
        #expect(
            try draft.directories.node(at: path("b"), in: two)?.hardLink
                == HardLink(identifier: HardLink.identifier(of: path("b")), count: 2))
        let one = try draft.tree(on: two) { try $0.remove(path("c")) }
        #expect(try draft.directories.node(at: path("b"), in: one)?.hardLink == nil)
        #expect(one.id == (try draft.tree { try $0.put(file("x"), at: path("b")) }).id)
    }

    @Test func `a hard link to nothing or to a directory is refused`() throws {
        let base = try draft.tree { try $0.put(file("x"), at: path("d/f")) }
        #expect { try draft.tree(on: base) { try $0.link(path("no"), at: path("l")) } } throws: {
            ($0 as? FileTreeError)?.code == .notFound
        }
        #expect { try draft.tree(on: base) { try $0.link(path("d"), at: path("l")) } } throws: {
            ($0 as? FileTreeError)?.code == .isDirectory
        }
    }

    @Test func `links of the layer are followed inside the root, lower ones are replaced`() throws {
        let base = try draft.tree { try $0.put(link("usr/lib"), at: path("lib")) }
        let editor = TreeEditor(base: base, directories: draft.directories)
        #expect(try editor.followingLayerLinks(path("lib/x")).description == "/lib/x")
        try editor.put(link("../../etc"), at: path("esc"))
        #expect(try editor.followingLayerLinks(path("esc/passwd")).description == "/etc/passwd")
        try editor.put(link("loop"), at: path("loop"))
        #expect { try editor.followingLayerLinks(path("loop/x")) } throws: {
            ($0 as? FileTreeError)?.code == .symbolicLinkLoop
        }
    }

    @Test func `links of a layer do not lead deeper than a path may`() throws {
        let deep = Array(repeating: "d", count: 1500).joined(separator: "/")
        let editor = TreeEditor(base: .empty, directories: draft.directories)
        try editor.putDirectory(.implicitDirectory, at: path(deep))
        try editor.put(link(deep), at: path("l"))
        #expect(try editor.followingLayerLinks(path("l/x")).names.count == 1501)
        for follow in [editor.followingLayerLinks, { try editor.followingLinks($0) }] {
            #expect {
                _ = try follow(path("l/" + deep))
            } throws: {
                ($0 as? FileTreeError)?.code == .tooDeep
            }
        }
        #expect {
            try editor.put(file("x"), at: TreePath(path(deep).names + path(deep).names))
        } throws: {
            ($0 as? FileTreeError)?.code == .tooDeep
        }
    }

    @Test func `the deepest tree needs no deep stack`() throws {
        let names = Array(repeating: "d", count: TreePath.maximumDepth - 1)
        let place = try path(names.joined(separator: "/"))
        let name = try EntryName("f".utf8)
        let draft = draft
        let outcome = SmallThread.run { () throws -> [Int] in
            let tree = try draft.tree { editor in
                try editor.put(file("x"), at: place.appending(name))
                try editor.link(place.appending(name), at: path("l"))
            }
            let opaque = try draft.tree(on: tree) { editor in
                try editor.put(file("y"), at: place.appending(name))
                try editor.makeOpaque(.root)
            }
            var count = 0
            try TreeDiff.forEachChange(from: .empty, to: tree, in: draft.directories) { _ in
                count += 1
            }
            var changed = 0
            try TreeDiff.forEachChange(from: tree, to: opaque, in: draft.directories) { _ in
                changed += 1
            }
            return [
                count, changed, try HardLinkGroups.paths(in: tree, draft.directories).count,
                Int(opaque.directory.entryCount),
            ]
        }
        // The root and the link, and the names of the path.
        #expect(
            try outcome.get() == [
                TreePath.maximumDepth + 2, TreePath.maximumDepth + 2, 1, TreePath.maximumDepth,
            ])
    }

    @Test func `resolving follows links as a chroot does`() throws {
        let tree = try draft.tree { editor in
            try editor.put(file("x"), at: path("usr/lib/x"))
            try editor.put(link("usr/lib"), at: path("lib"))
            try editor.put(link("/../../lib/./x"), at: path("usr/abs"))
            try editor.put(link("b"), at: path("a"))
            try editor.put(link("a"), at: path("b"))
        }
        #expect(
            try draft.directories.resolve(path("usr/abs"), in: tree)?.path.description
                == "/usr/lib/x")
        #expect(
            try draft.directories.resolve(path("lib"), in: tree, followLast: false)?.path
                .description == "/lib")
        #expect(try draft.directories.resolve(path("lib/none"), in: tree) == nil)
        #expect { try draft.directories.resolve(path("a"), in: tree) } throws: {
            ($0 as? FileTreeError)?.code == .symbolicLinkLoop
        }
    }
}
