import Foundation
import Testing

/// What users of Docker and Podman type without thinking.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct DockerVocabularyTests {
    private func withImages(_ body: (Program) throws -> Void) throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try program.write(
            "FROM base\nRUN true > /new\nLABEL a.b=c\nENV X=1\nCMD [\"sh\"]\n",
            to: "context/Dockerfile")
        #expect(try program.run("build", "-q", "-t", "app:1", "-t", "app:2", "context").status == 0)
        try body(program)
    }

    @Test func `inspect prints what a template asks for, by Docker's names`() throws {
        try withImages { program in
            let layers = try program.run("inspect", "--format", "{{json .RootFS.Layers}}", "app:1")
            #expect(layers.status == 0)
            #expect(layers.text.hasPrefix("[\"sha256:"))
            #expect(
                try program.run("inspect", "-f", "{{index .Config.Labels \"a.b\"}}", "app:1").text
                    == "c\n")
            #expect(
                try program.run(
                    "inspect", "-f", "{{range .RepoTags}}{{println .}}{{end}}", "app:1"
                ).text == "app:1\napp:2\n\n")
            #expect(
                try program.run("inspect", "-f", "{{json .Config.Volumes}}", "base").text
                    == "null\n")
            let missing = try program.run("inspect", "-f", "{{json .RootFS.Layer}}", "app:1")
            #expect(missing.status == 1)
            #expect(missing.errors.contains("can't evaluate field Layer; there are .Type, .Layers"))
            let plain = try program.run("inspect", "app:1").text
            #expect(try program.run("inspect", "-f", "", "app:1").text == plain)
            #expect(
                try program.run("inspect", "-f", "json", "app:1", "base").text
                    .hasPrefix("[{\"Id\":"))
            let tables = ["", "table"].map { ["images", "--format", $0] } + [["images"]]
            // But for the fourth column, which says how long ago.
            let listed = try tables.map { table in
                try program.run(arguments: table).text.split(separator: "\n").map { line in
                    line.split(separator: /\s\s+/).enumerated().filter { $0.offset != 3 }
                        .map(\.element)
                }
            }
            #expect(listed[0].map(\.count) == [4, 4, 4, 4])
            #expect(Set(listed).count == 1)
        }
    }

    @Test func `inspect of several prints those that are there, and fails`() throws {
        try withImages { program in
            let result = try program.run("inspect", "-f", "{{.RepoTags}}", "missing", "base")
            #expect(result.status == 1)
            #expect(result.text == "[base:latest]\n")
            #expect(
                result.errors.hasPrefix(
                    "Error: there is no container, image or volume \"missing\""))
        }
    }

    @Test func `images are listed by filter and pattern`() throws {
        try withImages { program in
            func list(_ arguments: String...) throws -> String {
                let format = ["images", "--format", "{{.Repository}}:{{.Tag}}"]
                return try program.run(arguments: format + arguments).text
                    .replacing("\n", with: " ")
            }
            #expect(try list("-a") == "app:1 app:2 base:latest ")
            #expect(try list("b*") == "base:latest ")
            #expect(try list("app") == "app:1 app:2 ")
            #expect(try list("app:2") == "app:2 ")
            #expect(try list("-f", "label=a.b") == "app:1 app:2 ")
            #expect(try list("-f", "label=a.b=d") == "")
            #expect(try list("-f", "reference=*:1", "-f", "reference=base") == "app:1 base:latest ")
            #expect(try list("--filter", "before=app:1") == "base:latest ")
            #expect(try list("--filter", "since=base") == "app:1 app:2 ")
            #expect(try list("--filter", "dangling=true") == "")
            #expect(try list("-f", "label!=a.b") == "base:latest ")
            #expect(try program.run("tag", "base", "sha256:1").status == 1)
            #expect(try program.run("rmi", "-f", "nothing").status == 0)
            #expect(try list("-f", "until=1h") == "")
            #expect(try program.run("images", "-q", "app").text.split(separator: "\n").count == 2)
            let unknown = try program.run("images", "-f", "colour=red")
            #expect(unknown.status == 1)
            #expect(unknown.errors.contains("there is no filter \"colour\""))
            let table = try program.run(
                "images", "--format", "table {{.ID}}\\t{{.CreatedAt}}", "base")
            #expect(table.text.hasPrefix("IMAGE ID       CREATED AT"))
            let moment = try program.run(
                shell: "TZ=Etc/GMT-3 $VITRINE images --format '{{.CreatedAt}}' base")
            #expect(
                moment.text.wholeMatch(of: #/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0300 \+03\n/#) != nil,
                "\(moment)")
        }
    }

    @Test func `flags of every day are known`() throws {
        try withImages { program in
            let human = try program.run("history", "-H", "app:1").text
            #expect(human.contains("ago"))
            let exact = try program.run("history", "--human=false", "app:1").text
            #expect(exact.hasPrefix("IMAGE          CREATED AT"))
            #expect(!exact.contains(" ago"))
            #expect(try program.run("df", "-v").text.contains("INSTRUCTION"))
            #expect(try program.run("cache", "prune", "-f", "-a").status == 0)
            #expect(
                try program.run("cache", "prune", "--force", "--filter", "until=24h").status == 0)
            #expect(try program.run("cache", "prune", "--filter", "until=soon").status == 64)
        }
    }

    @Test func `looking makes no store`() throws {
        let program = try Program()
        defer { program.remove() }
        for command in [
            ["inspect", "a"], ["history", "a"], ["diff", "a"], ["df"], ["fsck"],
            ["save", "-o", "x", "a"], ["cache", "ls"], ["gc"], ["mount", "a", "m"],
            ["rmi", "a"], ["tag", "a", "b"],
        ] {
            let result = try program.run(arguments: command)
            #expect(result.status == 1, "\(command)")
            #expect(result.errors.hasPrefix("Error: there is no store at "), "\(command)")
        }
        let images = try program.run("images")
        #expect(images.status == 0)
        #expect(images.text == "REPOSITORY   TAG   IMAGE ID   CREATED   SIZE\n")
        // What there is to know of the host is known without one.
        let info = try program.run("info")
        #expect(info.status == 0)
        #expect(info.text.contains("Images: 0\n") && info.text.contains("FUSE: "))
        #expect(info.errors.hasPrefix("vitrine: there is no store at "))
        #expect(try program.run("info", "-f", "{{.Containers}} {{.OSType}}").text == "0 linux\n")
        #expect(!FileManager.default.fileExists(atPath: program.directory + "/store"))
        #expect(try program.run("--root", "", "images").status == 125)
    }

    @Test func `a store that everyone can write to is refused`() throws {
        try withImages { program in
            let store = program.directory + "/store"
            try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: store)
            let images = try program.run("images")
            #expect(images.status == 1)
            #expect(images.errors.contains("everyone can write to"))
        }
    }

    @Test func `a read-only store says so without its statements`() throws {
        try withImages { program in
            let result = try program.run(
                shell: """
                    exec unshare --mount sh -c 'mount --bind store store && \
                        mount -o remount,bind,ro store && exec $VITRINE tag base other'
                    """)
            #expect(result.status == 1)
            #expect(!result.errors.contains("SQL"), "\(result.errors)")
            #expect(!result.errors.contains("INSERT"), "\(result.errors)")
            #expect(result.errors.split(separator: "\n").count <= 2)
        }
    }

    @Test func `facts for programs have keys without blanks, and numbers`() throws {
        try withImages { program in
            let facts = try #require(
                try JSONSerialization.jsonObject(
                    with: Data(try program.run("info", "--json").text.utf8)) as? [String: Any])
            #expect(facts.keys.allSatisfy { !$0.contains(" ") })
            #expect(facts["Images"] as? Int == 2)
            #expect((facts["FreeSpaceBytes"] as? Int ?? 0) > 0)
        }
    }

    @Test func `what a build is asked wrongly is told before it begins`() throws {
        try withImages { program in
            let missing = try program.run("build", "nowhere")
            #expect(missing.errors.contains("could not open the build context \"nowhere\""))
            let file = try program.run("build", "context/Dockerfile")
            #expect(file.errors.contains("is a file, not a directory"))
            let address = try program.run("build", "https://host.invalid/a.git?what=x")
            #expect(address.errors.contains("\"what\" means nothing here"))
            let place = try program.run("build", "--iidfile", "none/x", "context")
            #expect(
                place.errors == "Error: could not write the image's ID to none/x: "
                    + "No such file or directory\n")
            let quiet = try program.run("build", "--progress", "quiet", "context")
            #expect(quiet.text.hasPrefix("sha256:"))
            let argument = try program.run("build", "--build-arg", "=x", "context")
            #expect(argument.errors.contains("Usage: vitrine build"))
        }
    }

    @Test func `a step that finds no room elsewhere is not told of the store's disk`() throws {
        try withImages { program in
            try program.write(
                "FROM base\nRUN echo 'x: No space left on device' && false\n",
                to: "context/Dockerfile")
            let build = try program.run("build", "context")
            #expect(build.status == 1)
            #expect(!build.errors.contains("vitrine cache prune"), "\(build.errors)")
        }
    }
}
