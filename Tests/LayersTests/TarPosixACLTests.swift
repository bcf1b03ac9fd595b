import Testing

@testable import Layers

@Suite struct TarPosixACLTests {
    static let base = "user::rwx,group::r-x,other::r--"

    @Test func `an extended list becomes the kernel's attribute`() throws {
        let text = "user::rwx,user:1000:r-x,group::r-x,group:5:rw-,mask::rwx,other::---"
        let expected: [UInt8] =
            [2, 0, 0, 0]
            + [1, 0, 7, 0, 255, 255, 255, 255]
            + [2, 0, 5, 0, 0xE8, 3, 0, 0]
            + [4, 0, 5, 0, 255, 255, 255, 255]
            + [8, 0, 6, 0, 5, 0, 0, 0]
            + [0x10, 0, 7, 0, 255, 255, 255, 255]
            + [0x20, 0, 0, 0, 255, 255, 255, 255]
        #expect(try Self.outcome(text) == .value(expected))
        // Order, separators, short forms, spaces and getfacl's remarks do not matter.
        let other = """
            other:---
            m:rwx
            g:5:rw- #effective:rw-
            # a remark
            group::r-x
            user: lisa :r-x:1000
            u::rwx

            """
        #expect(try Self.outcome(other) == .value(expected))
    }

    @Test func `a list that says what the mode says is no attribute, but a default one is`() throws
    {
        #expect(try Self.outcome(Self.base) == .equalsMode)
        guard case .value(let bytes) = try Self.outcome("default:" + Self.base, isDefault: true)
        else {
            Issue.record("a default list is always an attribute")
            return
        }
        #expect(bytes.count == 4 + 3 * 8)
    }

    @Test func `names without ids are reported, not guessed`() throws {
        let text = Self.base + ",user:lisa:rwx,mask::rwx"
        #expect(try Self.outcome(text) == .namesWithoutIDs)
        let entry = try TarReaderTests.onlyEntry { fixture in
            fixture.addPax([("SCHILY.acl.access", text), ("SCHILY.acl.default", Self.base)])
            fixture.add("d/", type: "5")
        }
        #expect(entry.ignoredRecords == [Array("SCHILY.acl.access".utf8)])
        #expect(entry.attributes.map(\.name) == [Array("system.posix_acl_default".utf8)])
    }

    @Test func `an attribute stated as such goes before the text`() throws {
        let entry = try TarReaderTests.onlyEntry { fixture in
            fixture.addPax([
                ("SCHILY.xattr.system.posix_acl_access", "raw"),
                ("SCHILY.acl.access", Self.base + ",user:1:rwx,mask::rwx"),
            ])
            fixture.add("f")
        }
        #expect(entry.attributes.map(\.value) == [Array("raw".utf8)])
    }

    @Test func `names without ids are nothing to warn of where the attribute is stated as such`()
        throws
    {
        let entry = try TarReaderTests.onlyEntry { fixture in
            fixture.addPax([
                ("SCHILY.acl.access", Self.base + ",user:lisa:rwx,mask::rwx"),
                ("SCHILY.xattr.system.posix_acl_access", "raw"),
            ])
            fixture.add("f")
        }
        #expect(entry.attributes.map(\.value) == [Array("raw".utf8)])
        #expect(entry.ignoredRecords == [])
    }

    @Test(
        "texts that are no lists are refused",
        arguments: [
            "", "user", "user::rwx", "user::rwx,group::r-x", base + ",user:1:rwx",
            base + ",other::rwx", base + ",mask::rwx,mask::rwx", base + ",nobody::rwx",
            base + ",mask:1:rwx", base + ",user:1:rwxx,mask::rwx", base + ",user:1:q,mask::rwx",
            base + ",user:1::,mask::rwx", base + ",user:1:rwx:1:1,mask::rwx", ":::",
            "default:" + base,
        ])
    func refusals(text: String) {
        let error = #expect(throws: TarError.self) { try Self.outcome(text) }
        #expect(error?.code == .invalidRecord)
    }

    private static func outcome(_ text: String, isDefault: Bool = false) throws -> PosixACL.Outcome
    {
        try PosixACL.attributeValue(text: Array(text.utf8).span, isDefault: isDefault)
    }
}
