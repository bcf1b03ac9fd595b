import FileTree
import Foundation
import Glibc
import LinuxIO
import Store
import Synchronization
import Testing
import VirtualFS

@testable import Views

/// What a container changed, read from its journal while its view is in use.
@Suite struct ContainerDraftTests {
    private func draft(_ fixture: DurableFixture) throws -> ContainerDraft {
        try ContainerDraft.read(fixture.record.id, in: fixture.store)
    }

    /// What a draft says, without the way there.
    private func lines(_ fixture: DurableFixture, from base: Tree) throws -> [String] {
        let draft = try draft(fixture).refined(against: base)
        return try TreeDiff.changes(from: base, to: draft.tree, in: draft)
            .filter(\.isWorthListing).map { String($0.line.dropLast()) }
    }

    private func bytes(_ path: String, _ draft: ContainerDraft, _ store: Store) throws -> [UInt8] {
        let node = try draft.node(at: try TreePath(cleaning: Array(path.utf8)), in: draft.tree)
        guard case .file(let content)? = node?.content else { return [] }
        if content.sizeBytes == 0 { return [] }
        let objects = try ObjectReader(store.layout)
        guard let own = draft.ownContent(of: content.digest) else {
            let object = try objects.open(content)
            return try DescriptorIO.readAll(object.rawValue, limit: 1 << 28)
        }
        let file = try own.open()
        return try own.bytes(of: file.rawValue, in: 0..<own.sizeBytes) { (below) throws(Errno) in
            try objects.openForCopy(below)
        }
    }

    // MARK: - Written down

    /// A container with enough changes that its draft is written down, which nobody uses any more.
    private func atRest(seed: UInt64 = 1) throws -> DurableFixture {
        let fixture = try DurableFixture { draft in
            let view = ViewClient(draft, umask: 0)
            for index in 0..<40 {
                _ = view.run(.create(path: "lower\(index)", mode: 0o644, exclusive: true))
                _ = view.run(
                    .write(path: "lower\(index)", offset: 0, bytes: [UInt8](repeating: 7, count: 9))
                )
            }
            view.closeAll()
            try SimpleCalls(draft).write("big", [UInt8](repeating: 3, count: 3 << 20))
        }
        // Of this one only some blocks are copied.
        try SimpleCalls(fixture.tree).write("big", Array("hello".utf8), at: 1_000_000)
        let view = ViewClient(fixture.tree, umask: 0)
        for index in 0..<300 {
            _ = view.run(.create(path: "new\(index)", mode: 0o600, exclusive: true))
            _ = view.run(.write(path: "new\(index)", offset: 0, bytes: [UInt8(index % 251)]))
        }
        for index in 0..<20 { _ = view.run(.write(path: "lower\(index)", offset: 3, bytes: [1])) }
        var generator = OperationGenerator(seed: seed)
        for _ in 0..<600 { _ = view.run(generator.next()) }
        view.closeAll()
        fixture.tree.unmounted()
        return fixture
    }

    private func isWrittenDown(_ fixture: DurableFixture) -> Bool {
        (try? FileStatus(ofPath: fixture.place.draft)) != nil
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `what is written down at the end is what the journal says`(seed: UInt64) throws {
        let fixture = try atRest(seed: seed)
        try #require(isWrittenDown(fixture))
        let written = try draft(fixture)
        #expect(written.isCurrent())
        // A draft from the journal names files that were changed just now in another way.
        usleep(50_000)
        try HostDirectory.unlink(fixture.place.draft)
        #expect(!written.isCurrent())
        let read = try draft(fixture)
        #expect(written.tree == read.tree)
        #expect(written.base == read.base)
        let paths = (0..<300).map { "new\($0)" } + (0..<40).map { "lower\($0)" } + ["big"]
        for path in paths {
            #expect(
                try bytes(path, written, fixture.store) == bytes(path, read, fixture.store),
                "\(path)")
        }
        #expect(try lines(fixture, from: read.base).count > 300)
    }

    @Test func `whoever opens a container removes what was written down`() throws {
        let fixture = try atRest()
        let before = try draft(fixture)
        try fixture.reopen()
        #expect(!isWrittenDown(fixture))
        #expect(!before.isCurrent())
        let view = ViewClient(fixture.tree, umask: 0)
        _ = view.run(.create(path: "later", mode: 0o600, exclusive: true))
        view.closeAll()
        #expect(try draft(fixture).tree != before.tree)
        fixture.tree.unmounted()
        #expect(isWrittenDown(fixture))
        #expect(try lines(fixture, from: before.base).contains("A /later"))
    }

