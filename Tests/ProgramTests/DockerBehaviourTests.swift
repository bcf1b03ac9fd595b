import Foundation
import Testing

/// What `Tests/Containers/compare` found to differ from Docker once.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct DockerBehaviourTests {
    private func start(_ program: Program, _ arguments: String...) throws {
        let made = try program.run(arguments: ["run", "-d", "--network", "none"] + arguments)
        #expect(made.status == 0, "\(made.errors)")
    }

    @Test(arguments: [("/t", "1777"), ("/t:mode=700,size=1m", "700"), ("/a/b:mode=1750", "1750")])
    func `memory has the mode that was asked for, or that of tmp`(
        option: String, mode: String
    ) throws {
        try withContainers { program in
            let path = String(option.prefix { $0 != ":" })
            let shown = try program.run(
                "run", "--rm", "--network", "none", "--tmpfs", option, "base", "/bin/busybox",
                "stat", "-c", "%a", path)
            #expect(shown.text == mode + "\n", "\(shown.errors)")
        }
    }

    @Test func `an empty entry point is none`() throws {
        try withContainers { program in
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
        try withContainers { program in
            let result = try program.run(arguments: arguments)
            #expect(result.status == 125, "\(result)")
            #expect(!result.errors.isEmpty)
        }
    }

    @Test func `exec says 126 for what cannot be executed, and is told while it runs`() throws {
        try withContainers { program in
            try start(program, "--name", "one", "base", "sleep", "1000")
            #expect(try program.run("exec", "-u", "nobody-there", "one", "true").status == 126)
            #expect(try program.run("exec", "-w", "/not/there", "one", "true").status == 126)
            #expect(try program.run("exec", "one", "no-such-program").status == 127)
            let unnamed = try program.run("exec", "one", "")
            #expect(unnamed.status == 127)
            #expect(unnamed.errors.contains("exec: \"\": executable file not found in $PATH"))
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
        try withContainers { program in
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
        try withContainers { program in
            try start(
                program, "--name", "short", "base", "sh", "-c",
                "for i in 1 2 3; do echo $i; sleep 0.2; done")
            #expect(try program.run("logs", "-f", "short").text == "1\n2\n3\n")
            try start(
                program, "--name", "long", "base", "sh", "-c",
                "while :; do echo x; sleep 0.1; done")
            let until = try program.run(
                shell: "until=$(date -u +%Y-%m-%dT%H:%M:%SZ -d '2 seconds'); "
                    + "timeout 300 $VITRINE logs -f --until $until long | sort -u")
            #expect(until.text == "x\n")
            #expect(try program.run("logs", "--tail", "-1", "short").text == "1\n2\n3\n")
        }
    }

    @Test func `a container that several start at once runs, and none of them is refused`() throws {
        try withContainers { program in
            let made = ["create", "--name", "one", "--network", "none", "base", "sleep", "100"]
            try #require(try program.run(arguments: made).status == 0)
            let started = try program.run(
                shell: "for i in 1 2 3 4 5 6; do $VITRINE start one & done; wait")
            #expect(started.errors == "")
            #expect(started.text == String(repeating: "one\n", count: 6))
        }
    }

    @Test func `several are stopped at once, and documents take Docker's names`() throws {
        try withContainers { program in
            for name in ["one", "two", "three"] {
                try #require(
                    try program.run(
                        "run", "-d", "--network", "none", "--name", name, "base", "sleep", "100"
                    ).status == 0)
            }
            #expect(try program.run("ps", "-n", "-1", "-q").text.split(separator: "\n").count == 3)
            let running = try program.run("info", "--format", "{{.ContainersRunning}}").text
            #expect(running == "3\n")
            let version = try program.run("version", "--format", "{{.Server.Version}}").text
            #expect(try program.run("-v").text == version)
            #expect(
                try program.run(
                    "inspect", "-f", "{{if .State.Health}}x{{end}}{{.ID}}", "one"
                ).text.count == 65)
            #expect(
                try program.run(
                    "events", "--since", "1h", "--until", "0s", "--format",
                    "{{.Status}} {{.From}} {{.Actor.Attributes.exitCode}}", "-f", "event=start"
                ).text == String(repeating: "start base <no value>\n", count: 3))
            // A sleep with number 1 takes no SIGTERM: each takes the whole time.
            let stopped = try program.run("stop", "-t", "4", "one", "two", "three", "none")
            #expect(stopped.status == 1)
            #expect(stopped.text == "one\ntwo\nthree\n")
            #expect(stopped.errors.contains("there is no container \"none\""))
            let signals = try program.run(
                "events", "--since", "1h", "--until", "0s", "--format",
                "{{.Action}} {{.Actor.Attributes.signal}}", "-f", "event=kill", "-f", "event=die")
            let first = signals.text.split(separator: "\n").prefix(3)
            #expect(first == ["kill 15", "kill 15", "kill 15"], "\(signals.text)")
        }
    }

    @Test(arguments: [
        "run -i --name one --network none base busybox yes", "exec one busybox yes", "attach one",
    ])
    func `who is not read any more leaves a process that prints for ever`(_ words: String) throws {
        try withContainers { program in
            if !words.hasPrefix("run") {
                let printing = words.hasPrefix("attach") ? "busybox yes" : "sleep 100"
                let made = "$VITRINE run -d --name one --network none base \(printing)"
                try #require(try program.run(shell: made).status == 0)
            }
            let heard = try program.run(
                shell: """
                    { timeout -s KILL 20 $VITRINE \(words); echo $? > code; } </dev/null 2>err |
                        head -n 1; cat code
                    """)
            let errors = try program.read("err")
            #expect(heard.text == "y\n1\n", "\(errors)")
            #expect(
                try program.run("inspect", "-f", "{{.State.Running}}", "one").text == "true\n")
        }
    }

    @Test(arguments: ["TERM", "HUP"])
    func `who is asked to end gives the terminal its modes back, and leaves the container`(
        signal: String
    ) throws {
        try withContainers { program in
            let terminal = try PseudoTerminal()
            let modes = terminal.modes
            let process = try program.start(
                [
                    "run", "-it", "--network", "none", "--name", "one", "base", "sh", "-c",
                    "echo ready; sleep 1000",
                ], input: terminal.slave, output: terminal.slave, errors: terminal.slave)
            try terminal.wait(for: "ready")
            for _ in 0..<6000 where terminal.modes == modes { usleep(10_000) }
            #expect(terminal.modes != modes)
            kill(process.processIdentifier, signal == "TERM" ? SIGTERM : SIGHUP)
            process.waitUntilExit()
            #expect(process.terminationReason == .exit)
            #expect(process.terminationStatus == 128 + (signal == "TERM" ? SIGTERM : SIGHUP))
            #expect(terminal.modes == modes)
            #expect(try program.run("ps", "--format", "{{.Names}}").text == "one\n")
        }
    }

    @Test func `who has a terminal and no input passes signals on`() throws {
        try withContainers { program in
            let terminal = try PseudoTerminal()
            let process = try program.start(
                [
                    "run", "-t", "--rm", "--network", "none", "base", "sh", "-c",
                    "trap 'echo INT; exit 3' INT; echo ready; while :; do sleep 0.1; done",
                ], input: terminal.slave, output: terminal.slave, errors: terminal.slave)
            try terminal.wait(for: "ready")
            kill(process.processIdentifier, SIGINT)
            #expect(try terminal.finish(process).contains("INT"))
            #expect(process.terminationStatus == 3)
            #expect(try program.run("ps", "-aq").text == "")
        }
    }

    @Test func `a terminal is not attached to what is none`() throws {
        try withContainers { program in
            for (name, option) in [("one", "-t"), ("two", "-it")] {
                try start(program, "--name", name, option, "base", "sleep", "1000")
                let refused = try program.run(shell: "timeout 60 $VITRINE attach \(name)")
                #expect(refused.status == 1)
                #expect(refused.errors.contains("the input device is not a TTY"))
                let process = try program.start(["attach", "--no-stdin", name])
                #expect(try program.run("stop", "-t", "0", name).status == 0)
                process.waitUntilExit()
            }
        }
    }

    @Test(arguments: ["0", "1000"])
    func `a privileged user who is not root holds no capability, and nobody inherits one`(
        user: String
    ) throws {
        try withContainers { program in
            let shown = ["-u", user, "base", "busybox", "grep", "Cap", "/proc/self/status"]
            let options = ["run", "--rm", "--network", "none", "--privileged"]
            try start(program, "--name", "one", "base", "sleep", "1000")
            for arguments in [
                options + shown,
                ["exec", "--privileged"] + shown.map { $0 == "base" ? "one" : $0 },
            ] {
                let result = try program.run(arguments: arguments)
                let sets = result.text.split(separator: "\n").map { $0.split(separator: "\t") }
                let none = sets.filter { $0.last == "0000000000000000" }.compactMap(\.first)
                let expected = ["CapInh:"] + (user == "0" ? [] : ["CapPrm:", "CapEff:"])
                #expect(none.map(String.init) == expected + ["CapAmb:"], "\(result)")
            }
        }
    }

    @Test func `an empty name is none`() throws {
        try withContainers { program in
            #expect(try program.run("create", "--name", "", "base", "true").status == 0)
            let made = try program.run("ps", "-a", "--format", "{{.Names}}").text
            #expect(made.utf8.count > 3)
            #expect(try program.run("inspect", "-f", "{{.Parent}}", "base").text == "\n")
        }
    }

    private static let networkHelpers = ["pasta", "slirp4netns"].filter {
        FileManager.default.isExecutableFile(atPath: "/usr/bin/" + $0)
    }

    @Test(.enabled(if: !networkHelpers.isEmpty, "there is no pasta and no slirp4netns"))
    func `all exposed ports are published on free ones`() throws {
        try withContainers { program in
            try program.write("FROM base\nEXPOSE 8080/tcp\nEXPOSE 53/udp\n", to: "c/Dockerfile")
            #expect(try program.run("build", "-q", "-t", "exposing", "c").status == 0)
            let started = try program.run(
                "run", "-d", "-P", "--name", "web", "--expose", "9000-9001", "-p",
                "127.0.0.1::9001", "exposing", "busybox", "httpd", "-f", "-p", "8080", "-h",
                "/etc")
            try #require(started.status == 0, "\(started)")
            let lines = try program.run("port", "web").text.split(separator: "\n").map(String.init)
            let ports = lines.map { $0.split(separator: ":").last.map(String.init) ?? "" }
            #expect(
                lines.map { $0.replacing(#/:[0-9]+$/#, with: ":N") } == [
                    "9001/tcp -> 127.0.0.1:N", "53/udp -> 0.0.0.0:N", "53/udp -> [::]:N",
                    "8080/tcp -> 0.0.0.0:N", "8080/tcp -> [::]:N", "9000/tcp -> 0.0.0.0:N",
                    "9000/tcp -> [::]:N",
                ], "\(lines)")
            try #require(ports.count == 7)
            #expect(Set(ports).count == 4)
            #expect(
                try program.run("port", "web", "8080").text
                    == "0.0.0.0:\(ports[3])\n[::]:\(ports[3])\n")
            #expect(
                try program.run("ps", "--format", "{{.Ports}}").text
                    == "127.0.0.1:\(ports[0])->9001/tcp, 0.0.0.0:\(ports[1])->53/udp, "
                    + "[::]:\(ports[1])->53/udp, 0.0.0.0:\(ports[3])->8080/tcp, "
                    + "[::]:\(ports[3])->8080/tcp, 0.0.0.0:\(ports[5])->9000/tcp, "
                    + "[::]:\(ports[5])->9000/tcp\n")
            let inspected = try program.run(
                "inspect", "-f",
                "{{.HostConfig.PublishAllPorts}} "
                    + "{{(index .NetworkSettings.Ports \"8080/tcp\" 0).HostPort}}", "web")
            #expect(inspected.text == "true \(ports[3])\n", "\(inspected)")
            let page = try program.run(
                shell: """
                    for i in $(seq 50); do
                        exec 3<> /dev/tcp/127.0.0.1/\(ports[3]) && break; sleep 0.1
                    done 2> /dev/null
                    printf 'GET /passwd HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3
                    """)
            #expect(page.text.contains("root:x:0:0"), "\(page)")
            // They are others' once it has ended.
            #expect(try program.run("stop", "-t", "0", "web").status == 0)
            #expect(try program.run("port", "web").text == "")
            #expect(try program.run("ps", "-a", "--format", "{{.Ports}}").text == "\n")
        }
    }

    @Test func `figures stay in their places on a terminal, and follow who comes and goes`() throws
    {
        try withContainers { program in
            try start(program, "--name", "first", "base", "sleep", "1000")
            let terminal = try PseudoTerminal(columns: 200, rows: 24)
            let process = try program.start(
                ["stats"], input: terminal.slave, output: terminal.slave, errors: terminal.slave)
            // The screen is cleared once, and written over from then on.
            try terminal.wait(for: "\u{1B}[2J\u{1B}[HCONTAINER ID")
            try terminal.wait(for: "first")
            try terminal.wait(for: "\u{1B}[J\u{1B}[HCONTAINER ID")
            try terminal.wait(for: "%")
            try start(program, "--name", "second", "base", "sleep", "1000")
            try terminal.wait(for: "second")
            #expect(try program.run("rm", "-f", "first", "second").status == 0)
            try terminal.wait(for: "PIDS\u{1B}[K\r\n\u{1B}[J")
            kill(process.processIdentifier, SIGINT)
            process.waitUntilExit()
            let rest = terminal.shown
            #expect(!rest.contains("\u{1B}[2J"))
            // A format of one's own, and one container by name, which need not run.
            try start(program, "--name", "third", "base", "sleep", "1000")
            let own = try program.start(
                ["stats", "--format", "{{.Name}} has {{.PIDs}}", "third"], input: terminal.slave,
                output: terminal.slave, errors: terminal.slave)
            try terminal.wait(for: "\u{1B}[Hthird has 1\u{1B}[K\r\n\u{1B}[J")
            #expect(try program.run("kill", "third").status == 0)
            try terminal.wait(for: "third has --")
            kill(own.processIdentifier, SIGTERM)
            own.waitUntilExit()
            // Into a pipe nothing of a terminal goes, and it ends with its reader.
            let piped = try program.run(
                shell: "timeout 300 $VITRINE stats -a --format '{{.Name}}' | head -2; "
                    + "echo ${PIPESTATUS[0]}")
            #expect(piped.text == "third\nthird\n1\n", "\(piped)")
        }
    }

    @Test func `ports that no network leads to are warned of`() throws {
        try withContainers { program in
            let result = try program.run(
                "create", "--network", "host", "-p", "18098:80", "base")
            #expect(result.status == 0)
            #expect(result.errors.contains("Published ports are discarded"))
        }
    }
}
