import Foundation
import Testing

@testable import LinuxIO

/// Making what is missing of a path below a root.
@Suite struct MakingTests {
    /// Calls `body` with a root that has links, and its descriptor.
    private func withRoot(_ body: (String, Int32) throws -> Void) throws {
        try withDirectory { directory in
            let root = directory + "/root"
            try HostDirectory.makeAll(root + "/dir")
            try HostDirectory.make(directory + "/outside")
            try HostDirectory.replaceFile(root + "/file", with: [1])
            for (name, target) in [
                ("abs", "/made/abs"), ("rel", "x/./rel/"), ("dir/up", "../../../up"),
                ("loop", "loop"), ("out", directory + "/outside"), ("top", "/"),
                ("twice", "rel/../abs"),
            ] {
                try FileManager.default.createSymbolicLink(
                    atPath: root + "/" + name, withDestinationPath: target)
            }
            let descriptor = try OwnedDescriptor(opening: root, [.pathOnly, .directory])
            try body(root, descriptor.rawValue)
            #expect(try HostDirectory.names(ofPath: directory).count == 2)
            #expect(try HostDirectory.names(ofPath: directory + "/outside") == [])
        }
    }

    @Test(arguments: [
        ("/a/b", "a/b"), ("a//./b/", "a/b"), ("/dir/../q", "q"), ("/../../q", "q"),
        ("/abs", "made/abs"), ("/abs/c", "made/abs/c"), ("/rel", "x/rel"), ("/dir/up/z", "up/z"),
        ("/top/t", "t"), ("/twice", "x/abs"), ("/dir", "dir"),
    ])
    func `links are followed inside of the root, and what they lead to is made`(
        _ path: String, _ made: String
    ) throws {
        try withRoot { root, descriptor in
            let place = try OwnedDescriptor(
                making: .directory, at: Array(path.utf8), inRoot: descriptor)
            let status = try FileStatus(of: place.rawValue)
            #expect(status == (try FileStatus(ofPath: root + "/" + made, followsLinks: false)))
            #expect(status.mode == 0o040755)
        }
    }

    @Test func `a link out of the root leads to a place in it`() throws {
        try withRoot { root, descriptor in
            _ = try OwnedDescriptor(
                making: .directory, at: Array("/out/x".utf8), inRoot: descriptor)
            let target = try HostDirectory.readLink(root + "/out")
            #expect(try FileStatus(ofPath: root + target + "/x").kind == .directory)
        }
    }

    @Test func `a file is made empty, with its directories, and one that is there stays`() throws {
        try withRoot { root, descriptor in
            for path in ["/new/er/f", "/file"] {
                _ = try OwnedDescriptor(making: .file, at: Array(path.utf8), inRoot: descriptor)
            }
            let made = try FileStatus(ofPath: root + "/new/er/f")
            #expect(made.mode == 0o100644)
            #expect(made.sizeBytes == 0)
            #expect(try FileStatus(ofPath: root + "/file").sizeBytes == 1)
        }
    }

    @Test(arguments: [("/file/x", Errno.notDirectory), ("/loop/x", .symbolicLinkLoop)])
    func `where nothing can be made is an error`(_ path: String, _ error: Errno) throws {
        try withRoot { _, descriptor in
            #expect(throws: error) {
                _ = try OwnedDescriptor(
                    making: .directory, at: Array(path.utf8), inRoot: descriptor)
            }
        }
    }
}