    @Test func `what was written down is not trusted after another boot, nor when it is damaged`()
        throws
    {
        let fixture = try atRest()
        let right = try lines(fixture, from: draft(fixture).base)
        let path = fixture.place.draft
        let file = try OwnedDescriptor(opening: path, .readOnly)
        let bytes = try DescriptorIO.readAll(file.rawValue, limit: 1 << 28)
        func isTaken(_ bytes: [UInt8]) throws -> Bool {
            try HostDirectory.replaceFile(path, with: bytes, durability: .deferred)
            #expect(try lines(fixture, from: draft(fixture).base) == right)
            return SavedDraft.load(fixture.record.id, in: fixture.store, found: [:]) != nil
        }
        #expect(try isTaken(bytes))
        for count in [0, 7, 20, bytes.count / 2, bytes.count - 1] {
            #expect(try !isTaken(Array(bytes.prefix(count))))
        }
        for index in stride(from: 0, to: bytes.count, by: bytes.count / 40) {
            var damaged = bytes
            damaged[index] ^= 0x10
            #expect(try !isTaken(damaged), "byte \(index)")
        }
        #expect(try isTaken(bytes))
        fixture.close()
        let store = try Store(root: fixture.directory + "/store", bootID: "boot-2")
        #expect(SavedDraft.load(fixture.record.id, in: store, found: [:]) == nil)
    }

    @Test func `few changes are not written down`() throws {
        let fixture = try DurableFixture()
        let view = ViewClient(fixture.tree, umask: 0)
        _ = view.run(.create(path: "f", mode: 0o600, exclusive: true))
        view.closeAll()
        fixture.tree.unmounted()
        #expect(!isWrittenDown(fixture))
    }

    // MARK: - Against a freeze

    @Test(arguments: [301, 302, 303, 304] as [UInt64])
    func `a draft is what a freeze makes of the view`(seed: UInt64) throws {
        _ = Glibc.umask(0o022)
        var generator = OperationGenerator(seed: seed)
        let fixture = try DurableFixture { draft in
            let view = ViewClient(draft, umask: 0o022)
            for _ in 0..<300 { _ = view.run(generator.next()) }
            view.closeAll()
        }
        let view = ViewClient(fixture.tree, umask: 0o022)
        for round in 0..<12 {
            for _ in 0..<150 { _ = view.run(generator.next()) }
            if round % 3 == 1 { fixture.tree.compact() }
            if round % 4 == 2 { try fixture.tree.commit(whole: true) }
            view.closeAll()
            let draft = try draft(fixture)
            let (frozen, directories) = try fixture.freeze()
            #expect(try draft.isFrozen(as: frozen, in: directories), "round \(round)")
            // Each own file was moved, so what is read are the objects: only stand-ins differ.
            let contents = try standIns(draft, frozen, directories)
            #expect(try replacing(contents, in: draft) == frozen, "round \(round)")
        }
    }

    /// The contents that files got, by their stand-ins.
    private func standIns(
        _ draft: ContainerDraft, _ frozen: Tree, _ directories: PendingDirectories
    ) throws -> [FileContent: FileContent] {
        var contents: [FileContent: FileContent] = [:]
        let source = JoinedDirectories(draft, directories)
        try TreeDiff.forEachChange(from: draft.tree, to: frozen, in: source) { change in
            guard case .file(let old)? = change.old?.content,
                case .file(let new)? = change.new?.content
            else { return }
            contents[old] = new
        }
        return contents
    }

    private func replacing(
        _ contents: [FileContent: FileContent], in draft: ContainerDraft
    ) throws -> Tree {
        let directories = PendingDirectories(base: draft)
        var stack = [draft.tree.directory]
        while let reference = stack.popLast() {
            let directory = try draft.directory(reference.id)
            _ = directories.insert(directory)
            for entry in directory.entries { entry.node.directory.map { stack.append($0) } }
        }
        return try directories.replacing(contents, in: draft.tree)
    }

    @Test(arguments: [311, 312] as [UInt64])
    func `contents of a draft are those of the view, files that are open too`(seed: UInt64) throws {
        _ = Glibc.umask(0o022)
        var generator = OperationGenerator(seed: seed)
        let fixture = try DurableFixture()
        let view = ViewClient(fixture.tree, umask: 0o022)
        let calls = SimpleCalls(fixture.tree)
        var compared = 0
        for _ in 0..<10 {
            for _ in 0..<120 { _ = view.run(generator.next()) }
            let draft = try draft(fixture)
            var stack: [(path: String, reference: DirectoryReference)] = [
                ("", draft.tree.directory)
            ]
            while let (path, reference) = stack.popLast() {
                for entry in try draft.directory(reference.id).entries {
                    let name = path.isEmpty ? "\(entry.name)" : "\(path)/\(entry.name)"
                    if let below = entry.node.directory { stack.append((name, below)) }
                    guard case .file = entry.node.content, name.split(separator: "/").count <= 2
                    else { continue }
                    #expect(try bytes(name, draft, fixture.store) == calls.read(name), "\(name)")
                    compared += 1
                }
            }
        }
        #expect(compared > 20)
    }

