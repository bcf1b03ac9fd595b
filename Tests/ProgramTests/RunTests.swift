import Foundation
import Glibc
import Testing

/// Containers that run: as their users start, watch, enter and end them.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct RunTests {
    /// `run` with a network that takes no time to make.
    private func run(_ program: Program, _ arguments: String...) throws -> Program.Output {
        try program.run(arguments: ["run", "--network", "none"] + arguments)
    }

    private func status(_ program: Program, _ name: String) throws -> String {
        try program.run(
            "ps", "-a", "--filter", "name=\(name)", "--format", "{{.State}} {{.Status}}"
        ).text
    }

    private func wait(
        for text: String, _ what: () throws -> String, _ place: SourceLocation = #_sourceLocation
    ) throws {
        var last = ""
        for _ in 0..<6000 {
            last = try what()
            if last.contains(text) { return }
            usleep(20_000)
        }
        Issue.record("\"\(text)\" is not in: \(last)", sourceLocation: place)
    }

    // MARK: - The process behind it

    @Test func `a container without descriptors to spare is reached again later`() throws {
        try withContainers { program in
            #expect(try run(program, "-d", "--name", "web", "base", "sleep", "1000").status == 0)
            let script = """
                process=$(head -n 1 store/locks/container-$($VITRINE inspect -f '{{.Id}}' web))
                limit=$(prlimit --pid $process --nofile -o SOFT,HARD --noheadings | tr -s ' ' : \\
                    | sed 's/^://')
                prlimit --pid $process --nofile=4:${limit#*:}
                timeout 1 $VITRINE exec web true > /dev/null 2>&1
                prlimit --pid $process --nofile=$limit
                $VITRINE exec web echo again && $VITRINE stop -t 0 web
                """
            let result = try program.run(shell: script)
            #expect(result.text == "again\nweb\n", "\(result)")
        }
    }

    @Test func `a log whose file was taken away is begun anew`() throws {
        try withContainers { program in
            let script = "echo first; until [ -e /go ]; do sleep 0.1; done; seq 1 1000; echo last"
            let made = try run(
                program, "-d", "--name", "web", "--log-opt", "max-size=1k", "base", "sh", "-c",
                script)
            #expect(made.status == 0, "\(made.errors)")
            try wait(for: "first") { try program.run("logs", "web").text }
            let log = "store/containers/\(made.text.trimmingCharacters(in: .newlines))/log"
            #expect(
                try program.run(shell: "rm \(log) && $VITRINE exec web busybox touch /go").status
                    == 0)
            #expect(try program.run(shell: "timeout 300 $VITRINE wait web").text == "0\n")
            #expect(try program.run("logs", "web").text.hasSuffix("1000\nlast\n"))
        }
    }

    // MARK: - Exit codes

    @Test(
        arguments: [
            (["sh", "-c", "exit 0"], 0), (["sh", "-c", "exit 7"], 7),
            (["sh", "-c", "kill -9 $$"], 137), (["nothing-of-this-name"], 127), ([""], 127),
            (["/etc/passwd"], 126),
            (["/etc"], 126),
        ] as [([String], Int32)])
    func `run ends with the command's code, or Docker's for one that did not come to run`(
        command: [String], code: Int32
    ) throws {
        try withContainers { program in
            let result = try program.run(
                arguments: ["run", "--rm", "--network", "none", "base"] + command)
            // The first process of a process namespace cannot be killed from inside.
            #expect(result.status == (command.last == "kill -9 $$" ? 0 : code), "\(result)")
            #expect(result.errors.isEmpty == (result.status < 125), "\(result.errors)")
            #expect(try program.run("ps", "-aq").text == "")
            #expect(try program.names(in: "store/containers") == [])
            #expect(try program.names(in: "store/run") == [])
        }
    }

    @Test func `what cannot be run at all ends with 125`() throws {
        try withContainers { program in
            #expect(try run(program, "nothing", "true").status == 125)
            #expect(try run(program, "--no-such-flag", "base", "true").status == 125)
            #expect(try run(program, "--name", "!", "base", "true").status == 125)
            let none = try run(program, "base")
            #expect(none.status == 125)
            #expect(none.errors.contains("no command"))
            #expect(try run(program, "--name", "one", "base", "true").status == 0)
            let again = try run(program, "--name", "one", "base", "true")
            #expect(again.status == 125)
            #expect(again.errors.contains("the name \"one\" is that of container"))
        }
    }

    // MARK: - Streams

    @Test func `streams stay apart, come whole, and are kept for logs`() throws {
        try withContainers { program in
            let script = "echo out; echo err >&2; printf unended; cat"
            try program.write("typed\n", to: "typed")
            let result = try program.run(
                shell: """
                    exec "$VITRINE" run -i --network none --name io base sh -c '\(script)' < typed
                    """)
            #expect(result.status == 0)
            #expect(result.text == "out\nunendedtyped\n")
            #expect(result.errors == "err\n")
            let logs = try program.run("logs", "io")
            #expect(logs.text == "out\nunendedtyped\n")
            #expect(logs.errors == "err\n")
            #expect(try program.run("logs", "--tail", "1", "io").text == "unendedtyped\n")
            let stamped = try program.run("logs", "-t", "io").text
            #expect(stamped.contains(#/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z out\n/#))
            #expect(try program.run("logs", "--since", "1h", "io").text == logs.text)
            #expect(try program.run("logs", "--until", "1h", "io").text == "")
        }
    }

    @Test func `megabytes come through a pipe in both directions`() throws {
        try withContainers { program in
            let result = try program.run(
                shell: """
                    head -c 20000000 /dev/urandom > big
                    "$VITRINE" run -i --rm --network none --log-driver none base cat < big > out
                    cmp big out
                    """)
            #expect(result.status == 0, "\(result)")
        }
    }

    @Test func `who reads slowly gets all, also when the container has long ended`() throws {
        try withContainers { program in
            let result = try program.run(
                shell: """
                    "$VITRINE" run --rm --network none base seq 1 200000 | { sleep 4; cat; } > out
                    seq 1 200000 | cmp - out
                    """)
            #expect(result.status == 0, "\(result)")
        }
    }

    @Test func `a log that has a limit begins anew and keeps one part before`() throws {
        try withContainers { program in
            let result = try run(
                program, "--name", "many", "--log-opt", "max-size=20k", "base", "seq", "1", "3000")
            #expect(result.status == 0)
            let place = try program.names(in: "store/containers")[0]
            let files = try program.names(in: "store/containers/\(place)")
            #expect(files.contains("log") && files.contains("log.1"))
            let lines = try program.run("logs", "many").text.split(separator: "\n")
            #expect(lines.last == "3000")
            #expect(lines.count < 3000)
        }
    }

    // MARK: - Life

    @Test func `a detached container goes on, is entered, and is ended`() throws {
        try withContainers { program in
            let script = """
                trap 'echo ending; exit 5' TERM; echo begun; while true; do sleep 0.05; done
                """
            let id = try run(
                program, "-d", "--name", "long", "-e", "A=b", "-w", "/usr", "base", "sh", "-c",
                script
            ).text.trimmingCharacters(in: .newlines)
            #expect(id.count == 64)
            try wait(for: "begun") { try program.run("logs", "long").text }
            #expect(try program.run("ps", "-q").text == id.prefix(12) + "\n")
            #expect(try status(program, "long").hasPrefix("running Up "))
            let inside = try program.run(
                "exec", "-e", "C=d", "long", "sh", "-c", "echo $A$C $(pwd); exit 9")
            #expect(inside.status == 9)
            #expect(inside.text == "bd /usr\n")
            #expect(try program.run("exec", "long", "nothing").status == 127)
            #expect(try program.run("exec", "-w", "/etc", "long", "cat", "passwd").status == 0)
            #expect(
                try program.run("exec", "-u", "12:34", "long", "sh", "-c", "id -u").text == "12\n")
            try program.write("through\n", to: "typed")
            #expect(
                try program.run(shell: "\"$VITRINE\" exec -i long cat < typed").text == "through\n")
            // A process that somebody left in it does not keep it from ending.
            #expect(try program.run("exec", "-d", "long", "sleep", "1000").status == 0)
            let running = try program.run("rm", "long")
            #expect(running.status == 1)
            #expect(running.errors.contains("is running"))
            #expect(try program.run("stop", "long").text == "long\n")
            #expect(try status(program, "long").hasPrefix("exited Exited (5)"))
            #expect(try program.run("wait", "long").text == "5\n")
            #expect(try program.run("logs", "--tail=1", "long").text == "ending\n")
            #expect(try program.run("exec", "long", "true").status == 125)
            #expect(try program.run("start", "long").text == "long\n")
            #expect(try program.run("kill", "long").text == "long\n")
            #expect(try status(program, "long").hasPrefix("exited Exited (137)"))
            #expect(try program.run("rm", "long").text == "long\n")
            #expect(try program.names(in: "store/run") == [])
            #expect(try program.names(in: "store/work") == [])
        }
    }

    @Test func `what a run changes is there in the next, and who attaches to it sees it`() throws {
        try withContainers { program in
            let script = "echo line >> /etc/kept; cat /etc/kept; exit 3"
            #expect(try run(program, "--name", "kept", "base", "sh", "-c", script).status == 3)
            let second = try program.run("start", "-a", "kept")
            #expect(second.status == 3)
            #expect(second.text == "line\nline\n")
            #expect(try program.run("diff", "kept").text == "C /etc\nA /etc/kept\n")
            #expect(try program.run("commit", "kept", "kept:1").status == 0)
            #expect(
                try program.run("run", "--rm", "--network=none", "kept:1", "cat", "/etc/kept").text
                    == "line\nline\n")
            #expect(try program.run("rename", "kept", "other").status == 0)
            #expect(try program.run("start", "kept").status == 1)
            #expect(try program.run("rm", "other").status == 0)
        }
    }

    @Test func `who does not end by its signal is killed when the time is over`() throws {
        try withContainers { program in
            let script = "trap '' TERM; echo deaf; while true; do sleep 0.05; done"
            _ = try run(program, "-d", "--name", "deaf", "base", "sh", "-c", script)
            try wait(for: "deaf") { try program.run("logs", "deaf").text }
            #expect(try program.run("stop", "-t", "1", "deaf").status == 0)
            #expect(try status(program, "deaf").hasPrefix("exited Exited (137)"))
        }
    }

    @Test func `signals that the caller gets go to the command`() throws {
        try withContainers { program in
            let script =
                "trap 'echo got it; exit 6' INT; echo ready; while true; do sleep 0.05; done"
            let output = try program.file("output")
            let process = try program.start(
                ["run", "--rm", "--network", "none", "base", "sh", "-c", script], output: output)
            try program.wait(for: "ready", in: "output")
            kill(process.processIdentifier, SIGINT)
            process.waitUntilExit()
            #expect(process.terminationStatus == 6)
            #expect(try program.read("output") == "ready\ngot it\n")
        }
    }

    @Test func `a container survives who started it`() throws {
        try withContainers { program in
            let output = try program.file("output")
            let process = try program.start(
                [
                    "run", "--name", "orphan", "--network", "none", "base", "sh", "-c",
                    "echo begun; sleep 1; echo done; exit 2",
                ], output: output)
            try program.wait(for: "begun", in: "output")
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            #expect(try program.run("wait", "orphan").text == "2\n")
            #expect(try program.run("logs", "orphan").text == "begun\ndone\n")
        }
    }

    /// The process that has the program's only running container.
    private func supervisor(_ program: Program) throws -> Int32 {
        let supervisors = try FileManager.default.contentsOfDirectory(atPath: "/proc")
            .compactMap { Int32($0) }.filter { number in
                // One that has ended meanwhile is none; what ends the container with it is a copy.
                let line = file("cmdline", of: number)
                return line?.contains("\0supervise\0") == true && line?.contains("bash") == false
                    && line?.contains(program.directory) == true
                    && file("comm", of: number) != "vitrine-keeper\n"
            }
        #expect(supervisors.count == 1)
        return try #require(supervisors.first)
    }

    private func file(_ name: String, of process: Int32) -> String? {
        try? String(contentsOfFile: "/proc/\(process)/\(name)", encoding: .utf8)
    }

    /// Returns when it is gone; what it ran may not be.
    private func killSupervisor(_ program: Program) throws {
        let supervisor = try supervisor(program)
        kill(supervisor, SIGKILL)
        try wait(for: "gone") {
            let status = file("status", of: supervisor)
            return status?.contains("State:\tZ") ?? true ? "gone" : "there"
        }
    }

    @Test func `inspect does not wait for a container whose process stands still`() throws {
        try withContainers { program in
            _ = try run(program, "-d", "--name", "still", "base", "sleep", "100")
            #expect(try program.run("exec", "-d", "still", "sleep", "100").status == 0)
            func executions() throws -> String {
                try program.run("inspect", "-f", "{{json .ExecIDs}}", "still").text
            }
            #expect(try executions() == "[\"exec-1\"]\n")
            let supervisor = try supervisor(program)
            kill(supervisor, SIGSTOP)
            defer { kill(supervisor, SIGCONT) }
            #expect(try executions() == "null\n")
            // More than may wait to be heard at once.
            let many = try program.run(
                shell: """
                    for i in $(seq 20); do "$VITRINE" inspect -f '{{.Name}}' still & done; wait
                    """)
            #expect(many.text == String(repeating: "/still\n", count: 20), "\(many)")
            let all = try program.run("inspect", "--size", "still")
            #expect(all.status == 0)
            #expect(all.text.contains("\"Status\": \"running\""))
            #expect(try status(program, "still").hasPrefix("running Up"))
            kill(supervisor, SIGCONT)
            #expect(try executions() == "[\"exec-1\"]\n")
            #expect(try program.run("rm", "-f", "still").status == 0)
        }
    }

    @Test func `a container whose process was killed is told so, and keeps its files`() throws {
        try withContainers { program in
            _ = try run(
                program, "-d", "--name", "hurt", "base", "sh", "-c",
                "echo kept > /etc/kept; echo begun; while true; do sleep 0.05; done")
            try wait(for: "begun") { try program.run("logs", "hurt").text }
            let first = try program.run("inspect", "--format", "{{.State.Pid}}", "hurt").text
                .trimmingCharacters(in: .newlines)
            try killSupervisor(program)
            try wait(for: "exited Exited (255)") { try status(program, "hurt") }
            // Its processes go with it.
            try wait(for: "gone") { unsafe access("/proc/\(first)", F_OK) == 0 ? "there" : "gone" }
            #expect(try program.run("diff", "hurt").text == "C /etc\nA /etc/kept\n")
            #expect(try program.run("start", "hurt").status == 0)
            #expect(try program.run("exec", "hurt", "cat", "/etc/kept").text == "kept\n")
            // At once, while what was left is still being ended.
            var groups: Set<String> = []
            for _ in 0..<4 {
                try killSupervisor(program)
                let start = try program.run("start", "hurt")
                #expect(start.status == 0, "\(start.errors)")
                groups.insert(try controlGroup(program, of: "hurt"))
            }
            // What removes one late does not remove another's.
            #expect(groups.count == 4 || groups.allSatisfy { !$0.contains("vitrine") }, "\(groups)")
            #expect(try program.run("rm", "-f", "hurt").status == 0)
            #expect(try program.names(in: "store/run") == [])
            #expect(try program.names(in: "store/work") == [])
            #expect(try program.run("fsck").status == 0)
        }
    }

    private func controlGroup(_ program: Program, of container: String) throws -> String {
        try program.run(
            shell: #"cat /proc/$("$VITRINE" inspect -f '{{.State.Pid}}' \#(container))/cgroup"#
        ).text
    }

    @Test func `a restart policy starts it again until it is stopped`() throws {
        try withContainers { program in
            _ = try run(
                program, "-d", "--name", "again", "--restart", "on-failure:2", "base", "sh", "-c",
                "echo run; exit 4")
            try wait(for: "exited Exited (4)") { try status(program, "again") }
            #expect(try program.run("logs", "again").text == "run\nrun\nrun\n")
            func restarts() throws -> String {
                try program.run("inspect", "-f", "{{.RestartCount}}", "again").text
            }
            #expect(try restarts() == "2\n")
            #expect(try program.run("start", "again").status == 0)
            try wait(for: String(repeating: "run\n", count: 6)) {
                try program.run("logs", "again").text
            }
            try wait(for: "exited Exited (4)") { try status(program, "again") }
            #expect(try restarts() == "2\n")
            _ = try run(
                program, "-d", "--name", "ever", "--restart", "always", "base", "sh", "-c",
                "echo run; sleep 0.1")
            try wait(for: "run\nrun\nrun\n") { try program.run("logs", "ever").text }
            #expect(try program.run("stop", "ever").status == 0)
            #expect(try status(program, "ever").hasPrefix("exited "))
        }
    }

    @Test func `a health check shows its result`() throws {
        try withContainers { program in
            _ = try run(
                program, "-d", "--name", "well", "--health-cmd", "cat /etc/well",
                "--health-interval", "100ms", "--health-retries", "2", "base", "sleep", "100")
            try wait(for: "(unhealthy)") { try status(program, "well") }
            #expect(try program.run("exec", "well", "sh", "-c", "echo > /etc/well").status == 0)
            try wait(for: "(healthy)") { try status(program, "well") }
            #expect(
                try program.run("ps", "-q", "--filter", "health=healthy").text.count == 13)
            #expect(try program.run("rm", "-f", "well").status == 0)
        }
    }

    @Test func `limits can be changed, and a paused container stands still`() throws {
        try withContainers { program in
            let script = "i=0; while true; do i=$((i+1)); echo $i; sleep 0.02; done"
            let started = try run(
                program, "-d", "--name", "held", "-m", "64m", "base", "sh", "-c", script)
            // Where no runtime can use the host's control groups it is refused, in these words.
            if started.errors.contains("control groups") { return }
            #expect(started.status == 0, "\(started.errors)")
            try wait(for: "3\n") { try program.run("logs", "held").text }
            #expect(try program.run("pause", "held").text == "held\n")
            #expect(try status(program, "held").contains("(Paused)"))
            let before = try program.run("logs", "held").text
            usleep(200_000)
            #expect(try program.run("logs", "held").text == before)
            #expect(try program.run("exec", "held", "true").status == 125)
            #expect(try program.run("commit", "-q", "held").status == 0)
            #expect(try status(program, "held").contains("(Paused)"))
            #expect(try program.run("unpause", "held").status == 0)
            try wait(for: "more") { try program.run("logs", "held").text == before ? "" : "more" }
            #expect(
                try program.run("update", "-m", "96m", "--restart", "always", "held").status == 0)
            let set = try program.run(
                "inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}",
                "held"
            ).text
            #expect(set == "100663296 always\n")
            let figures = try program.run(
                "stats", "--no-stream", "--format", "{{.MemUsage}}", "held")
            #expect(figures.text.contains("/ 96MiB"), "\(figures)")
            #expect(try program.run("update", "held").status != 0)
            #expect(try program.run("rm", "-f", "held").status == 0)
        }
    }

    @Test func `events tell what happened, in order`() throws {
        try withContainers { program in
            #expect(
                try run(program, "--name", "told", "--label", "a=b", "base", "true").status == 0)
            #expect(try program.run("rm", "told").status == 0)
            let told = try program.run(
                "events", "--since", "1h", "--until", "0s", "--filter", "container=told",
                "--format", "{{.Action}}"
            ).text
            #expect(told == "create\nstart\ndie\ndestroy\n")
            let json = try program.run(
                "events", "--since", "1h", "--until", "0s", "--filter", "event=die", "--filter",
                "label=a=b", "--format", "{{json .Actor.Attributes}}"
            ).text
            #expect(json.contains("\"exitCode\":\"0\""))
        }
    }

    // MARK: - Many

    @Test func `many containers in a row and at once leave nothing behind`() throws {
        try withContainers { program in
            let result = try program.run(
                shell: """
                    set -e
                    one() {
                        "$VITRINE" run --network none --name "c-$1" base sh -c "echo $1 > /etc/own"
                        "$VITRINE" diff "c-$1" > "diff-$1"
                        "$VITRINE" commit -q "c-$1" "own:$1" > /dev/null
                        "$VITRINE" rm "c-$1" > /dev/null
                    }
                    for i in 1 2 3 4 5 6; do one $i; done
                    for i in 11 12 13 14 15 16 17 18; do one $i & jobs="$jobs $!"; done
                    for job in $jobs; do wait $job; done
                    cat diff-* | sort -u
                    "$VITRINE" images -q own | wc -l
                    """)
            #expect(result.status == 0, "\(result)")
            #expect(result.text == "A /etc/own\nC /etc\n14\n")
            #expect(try program.run("ps", "-aq").text == "")
            for place in ["containers", "run", "work"] {
                #expect(try program.names(in: "store/\(place)") == [], "\(place)")
            }
            #expect(try program.run("fsck").status == 0)
        }
    }
}
