import Foundation
import Glibc
import Testing

/// The scenarios of `Mounts/`: each folder's script, run against the program as it was built.
@Suite("Ways to mount", .serialized, .enabled(if: Scenario.obstacle == nil, Scenario.comment))
struct ScenarioTests {
    @Test(
        "the scenario runs as the folder's README says", .timeLimit(.minutes(30)),
        arguments: try Scenario.all())
    func run(_ scenario: Scenario) throws {
        let result = try scenario.run()
        #expect(result.status == 0, "\(result.output)")
    }
}

/// A folder of `Mounts/`.
struct Scenario: Sendable, CustomTestStringConvertible {
    let folder: String
    var testDescription: String { folder }

    private static let mounts = URL(filePath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Mounts")

    /// Where the tests were built, the program was too.
    private static let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appending(path: "vitrine")

    /// Why scenarios cannot run here, or nil where they can.
    static let obstacle: String? = {
        if geteuid() != 0 { return "mounting for everyone needs root" }
        if !FileManager.default.isReadableFile(atPath: "/dev/fuse") {
            return "there is no /dev/fuse"
        }
        if !FileManager.default.isExecutableFile(atPath: program.path) {
            return "the program was not built beside the tests"
        }
        return nil
    }()

    static var comment: Comment { Comment(rawValue: obstacle ?? "") }

    static func all() throws -> [Scenario] {
        try FileManager.default.contentsOfDirectory(atPath: mounts.path).sorted().filter {
            FileManager.default.fileExists(atPath: mounts.appending(path: "\($0)/scenario").path)
        }.map(Scenario.init(folder:))
    }

    func run() throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = Self.mounts.appending(path: "scenario")
        process.arguments = [folder, Self.program.path]
        process.standardInput = FileHandle.nullDevice
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
