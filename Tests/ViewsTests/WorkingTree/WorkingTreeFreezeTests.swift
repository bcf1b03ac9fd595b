import FileTree
import Glibc
import ImageSpec
import Synchronization
import Testing
import VirtualFS

@testable import Views

@Suite
struct WorkingTreeFreezeTests {
    private static let preparation: [PosixOperation] = [
        .makeDirectory(path: "a", mode: 0o755), .makeDirectory(path: "a/b", mode: 0o755),
        .makeDirectory(path: "c", mode: 0o755),
        .create(path: "a/b/file", mode: 0o644, exclusive: true),
        .write(path: "a/b/file", offset: 0, bytes: [1, 2, 3]),
        .create(path: "c/other", mode: 0o644, exclusive: true),
        .setModificationTime(path: "a/b/file", seconds: 10),
        .setModificationTime(path: "a/b", seconds: 11),
        .setModificationTime(path: "a", seconds: 12),
        .setModificationTime(path: "c", seconds: 13), .setModificationTime(path: "", seconds: 14),
    ]

    private func fixture() throws -> (WorkingTreeFixture, Tree) {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        for operation in Self.preparation { #expect(client.run(operation) == .done) }
        let tree = try fixture.freeze()
        try fixture.reopen(tree)
        return (fixture, tree)
    }

    private func changes(
        _ fixture: WorkingTreeFixture, _ old: Tree, _ operations: [PosixOperation]
    ) throws -> [String] {
        let client = ViewClient(fixture.tree, umask: 0)
        for operation in operations { #expect(client.run(operation) == .done) }
        return try TreeDiff.changes(from: old, to: fixture.freeze(), in: fixture.directories)
            .map { "\($0.kind.rawValue) \($0.path)" }
    }

    @Test func `an untouched view freezes to the tree it was made from`() throws {
        let (fixture, tree) = try fixture()
        _ = ViewClient(fixture.tree, umask: 0).run(.list(path: "a/b"))
        #expect(try fixture.freeze() == tree)
    }

    @Test func `only what changed differs, and the rest is the same by reference`() throws {
        let (fixture, old) = try fixture()
        let found = try changes(
            fixture, old, [.write(path: "a/b/file", offset: 0, bytes: [9])])
        #expect(found == ["C /", "C /a", "C /a/b", "C /a/b/file"])
        let new = try fixture.freeze()
        #expect(try fixture.node("c", in: new) == fixture.node("c", in: old))
    }

    @Test func `a file that was changed and restored is no change`() throws {
        let (fixture, old) = try fixture()
        let found = try changes(
            fixture, old,
            [
                .write(path: "a/b/file", offset: 0, bytes: [9, 9]),
                .write(path: "a/b/file", offset: 0, bytes: [1, 2]),
                .setModificationTime(path: "a/b/file", seconds: 10),
                .changeMode(path: "c", mode: 0o700), .changeMode(path: "c", mode: 0o755),
            ])
        #expect(found == [])
    }

    @Test func `a moved directory is one change on each side`() throws {
        let (fixture, old) = try fixture()
        let found = try changes(fixture, old, [.rename(path: "a/b", to: "c/b", flags: 0)])
        #expect(found == ["C /", "C /a", "D /a/b", "C /c", "A /c/b", "A /c/b/file"])
        let new = try fixture.freeze()
        #expect(try fixture.node("c/b", in: new) == fixture.node("a/b", in: old))
    }

    @Test func `the view goes on after a freeze, and its objects are not written to`() throws {
        let (fixture, old) = try fixture()
        let client = ViewClient(fixture.tree, umask: 0)
        _ = client.run(.write(path: "a/b/file", offset: 0, bytes: [7]))
        let second = try fixture.freeze()
        _ = client.run(.write(path: "a/b/file", offset: 0, bytes: [8]))
        _ = client.run(.unlink(path: "c/other"))
        let third = try fixture.freeze()
        let contents = try [old, second, third].map { tree -> [UInt8] in
            guard case .file(let content)? = try fixture.node("a/b/file", in: tree)?.content else {
                return []
            }
            return try fixture.content(content)
        }
        #expect(contents == [[1, 2, 3], [7, 2, 3], [8, 2, 3]])
        #expect(try fixture.node("c/other", in: second) != nil)
        #expect(try fixture.node("c/other", in: third) == nil)
        #expect(client.run(.read(path: "a/b/file")) == .text(ContentDigest.text([8, 2, 3])))
    }

    @Test func `a file that is being written to is copied and stays writable`() throws {
        let (fixture, _) = try fixture()
        let client = ViewClient(fixture.tree, umask: 0)
        #expect(
            client.run(.open(handle: 1, path: "a/b/file", writes: true, truncates: false)) == .done)
        #expect(client.run(.writeHandle(handle: 1, offset: 0, bytes: [5])) == .done)
        let first = try fixture.freeze()
        #expect(client.run(.writeHandle(handle: 1, offset: 1, bytes: [6])) == .done)
        #expect(client.run(.close(handle: 1)) == .done)
        let second = try fixture.freeze()
        for (tree, expected) in [(first, [5, 2, 3]), (second, [5, 6, 3])] as [(Tree, [UInt8])] {
            guard case .file(let content)? = try fixture.node("a/b/file", in: tree)?.content else {
                Issue.record("not a file")
                continue
            }
            #expect(try fixture.content(content) == expected)
        }
    }

    @Test func `what was removed while open is not in the tree`() throws {
        let (fixture, old) = try fixture()
        let client = ViewClient(fixture.tree, umask: 0)
        _ = client.run(.create(path: "tmp", mode: 0o644, exclusive: true))
        _ = client.run(.open(handle: 1, path: "tmp", writes: true, truncates: false))
        _ = client.run(.writeHandle(handle: 1, offset: 0, bytes: [5]))
        _ = client.run(.unlink(path: "tmp"))
        _ = client.run(.setModificationTime(path: "", seconds: 14))
        #expect(try fixture.freeze() == old)
        #expect(client.run(.readHandle(handle: 1)) == .text(ContentDigest.text([5])))
    }

    // MARK: - Mount targets

    private func target(_ path: String, _ kind: MountTarget.Kind) throws -> MountTarget {
        MountTarget(path: try TreePath(cleaning: Array(path.utf8)), kind: kind)
    }

    private func withTargets() throws -> (WorkingTreeFixture, Tree) {
        let (fixture, tree) = try fixture()
        try fixture.reopen(
            tree,
            mountTargets: [
                target("/proc", .directory), target("/etc/hosts", .file),
                target("/c/deep/down", .directory), target("/a", .directory),
            ])
        return (fixture, tree)
    }

    @Test func `mount targets are there and leave no trace`() throws {
        let (fixture, tree) = try withTargets()
        let client = ViewClient(fixture.tree, umask: 0)
        #expect(try client.find("proc").mode == 0o040755)
        #expect(try client.find("etc/hosts").mode == 0o100644)
        #expect(try client.find("etc/hosts").sizeBytes == 0)
        #expect(client.run(.list(path: "c")) == .text("deep other"))
        #expect(try client.find("").linkCount == 6)
        #expect(try client.find("").modificationTime.seconds == 14)
        // As a runtime does that makes missing mount points.
        #expect(client.run(.makeDirectory(path: "proc", mode: 0o755)) == .failed(errno: EEXIST))
        #expect(client.run(.create(path: "etc/hosts", mode: 0o644, exclusive: false)) == .done)
        #expect(client.run(.truncate(path: "etc/hosts", size: 0)) == .done)
        client.forgetAll()
        #expect(try fixture.freeze() == tree)
        #expect(client.run(.list(path: "c")) == .text("deep other"))
        #expect(try fixture.freeze() == tree)
    }

    @Test func `times that the tree does not know outlive a freeze and a kernel short of memory`()
        throws
    {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        #expect(client.run(.create(path: "f", mode: 0o644, exclusive: true)) == .done)
        try fixture.remount()
        let view = ViewClient(fixture.tree, umask: 0)
        let old = try view.find("f")
        // The change time alone is another.
        #expect(view.run(.changeMode(path: "f", mode: 0o600)) == .done)
        let changed = try view.find("f")
        #expect(changed.changeTime != old.changeTime)
        #expect(changed.modificationTime == old.modificationTime)
        _ = try fixture.freeze()
        view.forgetAll()
        let found = try view.find("f")
        #expect(found.changeTime == changed.changeTime)
        #expect(found.accessTime == changed.accessTime)
        #expect(found.mode & 0o777 == 0o600)
    }

    @Test func `a tree of layers has no sockets, and not what they replaced`() throws {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        _ = client.run(.create(path: "f", mode: 0o644, exclusive: true))
        try fixture.remount()
        let view = ViewClient(fixture.tree, umask: 0)
        #expect(view.run(.unlink(path: "f")) == .done)
        for name in ["f", "new"] {
            let made = view.run(.makeNode(path: name, mode: S_IFSOCK | 0o600, device: 0))
            #expect(made == .done)
        }
        for _ in 0..<2 {
            let tree = try fixture.tree.freeze(
                ingest: fixture.ingest, directories: fixture.directories, leavesOutSockets: true)
            #expect(try fixture.node("f", in: tree) == nil)
            #expect(try fixture.node("new", in: tree) == nil)
            // Who goes on using the view has them.
            #expect(try view.find("f").mode & S_IFMT == S_IFSOCK)
            #expect(view.run(.list(path: "")) == .text("f new"))
        }
    }

    struct Touch: Sendable {
        var operation: PosixOperation
        var changes: [String]
    }

    @Test(arguments: [
        Touch(
            operation: .write(path: "etc/hosts", offset: 0, bytes: [1]),
            changes: ["C /", "A /etc", "A /etc/hosts"]),
        Touch(operation: .changeMode(path: "proc", mode: 0o555), changes: ["C /", "A /proc"]),
        Touch(
            operation: .create(path: "etc/passwd", mode: 0o644, exclusive: true),
            changes: ["C /", "A /etc", "A /etc/passwd"]),
        Touch(
            operation: .rename(path: "etc/hosts", to: "c/hosts", flags: 0),
            changes: ["C /", "C /c", "A /c/hosts", "A /etc"]),
        Touch(
            operation: .setAttribute(path: "c/deep", name: "user.a", value: [1], flags: 0),
            changes: ["C /", "C /c", "A /c/deep"]),
    ])
    func `a mount target that is really changed is recorded with its parents`(touch: Touch) throws {
        let (fixture, tree) = try withTargets()
        #expect(try changes(fixture, tree, [touch.operation]) == touch.changes)
    }

    @Test func `a mount target that the program removes is gone`() throws {
        let (fixture, tree) = try withTargets()
        let client = ViewClient(fixture.tree, umask: 0)
        #expect(client.run(.removeDirectory(path: "proc")) == .done)
        #expect(client.run(.setModificationTime(path: "", seconds: 14)) == .done)
        #expect(client.run(.status(path: "proc")) == .failed(errno: ENOENT))
        #expect(try fixture.freeze() == tree)
    }

    @Test func `the kernel is told of mount targets that are shown while it is mounted`() throws {
        final class Recorder: KernelNotifier {
            let entries = Mutex<[String]>([])
            func invalidateEntry(_ name: [UInt8], in parent: InodeNumber) {
                entries.withLock { $0.append(String(decoding: name, as: UTF8.self)) }
            }
            func invalidateInode(_ inode: InodeNumber) {}
        }
        let (fixture, _) = try fixture()
        let recorder = Recorder()
        fixture.tree.mounted(notifier: recorder, passthrough: true)
        try fixture.tree.showMountTargets([
            target("/a", .directory), target("/dev/shm", .directory),
            target("/dev/pts", .directory),
        ])
        #expect(recorder.entries.withLock { $0 } == ["dev", "pts"])
    }

    @Test func `a link is shown where nothing is, and followed nowhere where one is`() throws {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        _ = client.run(.makeDirectory(path: "etc", mode: 0o755))
        _ = client.run(.symbolicLink(path: "etc/mtab", target: "../proc/self/mounts"))
        let tree = try fixture.freeze()
        let link = Views.MountTarget.Kind.symbolicLink(to: Array("/proc/mounts".utf8))
        try fixture.reopen(tree, mountTargets: [target("/etc/mtab", link)])
        #expect(throws: FileSystemError.notFound) {
            try ViewClient(fixture.tree, umask: 0).find("proc")
        }
        try fixture.reopen(tree, mountTargets: [target("/etc/mounts", link)])
        #expect(try ViewClient(fixture.tree, umask: 0).find("etc/mounts").mode == 0o120777)
        #expect(try fixture.freeze() == tree)
    }

