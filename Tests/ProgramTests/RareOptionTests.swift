import Testing

/// Docker's rarer options of other commands.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct RareOptionTests {
    @Test func `times to come are taken as Docker takes them`() throws {
        try withContainers { program in
            #expect(
                try program.run("run", "--network", "none", "--name", "one", "base", "echo", "x")
                    .status == 0)
            #expect(try program.run("logs", "--since", "-1h", "one").text == "")
            #expect(try program.run("logs", "--since=-1h30m", "one").text == "")
            #expect(try program.run("logs", "--until", "-1h", "one").text == "x\n")
            #expect(try program.run("logs", "--until", "+1h", "one").text == "")
            #expect(try program.run("logs", "--details", "one").text == " x\n")
            #expect(try program.run("logs", "--since", "-5", "one").status == 125)
            let events = try program.run("events", "--since", "-2h", "--until", "-1h")
            #expect(events.status != 0, "\(events)")
            #expect(events.errors.contains("--since is after --until"))
        }
    }

    @Test func `dangling is one or the other`() throws {
        try withContainers { program in
            for command in [["images"], ["volume", "ls"]] {
                let both = try program.run(
                    arguments: command + [
                        "--filter", "dangling=true", "--filter", "dangling=false",
                    ])
                #expect(both.status != 0)
                #expect(both.errors.contains("invalid filter 'dangling="), "\(both.errors)")
                let same = try program.run(
                    arguments: command + ["--filter", "dangling=true", "-f", "dangling=1"])
                #expect(same.status == 0, "\(same)")
            }
        }
    }

    @Test func `images are of the platform that is asked for`() throws {
        try withContainers { program in
            for command in [["history"], ["image", "inspect"], ["rmi", "--no-prune"]] {
                let other = try program.run(
                    arguments: command + ["--platform", "linux/s390x", "base"])
                #expect(other.status != 0)
                #expect(other.errors.contains("does not match"), "\(other.errors)")
            }
            let other = try program.run(
                "save", "--platform", "linux/s390x", "-o", "never.tar", "base")
            #expect(other.errors.contains("does not match"), "\(other.errors)")
            #expect(try program.run(shell: "test ! -e never.tar").status == 0)
        }
    }

    @Test(
        arguments: [
            ("rm --link one", "no links"), ("start --checkpoint a one", "no checkpoints"),
            ("volume create --opt type=tmpfs", "invalid option: \"type=tmpfs\""),
            ("volume create -o type=tmpfs", "invalid option: \"type=tmpfs\""),
        ])
    func `what there is not is said`(_ command: String, _ why: String) throws {
        try withContainers { program in
            let result = try program.run(
                arguments: command.split(separator: " ").map(String.init))
            #expect(result.status == 125, "\(result)")
            #expect(result.errors.contains(why), "\(result.errors)")
        }
    }

    /// What Docker's `daemon/commit.go` merges.
    @Test(
        arguments: [
            ([], [], "[one] [two]"), (["CMD []"], ["--entrypoint="], "[] [two]"),
            (["CMD []"], [], "[one] []"), (["ENTRYPOINT []"], [], "[] [two]"),
            (["ENTRYPOINT []", "CMD []"], [], "[] [two]"),
            (["ENTRYPOINT [\"e\"]"], [], "[e] []"),
            (["ENTRYPOINT [\"e\"]", "CMD [\"c\"]"], [], "[e] [c]"),
            (["CMD [\"c\"]", "ENTRYPOINT [\"e\"]"], [], "[e] [c]"),
        ] as [([String], [String], String)])
    func `an emptied command line is the container's own again`(
        _ changes: [String], _ options: [String], _ expected: String
    ) throws {
        try withContainers { program in
            let entrypoint = options.isEmpty ? ["--entrypoint", "one"] : options
            let made = try program.run(
                arguments: ["create", "--name", "cc"] + entrypoint + ["base", "two"])
            #expect(made.status == 0, "\(made)")
            let committed = try program.run(
                arguments: ["commit"] + changes.flatMap { ["-c", $0] } + ["cc", "made"])
            #expect(committed.status == 0, "\(committed)")
            let shown = try program.run(
                "inspect", "-f", "{{.Config.Entrypoint}} {{.Config.Cmd}}", "made")
            #expect(shown.text == "\(expected)\n")
        }
    }

    @Test func `what a change does not say of a health check is the container's`() throws {
        try withContainers { program in
            #expect(
                try program.run(
                    "create", "--name", "cc", "--health-cmd", "old", "--health-timeout", "7s",
                    "--health-retries", "4", "base", "true"
                ).status == 0)
            let change = "HEALTHCHECK --interval=3s CMD new"
            #expect(try program.run("commit", "-c", change, "cc", "made").status == 0)
            let shown = try program.run("inspect", "-f", "{{json .Config.Healthcheck}}", "made")
            #expect(
                shown.text == #"{"Test":["CMD-SHELL","new"],"Interval":3000000000,"#
                    + #""Timeout":7000000000,"Retries":4}"# + "\n")
        }
    }
}
