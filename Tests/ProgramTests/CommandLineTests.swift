import Foundation
import Testing

/// What all commands have in common.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct CommandLineTests {
    private func withProgram(_ body: (Program) throws -> Void) throws {
        let program = try Program()
        defer { program.remove() }
        try body(program)
    }

    /// A pipe whose reader has gone away, as that of `| head -1` when it has its line.
    private func closedPipe() throws -> FileHandle {
        let pipe = Pipe()
        try pipe.fileHandleForReading.close()
        return pipe.fileHandleForWriting
    }

    @Test(arguments: [["info"], ["--help"], ["images"], ["df", "--json"]])
    func `a reader that had enough ends a command quietly`(_ arguments: [String]) throws {
        try withProgram { program in
            try program.importBase()
            let process = try program.start(
                arguments, output: try closedPipe(), errors: try program.file("errors"))
            process.waitUntilExit()
            #expect(process.terminationReason == .exit)
            #expect(process.terminationStatus == 1)
            #expect(try program.read("errors") == "")
        }
    }

    @Test func `a result that cannot be written is a failure that is told`() throws {
        try withProgram { program in
            try program.importBase()
            let process = try program.start(
                ["info"], output: FileHandle(forWritingAtPath: "/dev/full"),
                errors: try program.file("errors"))
            process.waitUntilExit()
            #expect(process.terminationReason == .exit)
            #expect(process.terminationStatus == 1)
            #expect(
                try program.read("errors")
                    == "vitrine: could not write to standard output: No space left on device\n")
        }
    }

    @Test func `a second input of load is refused, not taken for the first`() throws {
        try withProgram { program in
            try program.importBase()
            try program.run("save", "-o", "a.tar", "base")
            for arguments in [["-i", "a.tar", "-i", "b.tar"], ["-i", "a.tar", "b.tar"]] {
                let process = try program.start(["load"] + arguments)
                process.waitUntilExit()
                #expect(process.terminationStatus == 125)
            }
            #expect(try program.run("load", "-q", "-i", "a.tar").status == 0)
        }
    }

    @Test func `a terminal is told both how much of a layer is read and how much it has`() throws {
        try withProgram { program in
            try program.importBase()
            try program.run("save", "-o", "a.tar", "base")
            try program.run("rmi", "base")
            try program.run("gc")
            let output = try program.run(
                shell: #"script -qec "$VITRINE load -i a.tar" /dev/null"#)
            #expect(output.text.contains(" 0B of "), "\(output)")
        }
    }

    @Test func `a build goes on when nobody reads its progress`() throws {
        try withProgram { program in
            try program.importBase()
            try program.write("FROM base\nRUN seq 5\n", to: "context/Dockerfile")
            let process = try program.start(
                ["build", "-q=false", "--progress=plain", "-t", "app", "context"],
                errors: try closedPipe())
            process.waitUntilExit()
            #expect(process.terminationReason == .exit)
            _ = try program.run("build", "--progress=plain", "-t", "app", "context")
        }
    }

    @Test func `options before the command hold for it`() throws {
        try withProgram { program in
            try program.importBase()
            let other = program.directory + "/other"
            #expect(try program.run("images", "-q").text != "")
            #expect(try program.run("--root", other, "images", "-q").text == "")
            #expect(try program.run("images", "--root", other, "-q").text == "")
            try program.run("--root=\(other)", "import", "rootfs", "base")
            #expect(try program.run("--root=\(other)", "cache", "ls", "--json").text == "[]\n")
            #expect(
                try program.run("--root", other, "info").text.contains("Store: \(other)\n"))
        }
    }

    /// Docker's flags are Go's, which may be given a value.
    @Test func `every flag takes true and false`() throws {
        try withProgram { program in
            let dump = try program.run("--experimental-dump-help").text
            let tool = try #require(
                try JSONSerialization.jsonObject(with: Data(dump.utf8)) as? [String: Any])
            let root = try #require(tool["command"] as? [String: Any])
            var count = 0
            func check(_ command: [String: Any], _ path: [String]) throws {
                for case let argument as [String: Any] in command["arguments"] as? [Any] ?? []
                where argument["kind"] as? String == "flag" {
                    for case let name as [String: Any] in argument["names"] as? [Any] ?? []
                    where name["kind"] as? String == "long" {
                        let flag = try #require(name["name"] as? String)
                        if ["help", "version", "report-ready"].contains(flag) { continue }
                        count += 1
                        let process = try program.start(
                            path + ["--\(flag)=false", "--no-such-flag"],
                            errors: try program.file("errors"))
                        process.waitUntilExit()
                        let errors = try program.read("errors")
                        #expect(!errors.contains(flag + "="), "\(path) --\(flag): \(errors)")
                        #expect(
                            !errors.contains("does not take any value"),
                            "\(path) --\(flag): \(errors)")
                    }
                }
                for case let inner as [String: Any] in command["subcommands"] as? [Any] ?? [] {
                    try check(inner, path + [inner["commandName"] as? String ?? ""])
                }
            }
            try check(root, [])
            #expect(count > 15)
        }
    }

    @Test func `every command takes values behind the letter of an option`() throws {
        try withProgram { program in
            try program.importBase()
            let id = try program.run("images", "-q=true").text
            #expect(!id.isEmpty)
            #expect(try program.run("images", "-aqfreference=base").text == id)
            #expect(try program.run("image", "list", "-qf=reference=other").text == "")
            #expect(try program.run("inspect", "-f{{.Id}}", "base").text.contains(id.dropLast()))
            #expect(try program.run("history", "-qH=false", "base").text == id)
            try program.run("create", "--name", "web", "base", "true")
            #expect(try program.run("ps", "-an1", "--format={{.Names}}").text == "web\n")
            #expect(try program.run("commit", "-qmfoo", "-p=false", "web", "other").status == 0)
            #expect(try program.run("inspect", "-f{{.Comment}}", "other").text == "foo\n")
            #expect(try program.run("stop", "-t0", "web").text == "web\n")
            #expect(try program.run("logs", "-tn1", "--follow=false", "web").status == 0)
            #expect(try program.run("rm", "-f=true", "web").text == "web\n")
        }
    }

    @Test(
        arguments: [
            ("stop -tx c", "--time", 125), ("logs -fX c", "-X", 125),
            ("stop c --nope", "--nope", 125), ("rm -f=perhaps c", "--force", 125),
            ("kill -s", "--signal", 125), ("build -t", "--tag", 64), ("build -qX .", "-X", 64),
        ] as [(String, String, Int32)])
    func `what is wrong with a row of short options is said`(
        _ given: String, _ name: String, _ status: Int32
    ) throws {
        try withProgram { program in
            let result = try program.run(
                arguments: given.split(separator: " ").map(String.init))
            #expect(result.status == status)
            #expect(result.errors.contains(name), "\(result.errors)")
        }
    }

    @Test func `names of files cannot write on the terminal`() throws {
        try withProgram { program in
            try program.importBase()
            try program.write("", to: "rootfs/a\u{1B}[2Jb")
            try program.run("import", "rootfs", "hostile")
            #expect(try program.run("diff", "base", "hostile").text == "A /a\\x1b[2Jb\n")
            let missing = try program.run("diff", "\u{1B}]0;x\u{07}", "base")
            #expect(missing.status != 0)
            #expect(!missing.errors.contains("\u{1B}"))
        }
    }

    @Test func `a path in a writable mount says why it is not compared`() throws {
        try withProgram { program in
            try program.importBase()
            #expect(try program.run("mount", "--rw", "base", "m").status == 0)
            let diff = try program.run("diff", "./m")
            #expect(diff.status == 1)
            #expect(diff.errors.contains("is in a writable mount"))
            #expect(try program.run("umount", "m").status == 0)
        }
    }

    @Test func `umount returns when the process that served has ended`() throws {
        try withProgram { program in
            try program.importBase()
            for command in ["$VITRINE mount base m", "$VITRINE mount --rw base m"] {
                #expect(try program.run(shell: command).status == 0)
                #expect(try program.run("umount", "m").status == 0)
                #expect(try program.names(in: "store/work") == [])
            }
        }
    }

    @Test func `a mount that cannot be says so where it was asked for`() throws {
        try withProgram { program in
            try program.importBase()
            let missing = try program.run("mount", "ghost", "m")
            #expect(missing.status == 1)
            #expect(missing.errors.contains("there is no image \"ghost\""))
            // Nor is a store made to say that it has none.
            let other = try program.run("--root", program.directory + "/new", "mount", "base", "m")
            #expect(other.errors.contains("there is no store at "))
        }
    }
}
