import FileTree
import FuseDriver
import Glibc
import Store
import Testing
import VirtualFS

@testable import Views

/// What POSIX and Linux say of each operation: error codes, permissions, modes, times. The cases are
/// in Tests/Player/conform_cases.c; ext4 beside has to pass them too.
@Suite(.serialized, .enabled(if: Player.obstacle == nil, "\(Player.obstacle ?? "")"))
struct ConformanceTests {
    private static let operations = [
        "chmod", "chown", "link", "mkdir", "mkfifo", "mknod", "open", "posix_fallocate", "rename",
        "rmdir", "symlink", "truncate", "ftruncate", "unlink", "utimensat", "write", "xattr",
    ]

    @Test(arguments: operations)
    func `a view does as the standard says`(operation: String) throws {
        try MountedPair.mounted(isRich: false) { pair in
            for path in [pair.disk, pair.view] {
                let outcome = try Player.run(["conform", path, operation])
                #expect(outcome.status == 0, "\(path):\n\(outcome.text)")
            }
        }
    }

    @Test func `the operations are all there are cases of`() throws {
        try MountedPair.mounted(isRich: false) { pair in
            func count(_ operation: String) throws -> Int {
                let text = try Player.run(["conform", pair.disk, operation]).text
                return Int(text.split(separator: " ").first ?? "") ?? 0
            }
            let parts = try Self.operations.map { try count($0) }
            let all = try count("")
            #expect(parts.reduce(0, +) == all)
        }
    }

    @Test func `a view does so through the daemon too`() throws {
        try MountedPair.mounted(.daemon, isRich: false) { pair in
            let outcome = try Player.run(["conform", pair.view])
            #expect(outcome.status == 0, "\(outcome.text)")
        }
    }
}
