import Testing

@testable import Sandbox

@Suite struct UserSpecificationTests {
    private let accounts = AccountFiles(
        passwd: Array(
            """
            root:x:0:0:root:/root:/bin/sh
            # comment:x:7:7::/:
            daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
            bad:x:abc:1::/:
            short:x
            app:x:1000:1000:App,,,:/home/app:/bin/bash
            1000:x:2000:2000::/numbers:/bin/sh
            bare:x:5:5
            """.utf8),
        group: Array(
            """
            root:x:0:
            daemon:x:1:app
            app:x:1000:
            video:x:44:app,root
            broken:x:x:app
            """.utf8))

    @Test(
        arguments: [
            ("", 0, 0, [44], "/root"), ("root", 0, 0, [44], "/root"), ("0", 0, 0, [44], "/root"),
            ("app", 1000, 1000, [1, 44], "/home/app"), ("1000", 1000, 1000, [1, 44], "/home/app"),
            ("app:video", 1000, 44, [], "/home/app"), ("app:7", 1000, 7, [], "/home/app"),
            ("4242", 4242, 0, [], "/"), ("4242:4343", 4242, 4343, [], "/"),
            ("4242:video", 4242, 44, [], "/"), ("app:", 1000, 1000, [1, 44], "/home/app"),
            (":video", 0, 44, [], "/root"), ("bare", 5, 5, [], "/"),
            ("2147483647", 2_147_483_647, 0, [], "/"),
        ] as [(String, UInt32, UInt32, [UInt32], String)])
    func `a user is looked up as Docker does it`(
        _ text: String, _ uid: UInt32, _ gid: UInt32, _ groups: [UInt32], _ home: String
    ) throws {
        let resolved = try UserSpecification.parse(text).resolve(accounts: accounts)
        #expect(
            resolved
                == .init(uid: uid, gid: gid, additionalGroups: groups, home: home))
    }

    @Test(arguments: [
        ("nobody", SandboxError.Code.unknownUser), ("short", .unknownUser), ("bad", .unknownUser),
        ("app:nogroup", .unknownGroup), ("app:broken", .unknownGroup),
        ("2147483648", .invalidUser), ("-1", .unknownUser), ("99999999999999999999", .invalidUser),
        ("app:2147483648", .invalidUser), ("a:b:c", .invalidUser), ("a\nb", .invalidUser),
    ])
    func `what names nobody is refused`(_ text: String, _ code: SandboxError.Code) throws {
        let error = try #require(throws: SandboxError.self) {
            try UserSpecification.parse(text).resolve(accounts: accounts)
        }
        #expect(error.code == code)
    }

    @Test(arguments: [("nobody", "/etc/passwd"), ("app:nogroup", "/etc/group")])
    func `what helps is said so that it suits containers, which have no steps`(
        _ text: String, _ file: String
    ) throws {
        let error = try #require(throws: SandboxError.self) {
            try UserSpecification.parse(text).resolve(accounts: accounts)
        }
        #expect(error.hint == "use a number, or a name that the image's \(file) has")
    }

    @Test func `an image without account files has numbers`() throws {
        let none = AccountFiles(passwd: nil, group: nil)
        let root = try UserSpecification.parse("").resolve(accounts: none)
        #expect(root == .init(uid: 0, gid: 0, home: "/"))
        #expect(throws: SandboxError.self) {
            try UserSpecification.parse("root").resolve(accounts: none)
        }
    }
}
