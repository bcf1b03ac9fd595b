import Foundation
import Glibc

/// The operation player, Tests/Player, as it was built beside the tests.
enum Player {
    struct Outcome {
        var status: Int32
        var text: String
    }

    struct Failure: Error { var message: String }

    private static let path = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appending(path: "Player").path

    /// Why nothing can be played here, or nil.
    static let obstacle: String? = {
        if geteuid() != 0 { return "mounting, and acting as several users, needs root" }
        if unsafe access("/dev/fuse", R_OK | W_OK) != 0 { return "there is no /dev/fuse" }
        if !FileManager.default.isExecutableFile(atPath: path) {
            return "the player was not built beside the tests"
        }
        return temporaryType == "ext4" ? nil : "/tmp is not on ext4, the measure of a view"
    }()

    /// The type of the file system where temporary files are.
    private static let temporaryType: String? = {
        // Unreadable: then it is not known.
        let table = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
        let mounts = table.split(separator: "\n").map { $0.split(separator: " ") }
        let here = mounts.filter { $0.count > 2 && ($0[1] == "/" || $0[1] == "/tmp") }
        return here.last.map { String($0[2]) }
    }()

    /// More with VITRINE_OPERATIONS=100000.
    static let operations = number("VITRINE_OPERATIONS")
    static let seed = number("VITRINE_SEED")

    private static func number(_ variable: String) -> UInt64? {
        ProcessInfo.processInfo.environment[variable].flatMap { UInt64($0) }
    }

    /// Plays to the end.
    /// - Parameter checkpoint: runs each time the player pauses.
    @discardableResult
    static func run(
        _ arguments: [String], checkpoint: () throws -> Void = {}
    ) throws -> Outcome {
        let (process, output, input) = try start(arguments)
        defer {
            if process.isRunning {
                process.terminate()
                process.waitUntilExit()
            }
        }
        var text = ""
        var line: [UInt8] = []
        while let byte = try output.read(upToCount: 1)?.first {
            line.append(byte)
            guard byte == 0x0A else { continue }
            if line.elementsEqual("checkpoint\n".utf8) {
                try checkpoint()
                try input.write(contentsOf: Data("go\n".utf8))
            } else {
                text += String(decoding: line, as: UTF8.self)
            }
            line = []
        }
        process.waitUntilExit()
        return Outcome(status: status(of: process), text: text)
    }

    /// Plays several at once, to the end of all.
    static func runTogether(_ all: [[String]]) throws -> [Outcome] {
        let started = try all.map { try start($0) }
        return try started.map { process, output, _ in
            let text = try output.readToEnd() ?? Data()
            process.waitUntilExit()
            return Outcome(
                status: status(of: process), text: String(decoding: text, as: UTF8.self))
        }
    }

    private static func status(of process: Process) -> Int32 {
        process.terminationReason == .exit
            ? process.terminationStatus : 128 + process.terminationStatus
    }

    private static func start(
        _ arguments: [String]
    ) throws -> (process: Process, output: FileHandle, input: FileHandle) {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let (output, input) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = output
        process.standardInput = input
        try process.run()
        // Else the end of its output would not be seen here.
        try output.fileHandleForWriting.close()
        try input.fileHandleForReading.close()
        return (process, output.fileHandleForReading, input.fileHandleForWriting)
    }
}
