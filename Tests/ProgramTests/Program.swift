import Foundation
import Glibc

/// The program as it was built beside the tests, on a store of its own.
final class Program {
    struct Output {
        var status: Int32
        var text: String
        var errors: String
    }

    let directory: String
    private let path: String

    /// Why the program cannot be run here as its users do, or nil.
    static let obstacle: String? = {
        if geteuid() != 0 { return "writable views for build steps need root" }
        if !FileManager.default.isReadableFile(atPath: "/dev/fuse") {
            return "there is no /dev/fuse"
        }
        if !FileManager.default.isExecutableFile(atPath: "/bin/busybox") {
            return "there is no busybox-static to make a base of"
        }
        return FileManager.default.isExecutableFile(atPath: builtProgram)
            ? nil : "the program was not built beside the tests"
    }()

    private static let builtProgram = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appending(path: "vitrine").path

    init() throws {
        directory = NSTemporaryDirectory() + "vitrine-program-\(UInt64.random(in: .min ... .max))"
        path = Self.builtProgram
        try FileManager.default.createDirectory(
            atPath: directory + "/m", withIntermediateDirectories: true)
    }

    func remove() { try? FileManager.default.removeItem(atPath: directory) }

    func start(
        _ arguments: [String], input: Any? = nil, output: Any? = nil, errors: Any? = nil
    ) throws -> Process {
        try start(path, arguments, input: input, output: output, errors: errors)
    }

    /// Starts a shell that finds the program as `$VITRINE`.
    func start(
        shell script: String, input: Any? = nil, output: Any? = nil, errors: Any? = nil
    ) throws -> Process {
        try start("/bin/bash", ["-c", script], input: input, output: output, errors: errors)
    }

    private func start(
        _ executable: String, _ arguments: [String], input: Any? = nil, output: Any? = nil,
        errors: Any? = nil
    ) throws -> Process {
        // The program leaves alone what it finds ignored; whoever runs the tests may ignore them.
        for number in [SIGINT, SIGTERM, SIGHUP] { _ = signal(number, SIG_DFL) }
        let process = Process()
        process.executableURL = URL(filePath: executable)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(
            [
                "VITRINE_ROOT": directory + "/store", "VITRINE_MOUNT": directory + "/gallery",
                "VITRINE": path,
            ]
        ) { $1 }
        process.currentDirectoryURL = URL(filePath: directory)
        process.standardInput = input ?? FileHandle.nullDevice
        process.standardOutput = output ?? FileHandle.nullDevice
        process.standardError = errors ?? FileHandle.nullDevice
        // Threads that run tests have nearly all signals blocked, and children inherit that.
        var none = sigset_t()
        var former = sigset_t()
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, &former)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &former, nil) }
        try process.run()
        return process
    }

    /// Runs the program to its end.
    @discardableResult
    func run(_ arguments: String...) throws -> Output { try run(arguments: arguments) }

    /// Runs the program to its end.
    func run(arguments: [String]) throws -> Output {
        try finish { try start(arguments, output: $0, errors: $1) }
    }

    /// Runs a shell to its end; see ``start(shell:output:errors:)``.
    func run(shell script: String) throws -> Output {
        try finish { try start(shell: script, output: $0, errors: $1) }
    }

    private func finish(_ start: (FileHandle, FileHandle) throws -> Process) throws -> Output {
        // No test has files of these names.
        let files = (directory + "/standard-output", directory + "/standard-error")
        for file in [files.0, files.1] { try Data().write(to: URL(filePath: file)) }
        let output = try FileHandle(forWritingTo: URL(filePath: files.0))
        let errors = try FileHandle(forWritingTo: URL(filePath: files.1))
        let process = try start(output, errors)
        process.waitUntilExit()
        return Output(
            status: process.terminationReason == .exit
                ? process.terminationStatus : 128 + process.terminationStatus,
            text: try String(contentsOfFile: files.0, encoding: .utf8),
            errors: try String(contentsOfFile: files.1, encoding: .utf8))
    }

    /// Waits until a started program has printed the text to that file of the directory.
    func wait(for text: String, in name: String) throws {
        for _ in 0..<24_000 {
            if try read(name).contains(text) { return }
            usleep(5000)
        }
        throw Failure(message: "\(name) is without \"\(text)\": \(try read(name))")
    }

    /// Waits for what is about to be so, two minutes at most.
    static func wait(until isSo: () throws -> Bool) throws {
        for _ in 0..<6000 {
            if try isSo() { return }
            usleep(20_000)
        }
        throw Failure(message: "it did not come to it")
    }

    /// The processes that a started program has started.
    func children(of process: Int32) throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { name in
            // One that has ended meanwhile is none any more.
            guard let number = Int32(name),
                let status = try? String(contentsOfFile: "/proc/\(name)/status", encoding: .utf8)
            else { return nil }
            return status.contains("\nPPid:\t\(process)\n") ? number : nil
        }
    }

    struct Failure: Error { var message: String }

    /// A file of the directory for a started program's output.
    func file(_ name: String) throws -> FileHandle {
        try write("", to: name)
        return try FileHandle(forWritingTo: URL(filePath: directory + "/" + name))
    }

    func write(_ text: String, to name: String) throws {
        let url = URL(filePath: directory).appending(path: name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: true, encoding: .utf8)
    }

    func read(_ name: String) throws -> String {
        try String(contentsOfFile: directory + "/" + name, encoding: .utf8)
    }

    func names(in name: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory + "/" + name).sorted()
    }

    /// A base image `base` of busybox.
    func importBase() throws {
        let manager = FileManager.default
        let root = directory + "/rootfs"
        for folder in ["bin", "etc", "usr/share/data"] {
            try manager.createDirectory(
                atPath: root + "/" + folder, withIntermediateDirectories: true)
        }
        try manager.copyItem(atPath: "/bin/busybox", toPath: root + "/bin/busybox")
        for applet in ["sh", "true", "false", "echo", "cat", "sleep", "mkdir", "ln", "rm", "seq"] {
            try manager.createSymbolicLink(
                atPath: root + "/bin/" + applet, withDestinationPath: "busybox")
        }
        try "root:x:0:0:root:/root:/bin/sh\n".write(
            toFile: root + "/etc/passwd", atomically: true, encoding: .utf8)
        for number in 0..<200 {
            try String(repeating: "\(number) ", count: 500).write(
                toFile: root + "/usr/share/data/\(number)", atomically: true, encoding: .utf8)
        }
        try run("import", root, "base")
    }
}
