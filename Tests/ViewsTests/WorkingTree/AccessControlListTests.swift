import FileTree
import Glibc
import Testing
import VirtualFS

@testable import Views

@Suite
struct AccessControlListTests {
    /// rw-r--r--
    static let trivial = bytes([(0x01, 6, nil), (0x04, 4, nil), (0x20, 4, nil)])

    static func bytes(_ entries: [(tag: UInt8, permissions: UInt8, identifier: UInt8?)]) -> [UInt8]
    {
        [2, 0, 0, 0]
            + entries.flatMap { entry in
                [entry.tag, 0, entry.permissions, 0]
                    + (entry.identifier.map { [$0, 0, 0, 0] } ?? [255, 255, 255, 255])
            }
    }

    private static let access = "system.posix_acl_access"
    private static let inherited = "system.posix_acl_default"
    private static let named = bytes([
        (0x01, 7, nil), (0x02, 6, 9), (0x04, 5, nil), (0x10, 7, nil), (0x20, 1, nil),
    ])

    @Test func `a list is written as it was read`() throws {
        #expect(AccessControlList(Self.named)?.bytes == Self.named)
        #expect(AccessControlList(Self.named)?.permissions == 0o771)
        #expect(AccessControlList(Self.trivial)?.isTrivial == true)
    }

    @Test(
        arguments: [
            [], [1, 0, 0, 0], [2, 0, 0], trivial.dropLast(),
            bytes([(0x01, 6, nil), (0x04, 4, nil)]),
            bytes([(0x01, 8, nil), (0x04, 4, nil), (0x20, 4, nil)]),
            bytes([(0x04, 4, nil), (0x01, 6, nil), (0x20, 4, nil)]),
            bytes([(0x01, 6, nil), (0x02, 4, 9), (0x04, 4, nil), (0x20, 4, nil)]),
            bytes([(0x01, 6, nil), (0x04, 4, nil), (0x20, 4, nil), (0x20, 4, nil)]),
            bytes([(0x03, 6, nil), (0x04, 4, nil), (0x20, 4, nil)]),
        ] as [[UInt8]])
    func `what is no valid list is refused`(bytes: [UInt8]) {
        #expect(AccessControlList(bytes) == nil)
    }

    @Test func `a trivial list becomes mode bits`() throws {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        #expect(client.run(.create(path: "f", mode: 0o4777, exclusive: true)) == .done)
        #expect(
            client.run(.setAttribute(path: "f", name: Self.access, value: Self.trivial, flags: 0))
                == .done)
        #expect(client.run(.attribute(path: "f", name: Self.access)) == .failed(errno: ENODATA))
        #expect(try client.find("f").mode == 0o104644)
    }

    @Test func `chmod changes the mask, and a mask the mode`() throws {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        _ = client.run(.create(path: "f", mode: 0o600, exclusive: true))
        _ = client.run(.setAttribute(path: "f", name: Self.access, value: Self.named, flags: 0))
        #expect(try client.find("f").mode == 0o100771)
        #expect(client.run(.changeMode(path: "f", mode: 0o640)) == .done)
        let expected = Self.bytes([
            (0x01, 6, nil), (0x02, 6, 9), (0x04, 5, nil), (0x10, 4, nil), (0x20, 0, nil),
        ])
        #expect(client.run(.attribute(path: "f", name: Self.access)) == .text("\(expected)"))
    }

    @Test func `a default list takes the place of the umask`() throws {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0o077)
        _ = client.run(.makeDirectory(path: "d", mode: 0o755))
        _ = client.run(.setAttribute(path: "d", name: Self.inherited, value: Self.named, flags: 0))
        _ = client.run(.create(path: "d/f", mode: 0o666, exclusive: true))
        _ = client.run(.makeDirectory(path: "d/sub", mode: 0o777))
        #expect(try client.find("d/f").mode == 0o100660)
        #expect(try client.find("d/sub").mode == 0o040771)
        let inFile = Self.bytes([
            (0x01, 6, nil), (0x02, 6, 9), (0x04, 5, nil), (0x10, 6, nil), (0x20, 0, nil),
        ])
        #expect(client.run(.attribute(path: "d/f", name: Self.access)) == .text("\(inFile)"))
        #expect(
            client.run(.attribute(path: "d/f", name: Self.inherited)) == .failed(errno: ENODATA))
        #expect(
            client.run(.attribute(path: "d/sub", name: Self.inherited)) == .text("\(Self.named)"))
        _ = client.run(.create(path: "plain", mode: 0o666, exclusive: true))
        #expect(try client.find("plain").mode == 0o100600)
    }
}