    /// As systemd-resolved has it: a runtime makes the file that the link leads to.
    @Test func `a dangling link that is a mount target leads to a file, which leaves no trace`()
        throws
    {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        _ = client.run(.makeDirectory(path: "etc", mode: 0o755))
        _ = client.run(
            .symbolicLink(path: "etc/resolv.conf", target: "../run/systemd/stub-resolv.conf"))
        let tree = try fixture.freeze()
        try fixture.reopen(tree, mountTargets: [target("/etc/resolv.conf", .file)])
        let view = ViewClient(fixture.tree, umask: 0)
        #expect(try view.find("run/systemd/stub-resolv.conf").mode == 0o100644)
        #expect(try fixture.freeze() == tree)
    }

    @Test func `links on the way to a mount target are followed inside the view`() throws {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        _ = client.run(.makeDirectory(path: "run", mode: 0o755))
        _ = client.run(.makeDirectory(path: "var", mode: 0o755))
        _ = client.run(.symbolicLink(path: "var/run", target: "/run"))
        _ = client.run(.symbolicLink(path: "var/gone", target: "../nowhere"))
        _ = client.run(.symbolicLink(path: "var/loop", target: "loop"))
        let tree = try fixture.freeze()
        try fixture.reopen(
            tree,
            mountTargets: [
                target("/var/run/lock", .directory), target("/var/gone/x", .file),
                target("/var/loop/x", .file), target("/var/gone", .file),
            ])
        let view = ViewClient(fixture.tree, umask: 0)
        #expect(try view.find("run/lock").mode == 0o040755)
        #expect(try view.find("nowhere/x").mode == 0o100644)
        #expect(try fixture.freeze() == tree)
    }
}
