import Foundation
import Testing

/// How lists show containers, and what is said of options and commands that are wrong.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct UsageTests {
    @Test func `an update whose limits are without effect is no wrong usage`() throws {
        try withContainers { program in
            try program.run("create", "--name", "one", "base", "true")
            for options in [["--kernel-memory", "10m"], ["--blkio-weight", "500"]] {
                let update = try program.run(arguments: ["update"] + options + ["one"])
                #expect(update.status == 0, "\(update.errors)")
            }
            let empty = try program.run("update", "one")
            #expect(empty.status == 125)
            #expect(empty.errors.contains("you must provide one or more flags"))
            #expect(empty.errors.contains("Usage: vitrine update"), "\(empty.errors)")
        }
    }

    @Test func `an image whose name is another's is listed by its ID`() throws {
        try withContainers { program in
            try program.run("create", "--name", "one", "base", "true")
            func image(_ options: String...) throws -> String {
                try program.run(
                    arguments: ["ps", "-a", "--format", "{{.Image}}"] + options
                ).text.trimmingCharacters(in: .newlines)
            }
            #expect(try image() == "base")
            let id = try program.run("inspect", "-f", "{{.Image}}", "one").text
                .trimmingCharacters(in: .newlines)
            try program.run("tag", "base", "kept")
            _ = try program.run(shell: "mkdir new && \"$VITRINE\" import new base")
            #expect(try image() == String(id.dropFirst("sha256:".count).prefix(12)))
            #expect(try image("--no-trunc") == id)
            try program.run("rmi", "base")
            #expect(try image("--no-trunc") == id)
            try program.run("tag", "kept", "base")
            #expect(try image() == "base")
        }
    }

    @Test func `a command is listed with quotes around arguments with blanks`() throws {
        try withContainers { program in
            let commands: [([String], String)] = [
                (["sh", "-c", "echo out; echo err"], "\"sh -c 'echo out; ec…\"\n"),
                (["echo", "a \"b\""], "\"echo 'a \\\"b\\\"'\"\n"),
                (["echo", "界界界界界界界界界"], "\"echo 界界界界界界界…\"\n"),
            ]
            for (command, shown) in commands {
                let id = try program.run(arguments: ["create", "base"] + command).text
                    .trimmingCharacters(in: .newlines)
                let listed = try program.run(
                    "ps", "-a", "--filter", "id=\(id)", "--format", "{{.Command}}")
                #expect(listed.text == shown)
            }
        }
    }

    @Test func `templates have headings for diff, and fail without rows as with some`() throws {
        try withContainers { program in
            for command in [["ps"], ["images", "-f", "reference=none"], ["volume", "ls"]] {
                let result = try program.run(arguments: command + ["--format", "{{.Nope}}"])
                #expect(result.status == 1, "\(command)")
                #expect(result.errors.contains("Nope"), "\(result.errors)")
                let known = try program.run(
                    arguments: command + ["--format", "{{json .Labels}}{{.Size}}"])
                #expect(command[0] == "images" || known.status == 0, "\(known.errors)")
                #expect(known.text == "")
            }
            try program.run(
                "run", "--name", "one", "--network", "none", "base", "sh", "-c", "echo x > /new")
            let table = try program.run(
                "diff", "--format", "table {{.Kind}}\t{{.Path}}", "one")
            #expect(table.text.hasPrefix("KIND   PATH\n"), "\(table.text)")
            #expect(table.text.contains("A      /new\n"), "\(table.text)")
        }
    }

    @Test(
        arguments: [
            (["runn", "base"], "\"runn\" is not a command", "did you mean run?", 125),
            (["image", "lss"], "\"image lss\" is not a command", "did you mean ls?", 125),
            (["cache", "lss"], "\"cache lss\" is not a command", "did you mean ls?", 64),
            (["help", "nosuch"], "\"nosuch\" is not a command", "vitrine --help", 125),
            (["help", "image", "nosuch"], "\"image nosuch\" is", "vitrine image --help", 125),
        ] as [([String], String, String, Int32)])
    func `a command that is not there is told, and the one that was meant`(
        arguments: [String], message: String, hint: String, code: Int32
    ) throws {
        let program = try Program()
        defer { program.remove() }
        let result = try program.run(arguments: arguments)
        #expect(result.status == code)
        #expect(result.text == "")
        #expect(result.errors.contains(message) && result.errors.contains(hint), "\(result.errors)")
    }

    @Test(arguments: [
        ["help"], ["help", "run"], ["help", "image", "ls"], ["--help"], ["image", "--help"],
        ["cache", "mount", "--help"], ["--generate-completion-script", "bash"],
    ])
    func `help and completion are there for those that are`(arguments: [String]) throws {
        let program = try Program()
        defer { program.remove() }
        let result = try program.run(arguments: arguments)
        #expect(result.status == 0, "\(result.errors)")
        #expect(!result.text.isEmpty)
    }

    @Test(
        arguments: [
            (["--cpuset-cpus", "4000"], "Requested CPUs are not available - requested 4000"),
            (["--cpuset-mems", "4000"], "Requested memory nodes are not available"),
            (["--env-file", "nope"], "no such file"),
            (["--security-opt", "seccomp=nope"], "no such file"),
            (["-v", "a:/x"], "at least two alphanumeric characters"),
        ] as [([String], String)])
    func `what is wrong with an option is said before anything is made`(
        options: [String], message: String
    ) throws {
        try withContainers { program in
            let result = try program.run(arguments: ["create"] + options + ["base", "true"])
            #expect(result.status != 0)
            #expect(result.errors.contains(message), "\(result.errors)")
            #expect(!result.errors.contains("operation could"), "\(result.errors)")
            #expect(try program.run("ps", "-aq").text == "")
        }
    }

    @Test func `changes of a commit are those that it takes`() throws {
        try withContainers { program in
            try program.run("create", "--name", "one", "base", "true")
            let result = try program.run("commit", "-c", "FOO bar", "one")
            #expect(result.status != 0)
            #expect(result.errors.contains("CMD, ENTRYPOINT"), "\(result.errors)")
            #expect(!result.errors.contains("COPY"), "\(result.errors)")
        }
    }

    @Test func `who is attached to the input alone is given the ID`() throws {
        try withContainers { program in
            let result = try program.run(
                shell: "echo x | \"$VITRINE\" run -i -a stdin --network none base cat")
            let id = try program.run("ps", "-aq", "--no-trunc").text
            #expect(result.text == id)
            #expect(try program.run("logs", String(id.dropLast())).text == "x\n")
        }
    }

    @Test func `memory is listed among Tmpfs alone`() throws {
        try withContainers { program in
            try program.run(
                "create", "--name", "one", "--tmpfs", "/t", "-v", "data:/d", "base", "true")
            let mounts = try program.run(
                "inspect", "-f", "{{json .HostConfig.Mounts}} {{json .HostConfig.Tmpfs}}", "one")
            #expect(
                mounts.text == """
                    [{"Type":"volume","Source":"data","Target":"/d","ReadOnly":false}] {"/t":""}

                    """)
        }
    }

    @Test func `a busy mount's users are others than who asks`() throws {
        try withContainers { program in
            try program.run("mount", "base", "m")
            let result = try program.run(
                shell: "cd m && \"$VITRINE\" umount \"$OLDPWD/m\"; echo $? $$")
            #expect(result.text.hasPrefix("1 "))
            #expect(result.errors.contains("(bash): working directory"), "\(result.errors)")
            #expect(!result.errors.contains("(vitrine)"), "\(result.errors)")
            #expect(try program.run("umount", "m").status == 0)
        }
    }
}
