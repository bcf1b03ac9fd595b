import Glibc
import LinuxIO
import Testing

@Suite struct ChildProcessTests {
    private func shell(_ script: String) -> ChildProcess.Request {
        ChildProcess.Request(
            program: "/bin/sh", arguments: ["-c", script], environment: ["PATH=/usr/bin:/bin"])
    }

    private func text(_ script: String) throws -> String {
        let output = try ChildProcess.output(of: shell(script))
        return String(decoding: output.standardOutput, as: UTF8.self)
    }

    @Test(
        arguments: [
            ("exit 0", ChildProcess.Exit.code(0), 0), ("exit 7", .code(7), 7),
            ("kill -9 $$", .signal(9), 137), ("kill -15 $$", .signal(15), 143),
        ] as [(String, ChildProcess.Exit, Int32)])
    func `a program's end is told`(
        _ script: String, _ exit: ChildProcess.Exit, _ code: Int32
    ) throws {
        let process = try ChildProcess.start(shell(script))
        #expect(process.wait() == exit)
        #expect(process.wait() == exit)
        #expect(exit.shellCode == code)
    }

    @Test func `both streams are collected`() throws {
        let output = try ChildProcess.output(of: shell("echo out; echo err >&2"))
        #expect(output.standardOutput == Array("out\n".utf8))
        #expect(output.standardError == Array("err\n".utf8))
        #expect(output.exit.isSuccess)
    }

    @Test func `the child has the environment, the directory and no descriptor but its own`() throws
    {
        var request = shell("pwd; env | grep -v PWD | grep -v _= | sort; ls /proc/self/fd")
        request.environment.append("A=1")
        request.directory = "/usr"
        let output = try ChildProcess.output(of: request)
        // ls itself has the directory open.
        #expect(
            String(decoding: output.standardOutput, as: UTF8.self)
                == "/usr\nA=1\nPATH=/usr/bin:/bin\n0\n1\n2\n3\n")
    }

    @Test func `further descriptors come after the three`() throws {
        let pipe = try ChildProcess.Pipe()
        var request = shell("echo through >&3")
        request.furtherDescriptors = [pipe.writing.rawValue]
        #expect(try ChildProcess.start(request).wait() == .code(0))
        let reading = pipe.keepReading()
        #expect(try DescriptorIO.readAll(reading.rawValue, limit: 100) == Array("through\n".utf8))
    }

    @Test func `signals are at their defaults`() throws {
        let lines = try text("grep -E 'Sig(Blk|Ign)' /proc/self/status").split(separator: "\n")
        #expect(lines.allSatisfy { $0.hasSuffix("0000000000000000") })
    }

    @Test(
        arguments: [
            ("/nonexistent", nil, ChildProcess.StartError.Step.execute, Errno.notFound),
            ("/etc", nil, .execute, .accessDenied),
            ("/bin/sh", "/nonexistent", .directory, .notFound),
            ("/bin/sh", "/bin/sh", .directory, .notDirectory),
            ("/bin/\0sh", nil, .arguments, .invalidArgument),
        ] as [(String, String?, ChildProcess.StartError.Step, Errno)])
    func `a failed start names its step`(
        _ program: String, _ directory: String?, _ step: ChildProcess.StartError.Step,
        _ errno: Errno
    ) throws {
        let request = ChildProcess.Request(
            program: program, arguments: [], directory: directory)
        let error = try #require(throws: ChildProcess.StartError.self) {
            try ChildProcess.start(request)
        }
        #expect(error.step == step)
        #expect(error.errno == errno)
    }

    @Test func `waiting has a limit`() throws {
        let process = try ChildProcess.start(shell("sleep 60"))
        #expect(process.wait(upTo: .milliseconds(20)) == nil)
        process.kill(9)
        #expect(process.wait(upTo: .seconds(10)) == .signal(9))
        process.kill(9)
    }

    @Test func `a program's end is told where this process ignores its children's`() throws {
        // What a parent may have left behind for us; the first start undoes it.
        signal(SIGCHLD, SIG_IGN)
        #expect(try ChildProcess.start(shell("exit 3")).wait() == .code(3))
    }

    @Test func `a group dies together`() throws {
        let pipe = try ChildProcess.Pipe()
        var request = shell("sleep 61 & sleep 62 & wait")
        request.group = .own
        request.standardOutput = pipe.writing.rawValue
        let process = try ChildProcess.start(request)
        let reading = pipe.keepReading()
        process.killGroup(9)
        #expect(process.wait() == .signal(9))
        // The end of the file comes when the last of them is gone.
        #expect(try DescriptorIO.readAll(reading.rawValue, limit: 10).isEmpty)
    }

    @Test func `a child that is let go is killed and reaped`() throws {
        let number = try ChildProcess.start(shell("sleep 63")).processID
        #expect(!HostDirectory.exists("/proc/\(number)"))
    }

    @Test func `many threads start programs at once`() async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<40 {
                group.addTask {
                    let output = try ChildProcess.output(of: shell("echo \(number)"))
                    return output.standardOutput == Array("\(number)\n".utf8)
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
    }

    @Test(.enabled(if: SandboxFixture.isRoot, "mount namespaces need root"))
    func `mounts of the child stay its own`() throws {
        var request = shell("cat /proc/self/mountinfo | grep -c ' /mnt '")
        request.namespaces = [.mount]
        request.mounts = [.init(source: "none", target: "/mnt", type: "tmpfs", data: "size=4k")]
        let output = try ChildProcess.output(of: request)
        #expect(output.standardOutput == Array("1\n".utf8))
        #expect(try text("grep -c ' /mnt ' /proc/self/mountinfo") == "0\n")
        request.mounts.append(.init(source: "none", target: "/nonexistent", type: "tmpfs"))
        let error = try #require(throws: ChildProcess.StartError.self) {
            try ChildProcess.start(request)
        }
        #expect(error.step == .mount)
        #expect(error.subject == "/nonexistent")
        #expect(error.errno == .notFound)
    }
}
