import Foundation
import Testing

/// What may be done to a container while it runs, by one command or by several at once.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct RunningContainerTests {
    private func start(_ program: Program, _ name: String, _ options: String...) throws {
        let made = try program.run(
            arguments: ["run", "-d", "--network", "none", "--name", name] + options
                + ["base", "sleep", "1000"])
        try #require(made.status == 0, "\(made.errors)")
    }

    private func inspect(_ program: Program, _ name: String, _ format: String) throws -> String {
        try program.run("inspect", "-f", format, name).text.trimmingCharacters(in: .newlines)
    }

    @Test func `the root of a container that runs is no mount to be taken away`() throws {
        try withContainers { program in
            try start(program, "one")
            let mount = try program.run("mount", "one", "m")
            #expect(mount.status == 1)
            #expect(mount.errors.contains("container \"one\" is in use by process"))
            #expect(mount.errors.contains("\"vitrine stop one\" ends that"), "\(mount.errors)")
            #expect(!mount.errors.contains("umount"), "\(mount.errors)")
            let root = try inspect(program, "one", "{{.GraphDriver.Data.MergedDir}}")
            for options in [["umount"], ["umount", "--lazy"]] {
                let refused = try program.run(arguments: options + [root])
                #expect(refused.status == 1)
                #expect(
                    refused.errors.contains("container \"one\" runs on")
                        && refused.errors.contains("\"vitrine stop one\""), "\(refused.errors)")
            }
            #expect(try program.run("exec", "one", "cat", "/etc/passwd").status == 0)
        }
    }

    @Test(.timeLimit(.minutes(30)))
    func `files are copied from a container whose root was unmounted by hand`() throws {
        try withContainers { program in
            try start(program, "one")
            let root = try inspect(program, "one", "{{.GraphDriver.Data.MergedDir}}")
            #expect(try program.run(shell: "umount -l '\(root)'").status == 0)
            let copy = try program.run(shell: "\"$VITRINE\" cp one:/etc/passwd - | tar -xO")
            #expect(copy.text.hasPrefix("root:"), "\(copy.errors)")
            #expect(try program.run("rm", "-f", "one").status == 0)
        }
    }

    @Test(
        .enabled(
            if: ["/usr/bin/catatonit", "/usr/bin/tini", "/usr/bin/docker-init"].contains {
                FileManager.default.isExecutableFile(atPath: $0)
            }, "there is no init for containers"))
    func `exec starts its command without the container's init`() throws {
        try withContainers { program in
            try start(program, "one", "--init", "--health-cmd", "exit 0")
            #expect(try program.run("exec", "one", "nosuch").status == 127)
            #expect(try program.run("exec", "one", "/etc").status == 126)
            let parent = try program.run("exec", "one", "sh", "-c", "echo $PPID")
            #expect(parent.text == "0\n")
        }
    }

    @Test func `a renamed container is called by its new name`() throws {
        try withContainers { program in
            try start(program, "old", "--rm")
            #expect(try program.run("rename", "old", "new").status == 0)
            try program.run("pause", "new")
            #expect(
                try program.run("pause", "new").errors.contains("container new is already paused"))
            let refused = try program.run("exec", "new", "true")
            #expect(refused.errors.contains("vitrine unpause new"), "\(refused.errors)")
            try program.run("unpause", "new")
            try program.run("exec", "new", "true")
            try program.run("stop", "-t", "0", "new")
            let names = try program.run(
                "events", "--since", "1h", "--until", "0s", "--filter", "type=container",
                "--format", "{{.Action}} {{.Actor.Attributes.name}}"
            ).text.split(separator: "\n").drop { !$0.hasPrefix("rename") }.dropFirst()
            #expect(names.contains("destroy new"), "\(names)")
            #expect(names.contains("stop new"), "\(names)")
            #expect(!names.contains { $0.hasSuffix(" old") }, "\(names)")
        }
    }

    @Test func `exec fills in a home only where none was set, and takes variables away`() throws {
        try withContainers { program in
            try start(program, "set", "-e", "HOME=/elsewhere", "-e", "GONE=1")
            try start(program, "unset")
            func home(_ options: String..., in name: String) throws -> String {
                try program.run(
                    arguments: ["exec"] + options + [name, "sh", "-c", "echo $HOME-$GONE"]
                ).text
            }
            #expect(try home("-u", "12", in: "set") == "/elsewhere-1\n")
            #expect(try home("-u", "12", in: "unset") == "/-\n")
            #expect(try home("-u", "root", in: "unset") == "/root-\n")
            #expect(try home("-u", "12", "-e", "HOME=/x", in: "set") == "/x-1\n")
            #expect(try home("-e", "GONE", in: "set") == "/elsewhere-\n")
            let run = try program.run(
                "run", "--rm", "--network", "none", "-u", "12", "-e", "HOME=/y", "base", "sh",
                "-c", "echo $HOME")
            #expect(run.text == "/y\n")
        }
    }

    @Test(.timeLimit(.minutes(30)))
    func `restarts wait for each other, and so do removals`() throws {
        try withContainers { program in
            func atOnce(_ command: String) throws -> Program.Output {
                try program.run(
                    shell: """
                        for i in 1 2 3 4; do "$VITRINE" \(command) & all="$all $!"; done
                        for one in $all; do wait $one || failed=1; done; exit ${failed:-0}
                        """)
            }
            try start(program, "one")
            let restarts = try atOnce("restart -t 0 one")
            #expect(restarts.status == 0, "\(restarts.errors)")
            #expect(try inspect(program, "one", "{{.State.Status}}") == "running")
            let removals = try atOnce("rm -f one")
            #expect(removals.status == 0, "\(removals.errors)")
            #expect(try program.run("ps", "-aq").text == "")
        }
    }

    @Test func `who joins a network has the name of the other container`() throws {
        try withContainers { program in
            try start(program, "other", "--hostname", "common", "--domainname", "example.test")
            let shown = try program.run(
                "run", "--rm", "--network", "container:other", "base", "sh", "-c",
                "/bin/busybox hostname; cat /etc/hostname; echo $HOSTNAME")
            #expect(shown.text == "common\ncommon\ncommon\n", "\(shown.errors)")
            let refused = try program.run(
                "run", "--rm", "--network", "container:other", "--hostname", "own", "base", "true")
            #expect(refused.status == 125)
            #expect(refused.errors.contains("conflicting options"), "\(refused.errors)")
        }
    }

    @Test func `a container that has ended is not well, and one that restarts is not removed`()
        throws
    {
        try withContainers { program in
            try start(program, "one", "--health-cmd", "exit 0")
            #expect(try inspect(program, "one", "{{.State.Health.Status}}") == "starting")
            try program.run("stop", "-t", "0", "one")
            #expect(try inspect(program, "one", "{{.State.Health.Status}}") == "unhealthy")
            try program.run(
                "run", "-d", "--network", "none", "--name", "again", "--restart", "always", "base",
                "false")
            try Program.wait {
                try inspect(program, "again", "{{.State.Status}}") == "restarting"
            }
            let removal = try program.run("rm", "again")
            #expect(removal.status == 1)
            #expect(removal.errors.contains("vitrine rm --force"), "\(removal.errors)")
            #expect(try program.run("rm", "-f", "again").status == 0)
        }
    }

    @Test func `a log is read as it was at first, and its last lines at once`() throws {
        try withContainers { program in
            let made = try program.run(
                "run", "-d", "--network", "none", "--name", "much", "--log-opt", "max-size=4m",
                "base", "sh", "-c", "i=0; while :; do i=$((i+1)); echo line $i; done")
            try #require(made.status == 0, "\(made.errors)")
            try Program.wait { try program.run("logs", "--tail", "1", "much").text != "" }
            // None of these would end if what comes meanwhile were waited for.
            let ended = try program.run(
                shell: """
                    set -o pipefail
                    for i in 1 2 3; do "$VITRINE" logs --tail 3 much | wc -l; done
                    "$VITRINE" logs -f --tail 2 much | head -n 4 | wc -l
                    "$VITRINE" logs much | tail -n 1 | grep -c '^line [0-9]*$'
                    "$VITRINE" logs --since 1h --tail 5 much | wc -l
                    """)
            #expect(ended.text == "3\n3\n3\n4\n1\n5\n", "\(ended.errors)")
            #expect(try program.run("stop", "-t", "0", "much").status == 0)
            // Lines of both files, one after the other.
            let lines = try program.run(
                shell: """
                    "$VITRINE" logs --tail 1000000 much > all; wc -l < all
                    "$VITRINE" logs much | tail -n 1000 | cmp - <(tail -n 1000 all) && echo same
                    """
            ).text.split(separator: "\n")
            #expect(lines.last == "same")
            let numbers = try program.read("all").split(separator: "\n").compactMap {
                $0.split(separator: " ").last.flatMap { Int($0) }
            }
            let first = try #require(numbers.first)
            #expect(numbers == Array(first..<first + numbers.count))
            #expect(try program.run("rm", "-f", "much").status == 0)
        }
    }

    @Test func `what a health check printed before its time was over is kept`() throws {
        try withContainers { program in
            try start(
                program, "one", "--health-cmd", "echo begun; exec sleep 1000", "--health-interval",
                "100ms", "--health-timeout", "1s", "--health-retries", "1")
            try Program.wait {
                try inspect(program, "one", "{{.State.Health.Status}}") != "starting"
            }
            let log = try inspect(program, "one", "{{json .State.Health.Log}}")
            #expect(log.contains(#""Health check exceeded timeout (1s): begun\n""#), "\(log)")
            #expect(try program.run("rm", "-f", "one").status == 0)
        }
    }

    @Test func `volumes of an image are paths from the root, as Docker cleans them`() throws {
        try withContainers { program in
            try program.write(
                "FROM base\nVOLUME data\nVOLUME /a/../b /../../c/ /\n", to: "context/Dockerfile")
            #expect(try program.run("build", "-q", "-t", "volumes", "context").status == 0)
            let made = try program.run(
                "run", "--rm", "--network", "none", "volumes", "sh", "-c",
                "for d in data b c; do grep -c \" /$d \" /proc/self/mounts; done")
            #expect(made.text == "1\n1\n1\n", "\(made.errors)")
        }
    }

    @Test func `restarts are ends for who waits and is attached, as in Docker`() throws {
        try withContainers { program in
            func run(_ arguments: String...) throws -> Program.Output {
                try program.run(arguments: arguments)
            }
            let attached = try run(
                "run", "--name", "attached", "--network", "none", "--restart", "always", "base",
                "sh", "-c", "echo hi; exit 3")
            #expect(attached.status == 3)
            #expect(attached.text == "hi\n")
            #expect(try run("rm", "-f", "attached").status == 0)
            let waited = try program.run(
                shell: """
                    "$VITRINE" run -d --name waited --network none --restart always base \
                        sh -c 'sleep 0.5; exit 3' > /dev/null && "$VITRINE" wait waited
                    """)
            #expect(waited.text == "3\n")
            #expect(try run("rm", "-f", "waited").status == 0)
        }
    }

    @Test func `one that removes itself is there after a restart, until it ends`() throws {
        try withContainers { program in
            try start(program, "one", "--rm")
            try program.run("exec", "one", "busybox", "touch", "/kept")
            #expect(try program.run("restart", "-t", "0", "one").text == "one\n")
            #expect(try program.run("exec", "one", "busybox", "ls", "/kept").text == "/kept\n")
            #expect(try program.run("stop", "-t", "0", "one").status == 0)
            #expect(try program.run("ps", "-aq").text == "")
        }
    }

    @Test func `names may begin with Docker's slash`() throws {
        try withContainers { program in
            try start(program, "/one")
            #expect(try inspect(program, "/one", "{{.Name}}") == "/one")
            #expect(try program.run("rename", "/one", "/two").status == 0)
            #expect(try program.run("ps", "--format", "{{.Names}}").text == "two\n")
            let created = try program.run("create", "--name", "/two", "base", "true")
            #expect(created.status == 1)
            #expect(try program.run("create", "--name", "//x", "base", "true").status != 0)
            #expect(try program.run("rm", "-f", "/two").text == "/two\n")
        }
    }

    @Test func `what tells a container from a host is there, and is no change`() throws {
        try withContainers { program in
            try start(program, "one")
            let found = try program.run(
                "exec", "one", "sh", "-c", "readlink /etc/mtab; cat /.dockerenv && echo there")
            #expect(found.text == "/proc/mounts\nthere\n")
            #expect(try program.run("diff", "one").text == "")
            #expect(try program.run("exec", "one", "rm", "/etc/mtab").status == 0)
            #expect(try program.run("exec", "one", "busybox", "touch", "/etc/mtab").status == 0)
            #expect(try program.run("diff", "one").text == "C /etc\nA /etc/mtab\n")
            #expect(try program.run("rm", "-f", "one").status == 0)
        }
    }

    @Test func `a restart that is interrupted leaves no container stopped`() throws {
        try withContainers { program in
            try start(program, "one")
            let restart = try program.start(shell: "exec \"$VITRINE\" restart -t 3 one")
            // The stop has been asked for.
            try Program.wait {
                try program.run(
                    "events", "--since", "1h", "--until", "0s", "--filter", "event=kill"
                ).text != ""
            }
            kill(restart.processIdentifier, SIGINT)
            restart.waitUntilExit()
            #expect(restart.terminationStatus == 130)
            #expect(try inspect(program, "one", "{{.State.Status}}") == "running")
            #expect(try program.run("rm", "-f", "one").status == 0)
        }
    }

    @Test func `a paused container is not started, and one between two runs is updated`() throws {
        try withContainers { program in
            try start(program, "one")
            try #require(try program.run("pause", "one").status == 0)
            let refused = try program.run("start", "one")
            #expect(refused.status == 1)
            #expect(refused.errors.contains("cannot start a paused container"))
            #expect(try program.run("rm", "-f", "one").status == 0)
            try program.run(
                "run", "-d", "--network", "none", "--name", "again", "--restart", "always", "base",
                "false")
            try Program.wait {
                try inspect(program, "again", "{{.State.Status}}") == "restarting"
            }
            let updated = try program.run(
                "update", "--pids-limit", "50", "--restart", "no", "again")
            #expect(updated.status == 0, "\(updated.errors)")
            #expect(
                try inspect(
                    program, "again", "{{.HostConfig.PidsLimit}} {{.HostConfig.RestartPolicy.Name}}"
                ) == "50 no")
            #expect(try program.run("rm", "-f", "again").status == 0)
        }
    }

    @Test func `a lock's former holder is not asked to end`() throws {
        try withContainers { program in
            try program.run("create", "--name", "one", "base", "true")
            let other = try program.start(shell: "exec sleep 1000")
            defer {
                other.terminate()
                other.waitUntilExit()
            }
            let id = try inspect(program, "one", "{{.Id}}")
            // What a killed process of that number has left, while somebody has just taken the lock.
            let removal = try program.run(
                shell: """
                    echo \(other.processIdentifier) > store/locks/container-\(id)
                    flock -n store/locks/container-\(id) sleep 3 &
                    "$VITRINE" rm -f one; wait
                    """)
            #expect(removal.status == 0, "\(removal.errors)")
            #expect(other.isRunning)
        }
    }

    @Test func `starts, stops and commits at once are done one after the other`() throws {
        try withContainers { program in
            try program.run("create", "--name", "one", "--network", "none", "base", "sleep", "9")
            let done = try program.run(
                shell: """
                    many() { for i in 1 2 3 4 5; do "$VITRINE" "$@" || echo failed "$@"; done; }
                    many start one > started 2>&1 & many start one >> started 2>&1 &
                    many commit one image > committed 2>&1 &
                    many stop -t 0 one > stopped 2>&1 &
                    wait; cat started committed stopped | grep -v '^one$' | grep -v '^sha256:' || true
                    """)
            #expect(done.text == "", "\(done.text)")
            #expect(try program.run("rm", "-f", "one").status == 0)
        }
    }

    // MARK: - While it is being started

    /// An image that has so many files in `/many` that a volume there takes a while to fill.
    private static let slow = """
        mkdir many && (cd many && seq 8000 | xargs touch) && cp -a many rootfs/
        $VITRINE import rootfs slow && rm -rf many rootfs/many
        """

    /// Starts one in the background, and waits until its volume is being filled.
    private func startSlowly(_ program: Program, _ arguments: String) throws -> Process {
        let started = try program.start(
            shell: """
                exec "$VITRINE" run -d --name slow --network none -v files:/many \(arguments) \
                > started 2>&1
                """)
        try Program.wait {
            try program.run(shell: "ls store/containers/*/control").status == 0
        }
        return started
    }

    @Test func `a container that is being started is stopped, and does not come up`() throws {
        try withContainers { program in
            try check(program, Self.slow)
            let started = try startSlowly(program, "slow sleep 1000")
            let listed = try program.run("ps", "-a", "--format", "{{.Status}}").text
            #expect(!listed.contains("Mounted"), "\(listed)")
            #expect(try program.run("stop", "-t", "0", "slow").text == "slow\n")
            #expect(try program.run("ps", "-q").text == "")
            started.waitUntilExit()
            #expect(try program.run("ps", "-q").text == "")
            // What is started again comes up, its volume filled.
            #expect(try program.run("start", "slow").status == 0)
            let count = try program.run("exec", "slow", "sh", "-c", "ls /many | wc -l")
            #expect(count.text == "8000\n", "\(count.errors)")
            #expect(try program.run("rm", "-f", "slow").status == 0)
        }
    }

    @Test func `what is asked of a container that is being started is done when it runs`() throws {
        try withContainers { program in
            try check(program, Self.slow)
            let started = try startSlowly(
                program, "slow sh -c 'trap \"exit 7\" USR1; while :; do sleep 0.1; done'")
            #expect(try program.run("start", "slow").status == 0)
            #expect(try program.run("exec", "slow", "echo", "hi").text == "hi\n")
            started.waitUntilExit()
            #expect(try program.read("started").count == 65)
            #expect(try program.run("kill", "-s", "USR1", "slow").status == 0)
            #expect(try program.run("wait", "slow").text == "7\n")
            #expect(try program.run("rm", "-v", "slow").status == 0)
        }
    }

    @Test func `a commit does not hold up the end of a start that comes to nothing`() throws {
        try withContainers { program in
            try check(program, Self.slow)
            let started = try startSlowly(program, "slow sleep 1000")
            let commit = try program.start(
                shell: "exec \"$VITRINE\" commit slow kept > commit 2>&1")
            #expect(try program.run("stop", "-t", "0", "slow").text == "slow\n")
            commit.waitUntilExit()
            started.waitUntilExit()
            let said = try program.read("commit")
            #expect(commit.terminationStatus == 0, "\(said)")
            #expect(try program.run("ps", "-q").text == "")
            #expect(try program.run("rm", "slow").status == 0)
        }
    }

    @Test func `a container that is being started is removed by force`() throws {
        try withContainers { program in
            try check(program, Self.slow)
            let started = try startSlowly(program, "slow sleep 1000")
            #expect(try program.run("rm", "slow").status == 1)
            let removed = try program.run("rm", "-f", "slow")
            #expect(removed.status == 0, "\(removed.errors)")
            started.waitUntilExit()
            #expect(try program.run("ps", "-aq").text == "")
            #expect(try program.names(in: "store/work") == [])
        }
    }

    @Test func `a directory that is none of devices is told, however much is in it`() throws {
        try withContainers { program in
            try check(program, "mkdir -p d/e && (cd d/e && seq 70000 | xargs touch)")
            let refused = try program.run(
                "run", "--rm", "--network", "none", "--device", "\(program.directory)/d", "base",
                "true")
            #expect(refused.status == 125)
            #expect(refused.errors.contains("no directory of devices"), "\(refused.errors)")
        }
    }
}
