import Foundation
import Glibc
import Testing

/// Containers that see each other's processes and memory (`--pid`, `--ipc`).
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct SharedNamespaceTests {
    private func withProgram(_ body: (Program) throws -> Void) throws {
        try withContainers { program in
            try body(program)
            #expect(try program.run("rm", "--all", "--force").status == 0)
            for place in ["run", "work"] {
                #expect(try program.names(in: "store/\(place)") == [], "\(place)")
            }
            #expect(
                try program.run(shell: "grep -c \"$PWD/store\" /proc/self/mountinfo; true").text
                    == "0\n")
        }
    }

    private func run(_ program: Program, _ arguments: String...) throws -> Program.Output {
        try program.run(arguments: ["run", "--network", "none"] + arguments)
    }

    private func inspect(_ program: Program, _ name: String, _ format: String) throws -> String {
        try program.run("inspect", "-f", format, name).text.trimmingCharacters(in: .newlines)
    }

    /// Starts one that others may join, and has written to its memory.
    private func startDonor(_ program: Program, _ options: String...) throws {
        let donor = try program.run(
            arguments: [
                "run", "-d", "--network", "none", "--name", "donor", "--ipc", "shareable",
            ] + options + [
                "base", "sh", "-c", "echo shared > /dev/shm/file; echo ready; sleep 1000",
            ])
        try #require(donor.status == 0, "\(donor.errors)")
        try Program.wait { try program.run("logs", "donor").text == "ready\n" }
    }

    // MARK: - Memory

    @Test func `memory that may be shared is seen by who joins, with its size and permissions`()
        throws
    {
        try withProgram { program in
            try startDonor(program, "--shm-size", "3m")
            #expect(try inspect(program, "donor", "{{.HostConfig.IpcMode}}") == "shareable")
            let script = """
                cat /dev/shm/file; echo back > /dev/shm/back
                busybox readlink /proc/self/ns/ipc; busybox stat -c %a /dev/shm
                busybox grep ' /dev/shm ' /proc/mounts; busybox grep ' /dev/mqueue ' /proc/mounts
                """
            let joined = try run(
                program, "--name", "second", "--ipc", "container:donor", "base", "sh", "-c", script)
            let lines = joined.text.split(separator: "\n").map(String.init)
            try #require(lines.count == 5, "\(joined)")
            #expect(lines[0] == "shared")
            #expect(
                lines[1] + "\n"
                    == (try program.run(
                        "exec", "donor", "busybox", "readlink", "/proc/self/ns/ipc"
                    ).text))
            #expect(lines[2] == "1777")
            for option in ["rw", "nosuid", "nodev", "noexec", "size=3072k"] {
                #expect(lines[3].contains(option), "\(lines[3])")
            }
            #expect(lines[4].contains("mqueue"))
            #expect(try program.run("exec", "donor", "cat", "/dev/shm/back").text == "back\n")
            let id = try inspect(program, "donor", "{{.Id}}")
            #expect(
                try inspect(program, "second", "{{.HostConfig.IpcMode}}") == "container:\(id)")
            // By a renamed one's new name, by its ID, and by one that has joined itself.
            try program.run("rename", "donor", "giver")
            #expect(try program.run("start", "-a", "second").text == joined.text)
            _ = try run(
                program, "-d", "--name", "third", "--ipc", "container:\(id.prefix(12))", "base",
                "sleep", "1000")
            let chained = ["--rm", "--ipc", "container:third", "base", "cat", "/dev/shm/file"]
            #expect(
                try program.run(arguments: ["run", "--network=none"] + chained).text
                    == "shared\n")
            // What they share stays as long as one of them has it.
            #expect(try program.run("rm", "-f", "giver").status == 0)
            #expect(try program.run("exec", "third", "cat", "/dev/shm/file").text == "shared\n")
            #expect(
                try program.run(arguments: ["run", "--network=none"] + chained).text
                    == "shared\n")
        }
    }

    @Test func `memory is one's own unless that is said, and each start begins anew`() throws {
        try withProgram { program in
            let script = "cat /dev/shm/* 2> /dev/null; echo x > /dev/shm/x && echo written"
            for mode in [[], ["--ipc", "private"], ["--ipc", "shareable"]] {
                let made = try program.run(
                    arguments: ["run", "--name", "one", "--network=none"] + mode
                        + ["base", "sh", "-c", script])
                #expect(made.text == "written\n", "\(mode) \(made)")
                #expect(try program.run("start", "-a", "one").text == "written\n", "\(mode)")
                #expect(try program.run("rm", "one").status == 0)
            }
            let none = try run(
                program, "--name", "none", "--ipc", "none", "base", "sh", "-c",
                "[ -e /dev/shm ] || echo absent")
            #expect(none.text == "absent\n", "\(none)")
            #expect(try inspect(program, "none", "{{.HostConfig.IpcMode}}") == "none")
            let host = try program.run(
                shell: """
                    "$VITRINE" run --rm --network=none --ipc host base \\
                        busybox readlink /proc/self/ns/ipc | grep -cF "$(readlink /proc/self/ns/ipc)"
                    """)
            #expect(host.text == "1\n", "\(host)")
        }
    }

    @Test func `what cannot be joined is told`() throws {
        try withProgram { program in
            for option in ["--ipc", "--pid"] {
                let gone = try run(program, option, "container:none", "base", "true")
                #expect(gone.status == 125)
                #expect(gone.errors.contains("there is no container \"none\""), "\(gone.errors)")
                let empty = try run(program, option, "container:", "base", "true")
                #expect(empty.status == 125)
                #expect(empty.errors.contains("container:<name|id>"), "\(empty.errors)")
                let wrong = try run(program, option, "nonsense", "base", "true")
                #expect(wrong.status == 125)
                #expect(wrong.errors.contains("host"), "\(wrong.errors)")
            }
            _ = try run(program, "-d", "--name", "own", "base", "sleep", "1000")
            let refused = try run(program, "--ipc", "container:own", "base", "true")
            #expect(refused.status == 125)
            #expect(
                refused.errors == """
                    Error: can not join IPC of container "own": non-shareable IPC
                    make it with --ipc shareable

                    """)
            #expect(try program.run("stop", "-t", "0", "own").status == 0)
            for (option, title) in [("--ipc", "IPC"), ("--pid", "PID"), ("--network", "network")] {
                let name = "over-" + title.lowercased()
                let made = try program.run(
                    "create", "--name", name, option, "container:own", "base", "true")
                #expect(made.status == 0, "\(made)")
                let stopped = try program.run("start", name)
                #expect(stopped.status == 1)
                #expect(
                    stopped.errors.contains(
                        "can not join \(title) of container \"own\": it is not running"),
                    "\(stopped.errors)")
                #expect(stopped.errors.contains("vitrine start own"))
            }
            #expect(try program.run("rm", "own").status == 0)
            for title in ["IPC", "PID", "network"] {
                let removed = try program.run("start", "over-" + title.lowercased())
                #expect(removed.status == 1)
                #expect(
                    removed.errors.contains("can not join \(title) of container "),
                    "\(removed.errors)")
                #expect(removed.errors.contains("it was removed"), "\(removed.errors)")
            }
        }
    }

    @Test func `a killed keeper leaves no shared memory behind, and who joined keeps it`() throws {
        try withProgram { program in
            try startDonor(program)
            _ = try run(
                program, "-d", "--name", "second", "--ipc", "container:donor", "base", "sleep",
                "1000")
            let keeper = try program.run(
                shell: "cat store/locks/container-$(\"$VITRINE\" inspect -f '{{.Id}}' donor)"
            ).text.split { !$0.isNumber }.first.flatMap { Int32($0) }
            kill(try #require(keeper), SIGKILL)
            try Program.wait { try inspect(program, "donor", "{{.State.Running}}") == "false" }
            #expect(try program.run("exec", "second", "cat", "/dev/shm/file").text == "shared\n")
            let joining = try run(program, "--ipc", "container:donor", "base", "true")
            #expect(joining.errors.contains("it is not running"), "\(joining)")
            #expect(try program.run("start", "donor").status == 0)
            // It has begun anew, and who joined before sees what was before.
            let script = "echo other > /dev/shm/other; busybox ls /dev/shm"
            #expect(
                try program.run("exec", "donor", "sh", "-c", script).text.contains("other"))
            #expect(
                try program.run("exec", "second", "busybox", "ls", "/dev/shm").text == "file\n")
        }
    }

    // MARK: - Processes

    @Test(arguments: ["end", "stop", "rm", "kill"])
    func `what a container leaves among processes of another ends with it without control groups`(
        how: String
    ) throws {
        try withProgram { program in
            // Chrooted, without a parent, with other variables, and gone before it can be looked at.
            let leaving = """
                (busybox env -i busybox setsid sleep 1004 &); (busybox chroot /usr /sleep 1004 &)
                """
            let ending =
                switch how {
                case "end": "until ! running second; do sleep 0.1; done"
                case "stop": "$VITRINE stop -t 1 second"
                case "rm": "$VITRINE rm -f second"
                default:
                    """
                    kill -9 $(head -n 1 store/locks/container-$id)
                    while running second; do sleep 0.1; done; $VITRINE start second; \
                    $VITRINE rm -f second
                    """
                }
            let last = how == "end" ? "true" : "exec sleep 1005"
            let waiting = "until [ $(in_first '^/*sleep 1004') = 2 ]; do sleep 0.1; done"
            let script = """
                set -e
                mount -t tmpfs none /sys/fs/cgroup
                running() { [ "$($VITRINE inspect -f '{{.State.Running}}' $1)" = true ]; }
                in_first() { $VITRINE exec first busybox ps -o args | grep -c "$1" || true; }
                $VITRINE run -d --network none --name first base sleep 1001 > id
                $VITRINE run -d --network none --name second --pid container:first base sh -c \
                    'busybox cp /bin/busybox /usr/sleep; \(leaving); \(last)' > id
                id=$(cat id)
                \(how == "end" ? "" : waiting)
                { \(ending); } > /dev/null
                echo "left $(in_first 1004), first $(in_first 1001)"
                $VITRINE rm -f first > /dev/null
                """
            try program.write(script, to: "script")
            let result = try program.run(shell: "unshare -m bash script")
            #expect(result.text == "left 0, first 1\n", "\(result.errors)")
        }
    }

    @Test func `processes of another container are seen, and end with it`() throws {
        try withProgram { program in
            _ = try run(program, "-d", "--name", "first", "base", "sleep", "1001")
            _ = try run(
                program, "-d", "--name", "second", "--pid", "container:first", "base", "sleep",
                "1002")
            for name in ["first", "second"] {
                let seen = try program.run("exec", name, "busybox", "ps", "-o", "pid,args").text
                #expect(seen.contains("1 sleep 1001"), "\(name): \(seen)")
                #expect(seen.contains("sleep 1002"), "\(name): \(seen)")
            }
            let id = try inspect(program, "first", "{{.Id}}")
            #expect(
                try inspect(program, "second", "{{.HostConfig.PidMode}}") == "container:\(id)")
            let top = try program.run("top", "second").text
            #expect(top.contains("sleep 1002"), "\(top)")
            // As Docker's: what is somebody else's first process is no place for an init program.
            let script = "busybox kill -0 1 && busybox readlink /proc/1/exe"
            let third = try run(
                program, "--rm", "--init", "--pid", "container:first", "base", "sh", "-c", script)
            #expect(third.text == "/bin/busybox\n", "\(third)")
            // It ends by itself with all that it has started, and the other one goes on.
            let left = try run(
                program, "--name", "left", "--pid", "container:first", "base", "sh", "-c",
                "sleep 1003 > /dev/null 2>&1 & sleep 0.2; exit 4")
            #expect(left.status == 4)
            let rest = try program.run("exec", "first", "busybox", "ps", "-o", "args").text
            #expect(!rest.contains("1003"), "\(rest)")
            #expect(rest.contains("sleep 1002"), "\(rest)")
            #expect(try program.run("stop", "-t", "0", "first").status == 0)
            #expect(try program.run("wait", "second").text == "137\n")
            let again = try program.run("start", "second")
            #expect(
                again.errors.contains("can not join PID of container \"first\""), "\(again.errors)")
            #expect(try program.run("start", "first", "second").status == 0)
            #expect(try program.run("kill", "second").status == 0)
            #expect(try inspect(program, "first", "{{.State.Running}}") == "true")
        }
    }
}
