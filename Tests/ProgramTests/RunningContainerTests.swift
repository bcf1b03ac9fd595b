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

    @Test(.timeLimit(.minutes(2)))
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

    @Test(.timeLimit(.minutes(5)))
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
                "run", "-d", "--network", "none", "--name", "much", "--log-opt", "max-size=20m",
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
}
