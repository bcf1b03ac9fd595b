import FileTree
import Glibc
import Testing
import VirtualFS

@testable import Views

/// Every operation's errors, as Linux gives them.
@Suite
struct WorkingTreeErrorTests {
    struct Row: Sendable, CustomStringConvertible {
        var operation: PosixOperation
        var expected: PosixOutcome
        var description: String { "\(operation)" }
        init(_ operation: PosixOperation, _ errno: Int32) {
            self.operation = operation
            expected = errno == 0 ? .done : .failed(errno: errno)
        }
    }

    private static let preparation: [PosixOperation] = [
        .makeDirectory(path: "empty", mode: 0o755),
        .makeDirectory(path: "full", mode: 0o755),
        .create(path: "full/file", mode: 0o644, exclusive: true),
        .makeDirectory(path: "full/sub", mode: 0o755),
        .create(path: "file", mode: 0o644, exclusive: true),
        .create(path: "other", mode: 0o644, exclusive: true),
        .link(path: "file", to: "twin"),
        .symbolicLink(path: "symlink", target: "nowhere"),
        .makeNode(path: "fifo", mode: S_IFIFO | 0o600, device: 0),
        .setAttribute(path: "file", name: "user.there", value: [1], flags: 0),
    ]

    private static let long = String(repeating: "n", count: 256)
    private static let longest = String(repeating: "n", count: 255)

    static let names: [Row] = [
        Row(.create(path: "file", mode: 0o644, exclusive: true), EEXIST),
        Row(.create(path: long, mode: 0o644, exclusive: true), ENAMETOOLONG),
        Row(.create(path: longest, mode: 0o644, exclusive: true), 0),
        Row(.create(path: "file/below", mode: 0o644, exclusive: true), ENOTDIR),
        Row(.create(path: "absent/below", mode: 0o644, exclusive: true), ENOENT),
        Row(.makeDirectory(path: "empty", mode: 0o755), EEXIST),
        Row(.makeDirectory(path: "symlink", mode: 0o755), EEXIST),
        Row(.makeDirectory(path: long, mode: 0o755), ENAMETOOLONG),
        Row(.makeNode(path: "null", mode: S_IFCHR | 0o666, device: 0x103), 0),
        Row(.makeNode(path: "whiteout", mode: S_IFCHR, device: 0), 0),
        Row(.makeNode(path: "fifo", mode: S_IFIFO | 0o600, device: 0), EEXIST),
        Row(.symbolicLink(path: "file", target: "x"), EEXIST),
        Row(.symbolicLink(path: "new", target: String(repeating: "t", count: 4095)), 0),
        Row(.symbolicLink(path: "new", target: String(repeating: "t", count: 4096)), ENAMETOOLONG),
        Row(.link(path: "file", to: "other"), EEXIST),
        Row(.link(path: "empty", to: "new"), EPERM),
        Row(.link(path: "absent", to: "new"), ENOENT),
        Row(.link(path: "symlink", to: "new"), 0),
        Row(.unlink(path: "empty"), EISDIR),
        Row(.unlink(path: "absent"), ENOENT),
        Row(.unlink(path: long), ENAMETOOLONG),
        Row(.removeDirectory(path: "full"), ENOTEMPTY),
        Row(.removeDirectory(path: "file"), ENOTDIR),
        Row(.removeDirectory(path: "absent"), ENOENT),
        Row(.removeDirectory(path: "empty"), 0),
    ]

    static let renames: [Row] = [
        Row(.rename(path: "absent", to: "new", flags: 0), ENOENT),
        Row(.rename(path: "file", to: long, flags: 0), ENAMETOOLONG),
        Row(.rename(path: "file", to: "empty", flags: 0), EISDIR),
        Row(.rename(path: "empty", to: "file", flags: 0), ENOTDIR),
        Row(.rename(path: "empty", to: "full", flags: 0), ENOTEMPTY),
        Row(.rename(path: "full", to: "empty", flags: 0), 0),
        Row(.rename(path: "full", to: "full/sub/deeper", flags: 0), EINVAL),
        Row(.rename(path: "full", to: "full/sub", flags: 0), EINVAL),
        Row(.rename(path: "full/sub", to: "full", flags: 0), ENOTEMPTY),
        Row(.rename(path: "full", to: "full/sub", flags: 2), EINVAL),
        Row(.rename(path: "full/sub", to: "full", flags: 2), EINVAL),
        Row(.rename(path: "file", to: "twin", flags: 0), 0),
        Row(.rename(path: "file", to: "other", flags: 1), EEXIST),
        Row(.rename(path: "file", to: "new", flags: 1), 0),
        Row(.rename(path: "file", to: "new", flags: 2), ENOENT),
        Row(.rename(path: "file", to: "full", flags: 2), 0),
        Row(.rename(path: "empty", to: "full/sub", flags: 2), 0),
        Row(.rename(path: "file", to: "file/below", flags: 0), ENOTDIR),
    ]

