import Foundation
import Testing

/// Docker's groups of commands: `container`, `image`, `system`, `builder`.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct CommandGroupTests {
    @Test func `a container lives below its group as without it`() throws {
        try withContainers { program in
            let made = try program.run(
                "container", "run", "-d", "--network", "none", "--name", "one", "base", "sh", "-c",
                "echo ready; sleep 1000")
            #expect(made.status == 0, "\(made.errors)")
            let run = { (arguments: String...) in
                try program.run(arguments: ["container"] + arguments)
            }
            for list in ["ls", "list", "ps"] {
                #expect(try run(list, "--format", "{{.Names}}").text == "one\n")
            }
            #expect(try run("exec", "one", "echo", "-n", "x").text == "x")
            #expect(try run("exec", "-w", "/etc", "one", "cat", "passwd").text.hasPrefix("root:"))
            #expect(try run("rename", "one", "two").status == 0)
            #expect(try run("stop", "-t", "0", "two").text == "two\n")
            #expect(try run("logs", "two").text == "ready\n")
            #expect(try run("start", "two").text == "two\n")
            #expect(try run("kill", "two").text == "two\n")
            #expect(try run("wait", "two").text == "137\n")
            #expect(try run("cp", "two:/etc/passwd", "-").text.contains("root:x:0:0"))
            #expect(try run("commit", "two", "three").text.hasPrefix("sha256:"))
            #expect(try run("create", "--name", "four", "three", "true").status == 0)
            #expect(try run("rm", "two").text == "two\n")
            #expect(try run("remove", "four").text == "four\n")
            #expect(
                try run("run", "--rm", "--network=none", "base", "sh", "-c", "exit 3").status == 3)
            #expect(try run("run", "--rm", "--network=none", "base", "none").status == 127)
        }
    }

    @Test func `images and the store have their groups`() throws {
        try withContainers { program in
            try program.write("FROM base\nRUN true > /new\n", to: "context/Dockerfile")
            for (number, build) in [["image", "build"], ["builder", "build"]].enumerated() {
                let built = try program.run(
                    arguments: build + ["-q", "--no-cache=false", "-t", "app:\(number)", "context"])
                #expect(built.status == 0, "\(built.errors)")
            }
            let names = "{{.Repository}}:{{.Tag}}"
            #expect(
                try program.run("image", "ls", "--format", names, "app").text == "app:0\napp:1\n")
            #expect(try program.run("image", "list", "-q").text.split(separator: "\n").count == 3)
            #expect(try program.run("image", "tag", "base", "other").status == 0)
            #expect(try program.run("image", "rm", "app:0").text == "Untagged: app:0\n")
            #expect(try program.run("image", "remove", "other").text == "Untagged: other:latest\n")
            #expect(try program.run("image", "history", "-q", "app:1").status == 0)
            #expect(try program.run("image", "save", "-o", "a.tar", "app:1").status == 0)
            #expect(try program.run("image", "load", "-q", "-i", "a.tar").status == 0)
            #expect(
                try program.run("system", "df", "--format", "{{.Type}}").text
                    == "Images\nContainers\nLocal Volumes\nBuild Cache\n")
            #expect(try program.run("system", "info").text.contains("Images: 2"))
            #expect(try program.run("system", "events", "--until", "0s").status == 0)
            #expect(try program.run("--root", "nowhere", "image", "ls", "-q").text == "")
        }
    }

    @Test func `inspect below a group finds only what is of its kind`() throws {
        try withContainers { program in
            #expect(try program.run("create", "--name", "base", "base", "true").status == 0)
            #expect(try program.run("create", "--name", "one", "base", "true").status == 0)
            let format = ["inspect", "-f", "{{.Id}}"]
            let image = try program.run(arguments: ["image"] + format + ["base"])
            #expect(image.text.hasPrefix("sha256:"))
            let container = try program.run(arguments: ["container"] + format + ["base"])
            #expect(container.text.count == 65)
            #expect(try program.run(arguments: format + ["base"]).text == container.text)
            let none = try program.run("image", "inspect", "one")
            #expect(none.status == 1)
            #expect(none.text == "[]\n")
            #expect(none.errors.hasPrefix("Error: there is no image \"one\""))
            let missing = try program.run("container", "inspect", "app")
            #expect(missing.status == 1)
            #expect(missing.errors.hasPrefix("Error: there is no container \"app\""))
        }
    }

    private static let wrongUsage: [([String], Int32)] = [
        (["container", "run"], 125), (["container", "ls", "--nothing"], 125),
        (["image", "rm"], 125), (["system", "df", "--nothing"], 125),
        (["system", "prune", "--nothing"], 125), (["builder", "prune", "--nothing"], 125),
        (["container", "nothing"], 125), (["image", "build"], 64), (["builder", "build"], 64),
        (["prune", "--nothing"], 64),
    ]

    @Test(arguments: wrongUsage)
    func `wrong usage ends as without the group`(arguments: [String], code: Int32) throws {
        let program = try Program()
        defer { program.remove() }
        let result = try program.run(arguments: arguments)
        #expect(result.status == code, "\(result)")
        #expect(result.errors.contains("vitrine \(arguments[0])"), "\(result.errors)")
    }

    @Test func `completion and help know what is below the groups`() throws {
        let program = try Program()
        defer { program.remove() }
        let help = try program.run("container", "--help").text
        #expect(help.contains("ls, list, ps"))
        let inner = try program.run("container", "run", "--help").text
        #expect(inner.contains("USAGE: vitrine container run"))
        let completion = try program.run("--generate-completion-script", "bash").text
        #expect(completion.contains("_vitrine_image_prune()"))
    }

    @Test(arguments: [["container", "ls"], ["image", "ls"], ["container", "rm"], ["images"]])
    func `usage names a command as it was called`(arguments: [String]) throws {
        let program = try Program()
        defer { program.remove() }
        let help = try program.run(arguments: arguments + ["--help"]).text
        let called = arguments.joined(separator: " ")
        #expect(help.contains("USAGE: vitrine \(called) ["), "\(help)")
    }

    @Test(arguments: [
        "load -i ho", "load ho", "build -f ho", "build --iidfile ho", "cp ho", "cp x ho",
        "--root ho images", "run --env-file ho", "run -v ho", "mount x hous", "export -o ho",
        "import ho", "save -o ho", "cache mount export -o ho", "umount hous",
    ])
    func `files are completed where files are named`(line: String) throws {
        let program = try Program()
        defer { program.remove() }
        try program.write("", to: "house/window")
        // The cursor stands behind the word that begins like the file.
        let words = line.split(separator: " ").map(String.init)
        let place = try #require(words.firstIndex { $0.hasPrefix("ho") }) + 1
        let result = try program.run(
            shell: """
                eval "$($VITRINE --generate-completion-script bash)"
                COMP_WORDS=(vitrine \(line)); COMP_CWORD=\(place); COMP_LINE='vitrine \(line)'
                COMP_POINT=${#COMP_LINE}
                _vitrine vitrine "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
                echo "${COMPREPLY[*]}"
                """)
        #expect(result.text == "house\n", "\(result)")
    }
}
