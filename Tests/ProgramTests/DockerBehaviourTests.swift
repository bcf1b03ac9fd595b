import Foundation
import Testing

/// What `Tests/Containers/compare` found to differ from Docker once.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct DockerBehaviourTests {
    private func withProgram(_ body: (Program) throws -> Void) throws {
        let program = try Program()
        defer {
            _ = try? program.run("rm", "--all", "--force", "--volumes")  // what a failure left
            program.remove()
        }
        try program.importBase()
        try body(program)
    }

    private func start(_ program: Program, _ arguments: String...) throws {
        let made = try program.run(arguments: ["run", "-d", "--network", "none"] + arguments)
        #expect(made.status == 0, "\(made.errors)")
    }

    @Test(arguments: [("/t", "1777"), ("/t:mode=700,size=1m", "700"), ("/a/b:mode=1750", "1750")])
    func `memory has the mode that was asked for, or that of tmp`(
        option: String, mode: String
    ) throws {
        try withProgram { program in
            let path = String(option.prefix { $0 != ":" })
            let shown = try program.run(
                "run", "--rm", "--network", "none", "--tmpfs", option, "base", "/bin/busybox",
                "stat", "-c", "%a", path)
            #expect(shown.text == mode + "\n", "\(shown.errors)")
        }
    }

    @Test func `an empty entry point is none`() throws {
        try withProgram { program in
            for option in [["--entrypoint", ""], ["--entrypoint="]] {
                let shown = try program.run(
                    arguments: ["run", "--rm", "--network", "none"] + option
                        + ["base", "echo", "plain"])
                #expect(shown.text == "plain\n", "\(shown.errors)")
            }
        }
    }

    @Test(arguments: [
        ["start"], ["stop", "-t", "x", "one"], ["logs", "--nothing", "one"], ["ps", "extra"],
        ["run", "-d", "-a", "stdout", "base", "true"],
        ["create", "--health-interval", "x", "base"], ["create", "-m", "much", "base"],
    ])
    func `wrong usage of Docker's commands ends with 125`(arguments: [String]) throws {
        try withProgram { program in
            let result = try program.run(arguments: arguments)
            #expect(result.status == 125, "\(result)")
            #expect(!result.errors.isEmpty)
        }
    }

    @Test func `exec says 126 for what cannot be executed, and is told while it runs`() throws {
        try withProgram { program in
            try start(program, "--name", "one", "base", "sleep", "1000")
            #expect(try program.run("exec", "-u", "nobody-there", "one", "true").status == 126)
            #expect(try program.run("exec", "-w", "/not/there", "one", "true").status == 126)
            #expect(try program.run("exec", "one", "no-such-program").status == 127)
            func executions() throws -> String {
                try program.run("inspect", "-f", "{{json .ExecIDs}}", "one").text
            }
            #expect(try executions() == "null\n")
            try program.run("exec", "-d", "one", "sleep", "100")
            #expect(try executions().hasPrefix("[\"exec-"))
            #expect(try program.run("rename", "one", "one").status == 1)
        }
    }

    @Test
    func `lists know patterns, labels and restart policies, and a boot starts what it has to`()
        throws
    {
        try withProgram { program in
            try program.run("create", "--name", "web", "--label", "role=front", "base", "true")
            try program.run(
                "create", "--name", "my-web", "--restart", "always", "--network", "none", "base",
                "sleep", "1000")
            func names(_ filter: String) throws -> String {
                try program.run("ps", "-a", "--filter", filter, "--format", "{{.Names}}").text
            }
            #expect(try names("name=^web") == "web\n")
            #expect(try names("name=web$") == "my-web\nweb\n")
            #expect(try names("restart-policy=always") == "my-web\n")
            let labels = try program.run("ps", "-a", "--format", "[{{.Label \"role\"}}]").text
            #expect(labels == "[]\n[front]\n")
            let started = try program.run("start", "--all", "--filter", "restart-policy=always")
            #expect(started.text == "my-web\n", "\(started.errors)")
            #expect(try program.run("ps", "--format", "{{.Names}}").text == "my-web\n")
        }
    }

    @Test func `a log is followed to the container's end, and to the time that was asked for`()
        throws
    {
        try withProgram { program in
            try start(
                program, "--name", "short", "base", "sh", "-c",
                "for i in 1 2 3; do echo $i; sleep 0.2; done")
            #expect(try program.run("logs", "-f", "short").text == "1\n2\n3\n")
            try start(
                program, "--name", "long", "base", "sh", "-c",
                "while :; do echo x; sleep 0.1; done")
            let until = try program.run(
                shell: "until=$(date -u +%Y-%m-%dT%H:%M:%SZ -d '2 seconds'); "
                    + "timeout 30 $VITRINE logs -f --until $until long | sort -u")
            #expect(until.text == "x\n")
            #expect(try program.run("logs", "--tail", "-1", "short").text == "1\n2\n3\n")
        }
    }

    @Test(arguments: ["TERM", "HUP"])
    func `who is asked to end gives the terminal its modes back, and leaves the container`(
        signal: String
    ) throws {
        try withProgram { program in
            let terminal = try PseudoTerminal()
            let modes = terminal.modes
            let process = try program.start(
                [
                    "run", "-it", "--network", "none", "--name", "one", "base", "sh", "-c",
                    "echo ready; sleep 1000",
                ], input: terminal.slave, output: terminal.slave, errors: terminal.slave)
            try terminal.wait(for: "ready")
            for _ in 0..<500 where terminal.modes == modes { usleep(10_000) }
            #expect(terminal.modes != modes)
            kill(process.processIdentifier, signal == "TERM" ? SIGTERM : SIGHUP)
            process.waitUntilExit()
            #expect(process.terminationReason == .exit)
            #expect(process.terminationStatus == 128 + (signal == "TERM" ? SIGTERM : SIGHUP))
            #expect(terminal.modes == modes)
            #expect(try program.run("ps", "--format", "{{.Names}}").text == "one\n")
        }
    }

    @Test func `ports that no network leads to are warned of`() throws {
        try withProgram { program in
            let result = try program.run(
                "create", "--network", "host", "-p", "18098:80", "base")
            #expect(result.status == 0)
            #expect(result.errors.contains("Published ports are discarded"))
        }
    }
}