    static let attributes: [Row] = [
        Row(.setAttribute(path: "file", name: "user.there", value: [], flags: 1), EEXIST),
        Row(.setAttribute(path: "file", name: "user.new", value: [], flags: 2), ENODATA),
        Row(
            .setAttribute(
                path: "file", name: "user.new", value: .init(repeating: 0, count: 65_537), flags: 0),
            E2BIG),
        Row(
            .setAttribute(
                path: "file", name: "user.new", value: .init(repeating: 0, count: 65_536), flags: 0),
            0),
        Row(
            .setAttribute(
                path: "file", name: "user." + String(repeating: "n", count: 251), value: [],
                flags: 0), ERANGE),
        Row(
            .setAttribute(
                path: "file", name: "user." + String(repeating: "n", count: 250), value: [],
                flags: 0), 0),
        Row(.setAttribute(path: "file", name: "system.unknown", value: [], flags: 0), EOPNOTSUPP),
        Row(
            .setAttribute(
                path: "file", name: "system.posix_acl_access", value: [2, 0, 0], flags: 0), EINVAL),
        Row(
            .setAttribute(
                path: "file", name: "system.posix_acl_default",
                value: AccessControlListTests.trivial, flags: 0), EACCES),
        Row(.setAttribute(path: "symlink", name: "trusted.a", value: [1], flags: 0), 0),
        Row(.setAttribute(path: "file", name: "os2.a", value: [], flags: 0), EOPNOTSUPP),
        Row(.setAttribute(path: "file", name: "user.", value: [], flags: 0), EINVAL),
        Row(.attribute(path: "file", name: "foo"), EOPNOTSUPP),
        Row(.removeAttribute(path: "file", name: "foo"), EOPNOTSUPP),
        Row(.attribute(path: "file", name: "user.absent"), ENODATA),
        Row(.removeAttribute(path: "file", name: "user.absent"), ENODATA),
        Row(.removeAttribute(path: "file", name: "user.there"), 0),
        Row(.truncate(path: "empty", size: 0), EISDIR),
        Row(.list(path: "file"), ENOTDIR),
    ]

    /// One store for all rows: making one takes longer than a row.
    @Test(arguments: [names, renames, attributes])
    func `operations fail as on Linux`(rows: [Row]) throws {
        let fixture = try WorkingTreeFixture()
        for row in rows {
            try fixture.reopen(.empty)
            let client = ViewClient(fixture.tree, umask: 0)
            for operation in Self.preparation { #expect(client.run(operation) == .done) }
            #expect(client.run(row.operation) == row.expected, "\(row)")
        }
    }

    @Test(arguments: [names, renames, attributes])
    func `operations on lower files fail as on Linux`(rows: [Row]) throws {
        let fixture = try WorkingTreeFixture()
        let writer = ViewClient(fixture.tree, umask: 0)
        for operation in Self.preparation { #expect(writer.run(operation) == .done) }
        let lower = try fixture.freeze()
        for row in rows {
            try fixture.reopen(lower)
            let client = ViewClient(fixture.tree, umask: 0)
            #expect(client.run(row.operation) == row.expected, "\(row)")
        }
    }

    @Test func `an inode number that nobody was given is stale`() throws {
        let tree = try WorkingTreeFixture().tree
        #expect(throws: FileSystemError.stale) {
            try tree.attributes(of: InodeNumber(99), handle: nil)
        }
        #expect(throws: FileSystemError.badHandle) {
            try tree.allocate(
                .root, handle: FileHandle(7), mode: 0, offset: 0, length: 1,
                context: RequestContext())
        }
    }

    @Test func `nothing is made in a directory that was removed while open`() throws {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        #expect(client.run(.makeDirectory(path: "d", mode: 0o755)) == .done)
        let removed = try client.find("d").inode
        try fixture.tree.removeDirectory(Array("d".utf8), in: .root)
        let place = DirectoryPlace(parent: removed, name: Array("x".utf8))
        let request = NodeCreation(place: place, mode: 0o644, context: RequestContext())
        #expect(throws: FileSystemError.notFound) { try fixture.tree.makeDirectory(request) }
        #expect(throws: FileSystemError.notFound) { try fixture.tree.create(request, flags: []) }
        #expect(try fixture.tree.attributes(of: removed, handle: nil).attributes.linkCount == 0)
        fixture.tree.forget([(removed, 10)])
        #expect(throws: FileSystemError.stale) {
            try fixture.tree.attributes(of: removed, handle: nil)
        }
    }

    @Test func `extended attributes of an inode are bounded as a whole`() throws {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        let large = [UInt8](repeating: 1, count: 65_536)
        for index in 0..<16 {
            let operation = PosixOperation.setAttribute(
                path: "", name: "user.\(index)", value: large, flags: 0)
            #expect(client.run(operation) == .done)
        }
        let more = PosixOperation.setAttribute(path: "", name: "user.x", value: [1], flags: 0)
        #expect(client.run(more) == .failed(errno: ENOSPC))
    }

    @Test func `a chain of directories deeper than a stack is let go of`() throws {
        let fixture = try WorkingTreeFixture()
        var parent = InodeNumber.root
        for _ in 0..<100_000 {
            let request = NodeCreation(
                place: DirectoryPlace(parent: parent, name: [0x64]), mode: 0o755,
                context: RequestContext())
            parent = try fixture.tree.makeDirectory(request).attributes.inode
        }
        let error = #expect(throws: FileTreeError.self) { try fixture.freeze() }
        #expect(error?.code == .tooDeep)
        try fixture.reopen(.empty)
    }
}