    // MARK: - Copied blocks

    @Test func `a file of which blocks were copied is read from both`() throws {
        let size = 3 << 20
        let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 9) }
        let fixture = try DurableFixture { try SimpleCalls($0).write("big", content) }
        let calls = SimpleCalls(fixture.tree)
        try calls.write("big", Array("hello".utf8), at: 1_000_000)
        var wanted = content
        wanted.replaceSubrange(1_000_000..<1_000_005, with: Array("hello".utf8))
        #expect(try bytes("big", draft(fixture), fixture.store) == wanted)
        try calls.truncate("big", to: 2_000_000)
        try calls.truncate("big", to: 2_500_000)
        wanted = Array(wanted[..<2_000_000]) + Array(repeating: 0, count: 500_000)
        #expect(try bytes("big", draft(fixture), fixture.store) == wanted)
        try fixture.drop()
        #expect(try bytes("big", draft(fixture), fixture.store) == wanted)
    }

    // MARK: - True entries only

    @Test func `what was written back as it was is no change`() throws {
        let fixture = try DurableFixture { draft in
            try SimpleCalls(draft).makeDirectory("etc")
            try SimpleCalls(draft).write("etc/same", Array("one two".utf8))
            try SimpleCalls(draft).write("etc/other", Array("one two".utf8))
        }
        let base = try draft(fixture).tree
        let calls = SimpleCalls(fixture.tree)
        let times = try (calls.attributes("etc/same"), calls.attributes("etc/other"))
        try calls.write("etc/same", Array("one two".utf8))
        try calls.write("etc/other", Array("two one".utf8))
        for (path, time) in [("etc/same", times.0), ("etc/other", times.1)] {
            _ = try fixture.tree.setAttributes(
                of: calls.inode(path), handle: nil,
                to: AttributeChanges(modificationTime: .at(time.modificationTime)))
        }
        #expect(try lines(fixture, from: base) == ["C /etc", "C /etc/other"])
        _ = try calls.read("etc/same")
        try calls.changeMode("etc/same", 0o644)
        #expect(try lines(fixture, from: base) == ["C /etc", "C /etc/other"])
        try calls.write("etc/other", Array("one two".utf8))
        _ = try fixture.tree.setAttributes(
            of: calls.inode("etc/other"), handle: nil,
            to: AttributeChanges(modificationTime: .at(times.1.modificationTime)))
        #expect(try lines(fixture, from: base) == [])
    }

    @Test func `a container's draft is compared with its image after a freeze too`() throws {
        let fixture = try DurableFixture { try SimpleCalls($0).write("old", [1]) }
        let base = try draft(fixture).tree
        let calls = SimpleCalls(fixture.tree)
        try calls.write("first", [1, 2])
        _ = try fixture.freeze()
        try calls.write("second", [1, 2, 3])
        #expect(try lines(fixture, from: base) == ["A /first", "A /second"])
        let both = try draft(fixture)
        #expect(try bytes("first", both, fixture.store) == [1, 2])
    }

    // MARK: - Meanwhile

    @Test func `a draft that was changed since is not current`() throws {
        let fixture = try DurableFixture { try SimpleCalls($0).write("a", [1]) }
        let calls = SimpleCalls(fixture.tree)
        try calls.write("b", [1])
        usleep(50_000)
        let first = try draft(fixture)
        #expect(first.isCurrent())
        try calls.write("b", [2])
        #expect(!first.isCurrent())
        let second = try draft(fixture)
        #expect(second.tree != first.tree)
        // Changed this very moment: another change might not show.
        #expect(!second.isCurrent())
    }

    @Test func `a journal that is replaced all the time gives drafts all the time`() throws {
        let fixture = try DurableFixture { try SimpleCalls($0).write("a", [1]) }
        let (tree, store, id) = (fixture.tree, fixture.store, fixture.record.id)
        let isDone = Atomic(false)
        let reader = try BlockingThread {
            var count = 0
            while !isDone.load(ordering: .relaxed) || count < 20 {
                do {
                    _ = try ContainerDraft.read(id, in: store)
                    count += 1
                } catch {
                    Issue.record("\(error)")
                    return
                }
            }
        }
        let calls = SimpleCalls(tree)
        for round in 0..<60 {
            try calls.write("f\(round)", Array(repeating: UInt8(round), count: 100))
            if round % 3 == 0 { tree.compact() }
            if round % 5 == 0 { _ = try fixture.freeze() }
        }
        isDone.store(true, ordering: .relaxed)
        reader.join()
        #expect(try draft(fixture).tree.directory.entryCount == 61)
    }
}
