import Engine
import Testing

@Suite("Where a store is")
struct StoreLocationTests {
    private static let user = StoreLocation.User(id: 1000, home: "/home/me")

    @Test(
        "is said by the environment, or by the user's account",
        arguments: [
            (["VITRINE_ROOT": "/s/", "HOME": "/h"], "/s"),
            (["XDG_DATA_HOME": "/d", "HOME": "/h"], "/d/vitrine"),
            (["XDG_DATA_HOME": "relative", "HOME": "/h"], "/h/.local/share/vitrine"),
            (["HOME": ""], "/home/me/.local/share/vitrine"),
            ([:], "/home/me/.local/share/vitrine"),
        ] as [([String: String], String)])
    func root(_ environment: [String: String], _ expected: String) throws {
        #expect(try StoreLocation.root(environment: environment, user: Self.user) == expected)
    }

    @Test func `without any home it is nowhere, and never where others can be first`() {
        for home in [nil, "", "/", "relative"] {
            #expect(throws: EngineError.self) {
                try StoreLocation.root(
                    environment: [:], user: StoreLocation.User(id: 1000, home: home))
            }
        }
    }

    @Test(
        "is an absolute path without what says nothing",
        arguments: [("/a//b/./c/", "/a/b/c"), ("/", "/"), ("/.", "/"), ("/a/../b", "/a/../b")])
    func absolute(_ path: String, _ expected: String) throws {
        #expect(try StoreLocation.absolute(path) == expected)
    }

    @Test(
        "is the caller's own and closed to others",
        arguments: [
            (1000, 0o40700, 1000, true), (1000, 0o40775, 1000, true), (1000, 0o40777, 1000, false),
            (1, 0o40755, 1000, false), (0, 0o40755, 1000, false), (1000, 0o40755, 0, true),
            (1000, 0o41777, 0, false),
        ] as [(UInt32, UInt32, UInt32, Bool)])
    func owner(_ owner: UInt32, _ mode: UInt32, _ user: UInt32, _ isFine: Bool) {
        let result = Result {
            try StoreOwnership.check("/s", owner: owner, permissions: mode, user: user)
        }
        #expect(((try? result.get()) != nil) == isFine)
    }

    @Test func `root of a user namespace has a store of its own`() throws {
        let guest = StoreLocation.User(id: 0, home: "/root", isGuest: true)
        let environment = ["HOME": "/home/me", "XDG_RUNTIME_DIR": "/run/user/1000"]
        #expect(
            try StoreLocation.root(environment: environment, user: guest)
                == "/home/me/.local/share/vitrine")
        #expect(
            try StoreLocation.gallery(environment: environment, user: guest)
                == "/run/user/1000/vitrine/gallery")
        #expect(
            try StoreLocation.root(environment: ["XDG_DATA_HOME": "/data"], user: guest)
                == "/data/vitrine")
    }
}
