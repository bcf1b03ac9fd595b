import Testing

/// Events, in Docker's order and words.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct DockerEventTests {
    private func events(
        _ program: Program, _ filters: String..., format: String = "{{.Action}}"
    ) throws -> String {
        let shown = try program.run(
            arguments: ["events", "--since", "1h", "--until", "0s", "--format", format]
                + filters.flatMap { ["--filter", $0] })
        #expect(shown.status == 0, "\(shown.errors)")
        return shown.text
    }

    private func start(_ program: Program, _ name: String, _ options: String...) throws {
        let made = try program.run(
            arguments: ["run", "-d", "--network", "none", "--name", name] + options
                + ["base", "sleep", "100"])
        try #require(made.status == 0, "\(made.errors)")
    }

    @Test func `a container is stopped before it is destroyed`() throws {
        try withContainers { program in
            try start(program, "fleeting", "--rm")
            #expect(try program.run("stop", "-t", "0", "fleeting").status == 0)
            let told = try events(program, "container=fleeting")
            #expect(told.hasSuffix("kill\ndie\nstop\ndestroy\n"), "\(told)")
        }
    }

    @Test func `one that is removed by force is killed, not stopped`() throws {
        try withContainers { program in
            try start(program, "forced")
            #expect(try program.run("rm", "-f", "forced").status == 0)
            let told = try events(program, "container=forced")
            #expect(told == "create\nstart\nkill\ndie\ndestroy\n")
        }
    }

    @Test func `templates find what events of some kinds are without`() throws {
        try withContainers { program in
            #expect(try program.run("volume", "create", "data").status == 0)
            let told = try events(
                program, "type=volume", format: "[{{.Status}}{{.ID}}{{.From}}] {{.Actor.ID}}")
            #expect(told == "[] data\n")
            let json = try events(program, "type=volume", format: "{{json .}}")
            #expect(!json.contains("status"), "\(json)")
            let unknown = try program.run(
                "events", "--since", "1h", "--until", "0s", "--format", "{{.Nothing}}")
            #expect(unknown.status != 0)
        }
    }

    @Test func `images tell what happens to them`() throws {
        try withContainers { program in
            try #require(
                try program.run(
                    shell: """
                        set -e
                        $VITRINE import -c 'LABEL role=front' rootfs front
                        $VITRINE tag front other:1
                        $VITRINE save -o front.tar front
                        $VITRINE rmi other:1
                        $VITRINE rmi front
                        $VITRINE load -i front.tar
                        $VITRINE create --name one front true
                        $VITRINE commit one made:1
                        $VITRINE rm one
                        printf 'FROM front\nENV one=1\n' > Dockerfile
                        $VITRINE build -q -t built:1 -t built:2 .
                        $VITRINE build -q -t built:1 -t built:3 .
                        """
                ).status == 0)
            let id = try program.run("inspect", "-f", "{{.Id}}", "front").text
                .split(separator: "\n").joined()
            let told = try events(
                program, "type=image", "image=\(id)",
                format: "{{.Action}} {{.Actor.Attributes.name}}")
            let expected = [
                "tag front:latest", "import \(id)", "tag other:1", "save \(id)", "untag \(id)",
                "untag \(id)", "delete \(id)", "load \(id)",
            ]
            #expect(told == expected.map { $0 + "\n" }.joined())
            // As Docker: what is gone has no labels any more.
            let labelled = try events(program, "type=image", "label=role=front")
            #expect(labelled == "tag\nimport\ntag\nsave\nuntag\nuntag\nload\ntag\ntag\ntag\ntag\n")
            // What has the name already is not named again.
            #expect(
                try events(
                    program, "event=tag", "image=built", format: "{{.Actor.Attributes.name}}")
                    == "built:1\nbuilt:2\nbuilt:3\n")
            #expect(try events(program, "event=commit", "container=one") == "commit\n")
            let pruned = try program.run("image", "prune", "-a", "-f")
            #expect(pruned.status == 0, "\(pruned.errors)")
            #expect(try events(program, "type=image", "event=delete").utf8.count == 7 * 5)
            for kind in ["container", "volume", "builder"] {
                #expect(try program.run(kind, "prune", "-f").status == 0)
            }
            #expect(
                try events(
                    program, "event=prune",
                    format: "{{.Type}}{{.Actor.ID}} {{len .Actor.Attributes}}")
                    == "image 1\ncontainer 1\nvolume 1\nbuilder 1\n")
        }
    }
}
