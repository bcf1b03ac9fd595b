import Foundation
import Testing

/// The `prune` commands: what goes, and that nothing goes that is in use.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct PruneTests {
    private func create(_ program: Program, _ name: String, _ options: String...) throws -> String {
        let made = try program.run(
            arguments: ["create", "--network", "none", "--name", name] + options
                + ["base", "sleep", "1000"])
        #expect(made.status == 0, "\(made.errors)")
        return made.text.trimmingCharacters(in: .newlines)
    }

    private func names(_ program: Program) throws -> [String] {
        try program.run("ps", "-a", "--format", "{{.Names}}").text.split(separator: "\n")
            .map(String.init).sorted()
    }

    private func build(_ program: Program, _ name: String?, _ text: String) throws -> String {
        try program.write("FROM base\n\(text)\n", to: "context/Dockerfile")
        let result = try program.run(
            arguments: ["build", "-q"] + (name.map { ["-t", $0] } ?? []) + ["context"])
        #expect(result.status == 0, "\(result.errors)")
        return result.text.trimmingCharacters(in: .newlines)
    }

    @Test func `containers that run or are mounted are not pruned`() throws {
        try withContainers { program in
            let idle = try create(program, "idle")
            _ = try create(program, "runs")
            _ = try create(program, "pauses")
            _ = try create(program, "mounted")
            for name in ["runs", "pauses"] {
                let started = try program.run("start", name)
                #expect(started.status == 0, "\(started.errors)")
            }
            #expect(try program.run("pause", "pauses").status == 0)
            #expect(try program.run("mount", "mounted", "m").status == 0)
            let pruned = try program.run("container", "prune", "-f")
            #expect(
                pruned.text == "Deleted Containers:\n\(idle)\n\nTotal reclaimed space: 0B\n",
                "\(pruned.errors)")
            #expect(try names(program) == ["mounted", "pauses", "runs"])
            #expect(try program.run("umount", "m").status == 0)
            #expect(try program.run("kill", "runs").status == 0)
            let all = try program.run("container", "prune", "--force", "--json")
            #expect(all.text.contains("\"ContainersDeleted\": ["))
            #expect(try names(program) == ["pauses"])
            #expect(try program.run("unpause", "pauses").status == 0)
        }
    }

    @Test func `what a container wrote is what its end frees`() throws {
        try withContainers { program in
            let made = try program.run(
                "run", "--name", "wrote", "--network", "none", "base", "sh", "-c",
                "seq 1 100000 > /numbers")
            #expect(made.status == 0, "\(made.errors)")
            let pruned = try program.run("container", "prune", "--force").text
            #expect(pruned.hasSuffix("\nTotal reclaimed space: 589kB\n"), "\(pruned)")
        }
    }

    @Test func `containers are pruned by age and by label`() throws {
        try withContainers { program in
            _ = try create(program, "plain")
            _ = try create(program, "kept", "--label", "keep")
            _ = try create(program, "test", "--label", "stage=test")
            for (filters, left) in [
                (["until=24h"], ["kept", "plain", "test"]),
                (["label=stage=other"], ["kept", "plain", "test"]),
                (["label=stage=test", "until=0s"], ["kept", "plain"]),
                (["label!=keep"], ["kept"]),
            ] {
                let arguments = filters.flatMap { ["--filter", $0] }
                let pruned = try program.run(arguments: ["container", "prune", "-f"] + arguments)
                #expect(pruned.status == 0, "\(pruned.errors)")
                #expect(try names(program) == left, "\(filters)")
            }
            for wrong in ["until=soon", "colour=red", "label", "dangling=true"] {
                let refused = try program.run("container", "prune", "-f", "--filter", wrong)
                #expect(refused.status == (wrong == "label" ? 125 : 1), "\(wrong)")
            }
            #expect(try names(program) == ["kept"])
        }
    }

    @Test func `a prune asks, and no answer is no`() throws {
        try withContainers { program in
            _ = try create(program, "one")
            for answer in ["echo n", "true", "echo", "echo perhaps"] {
                let asked = try program.run(shell: "\(answer) | $VITRINE container prune")
                #expect(asked.status == 0)
                #expect(asked.text == "")
                #expect(
                    asked.errors
                        == "WARNING! This will remove all stopped containers.\n"
                        + "Are you sure you want to continue? [y/N] ")
            }
            #expect(try names(program) == ["one"])
            #expect(try program.run(shell: "echo y | $VITRINE container prune").status == 0)
            #expect(try names(program) == [])
        }
    }

    @Test func `cache prune and builder prune are one`() throws {
        try withContainers { program in
            var outputs: [String] = []
            for group in ["builder", "cache"] {
                _ = try build(program, "app", "RUN seq 1 100000 > /new")
                _ = try build(program, nil, "RUN seq 1 1000 > /other")
                func count() throws -> Int {
                    try program.run("cache", "ls", "--format", "{{.Key}}").text.split(
                        separator: "\n"
                    ).count
                }
                let asked = try program.run(shell: "echo n | $VITRINE \(group) prune --all")
                #expect(asked.text == "")
                #expect(asked.errors.hasPrefix("WARNING! This will remove all build cache.\n"))
                #expect(try count() == 2)
                let young = try program.run(group, "prune", "-af", "--filter", "until=1h")
                #expect(young.text == "Total reclaimed space: 0B\n")
                try program.run("image", "prune", "-f")
                outputs.append(try program.run(group, "prune", "-f").text)
                // That of the image stays.
                #expect(try count() == 1)
                outputs.append(try program.run(group, "prune", "-f", "--all").text)
                #expect(try count() == 0)
                try program.run("rmi", "app")
                try program.run("gc")
            }
            #expect(Array(outputs[..<2]) == Array(outputs[2...]))
            #expect(outputs.allSatisfy { $0.hasPrefix("Deleted build cache objects:\nsha256:") })
        }
    }

    @Test func `what lacks one of several labels is pruned, as by Docker`() throws {
        try withContainers { program in
            for (name, labels) in [("none", ""), ("a", "a"), ("b", "b"), ("both", "a b")] {
                let options = labels.split(separator: " ").flatMap { ["--label", String($0)] }
                _ = try program.run(
                    arguments: ["create", "--name", "c-\(name)"] + options + ["base"])
                _ = try program.run(
                    arguments: ["volume", "create"] + options + ["v-\(name)"])
            }
            let filter = ["--filter", "label!=a", "--filter", "label!=b"]
            _ = try program.run(arguments: ["container", "prune", "-f"] + filter)
            #expect(try names(program) == ["c-both"])
            _ = try program.run(arguments: ["volume", "prune", "-af"] + filter)
            #expect(try program.run("volume", "ls", "-q").text == "v-both\n")
        }
    }

    @Test func `images without a name go, and with --all those without a container`() throws {
        try withContainers { program in
            let old = try build(program, "app", "RUN seq 1 100000 > /old")
            _ = try build(program, "app", "RUN seq 1 200000 > /new\nLABEL stage=test")
            _ = try create(program, "one")
            #expect(try program.run("cache", "prune", "-af").status == 0)
            let pruned = try program.run("image", "prune", "--force").text
            #expect(
                pruned == "Deleted Images:\ndeleted: \(old)\n\nTotal reclaimed space: 598kB\n")
            for filter in ["until=24h", "label!=stage", "label=stage=other"] {
                let kept = try program.run("image", "prune", "-a", "-f", "--filter", filter)
                #expect(kept.text == "Total reclaimed space: 0B\n", "\(filter)")
            }
            let refused = try program.run("image", "prune", "-a", "--filter", "dangling=true")
            #expect(refused.status == 1)
            let all = try program.run("image", "prune", "-f", "--filter", "dangling=false").text
            #expect(all.hasPrefix("Deleted Images:\nuntagged: app:latest\ndeleted: sha256:"))
            // A container was made from it.
            let left = try program.run("images", "--format", "{{.Repository}}").text
            #expect(left == "base\n")
            #expect(try program.run("rm", "one").status == 0)
            #expect(try program.run("image", "prune", "-a", "-f").status == 0)
            #expect(try program.run("images", "-q").text == "")
            #expect(try program.run("fsck").status == 0)
        }
    }

    @Test func `an image that is mounted or built on is not pruned`() throws {
        try withContainers { program in
            #expect(try program.run("mount", "base", "m").status == 0)
            let kept = try program.run("image", "prune", "--all", "--force")
            #expect(kept.text == "Total reclaimed space: 0B\n")
            #expect(try program.run("umount", "m").status == 0)
            try program.write(
                "FROM base\nRUN echo begun && sleep 2 && seq 3 > /a\nRUN cat /a\n",
                to: "context/Dockerfile")
            let process = try program.start(
                ["build", "--progress=plain", "-t", "app", "context"],
                errors: try program.file("errors"))
            try program.wait(for: "begun", in: "errors")
            for prune in [
                ["system", "prune", "--all", "--force", "--volumes"],
                ["builder", "prune", "--all", "--force"],
            ] {
                #expect(try program.run(arguments: prune).status == 0)
            }
            #expect(try program.run("images", "-q", "base").text != "")
            process.waitUntilExit()
            let errors = try program.read("errors")
            #expect(process.terminationStatus == 0, "\(errors)")
            #expect(try program.run("fsck").status == 0)
        }
    }

    @Test func `the cache's steps of images stay unless all are to go`() throws {
        try withContainers { program in
            _ = try build(program, "app", "RUN seq 1 10 > /a\nRUN seq 1 20 > /b")
            let gone = try build(program, nil, "RUN seq 1 100000 > /c")
            func cached() throws -> [Substring] {
                try program.run("cache", "ls", "--format", "{{.Key}}").text.split(separator: "\n")
            }
            #expect(try cached().count == 3)
            let whole = try program.run("builder", "prune", "--force", "--keep-storage", "10GB")
            #expect(whole.text == "Total reclaimed space: 0B\n")
            #expect(try program.run("builder", "prune", "-f", "--filter", "until=1h").status == 0)
            #expect(try cached().count == 3)
            #expect(try program.run("rmi", gone).status == 0)
            let pruned = try program.run("builder", "prune", "--force").text
            #expect(pruned.hasPrefix("Deleted build cache objects:\nsha256:"))
            #expect(pruned.hasSuffix("\nTotal reclaimed space: 598kB\n"), "\(pruned)")
            #expect(try cached().count == 2)
            #expect(
                try program.run(shell: "$VITRINE build context 2>&1 | grep -c CACHED").text == "0\n"
            )
            #expect(try program.run("builder", "prune", "--all", "--force").status == 0)
            #expect(try cached().isEmpty)
            let wrong = try program.run("builder", "prune", "--reserved-space", "much")
            #expect(wrong.status == 125)
        }
    }

    @Test func `the whole store is pruned at once, and everything in use stays`() throws {
        try withContainers { program in
            let image = try build(program, nil, "RUN seq 1 1000 > /a")
            _ = try build(program, "app", "RUN seq 1 2000 > /a")
            let idle = try create(program, "idle", "-v", "/anonymous", "-v", "named:/named")
            _ = try create(program, "runs")
            #expect(try program.run("start", "runs").status == 0)
            let asked = try program.run(shell: "echo n | $VITRINE system prune --all --volumes")
            #expect(
                asked.errors == """
                    WARNING! This will remove:
                      - all stopped containers
                      - all anonymous volumes not used by at least one container
                      - all images without at least one container associated to them
                      - all build cache

                    Are you sure you want to continue? [y/N] 
                    """)
            let labelled = try program.run("system", "prune", "-f", "--filter", "label=none")
            #expect(labelled.text == "Total reclaimed space: 0B\n")
            let both = try program.run("system", "prune", "--volumes", "--filter", "until=1h")
            #expect(both.status == 1)
            #expect(try program.run("prune", "--volumes", "--filter", "until=1h").status == 1)
            let pruned = try program.run("prune", "--force", "--volumes").text
            let volumes = try #require(
                pruned.firstMatch(of: #/Deleted Volumes:\n([0-9a-f]{64})\n\n/#))
            #expect(
                pruned.hasPrefix(
                    "Deleted Containers:\n\(idle)\n\nDeleted Volumes:\n\(volumes.output.1)\n\n"
                        + "Deleted Images:\ndeleted: \(image)\n\n"
                        + "Deleted build cache objects:\nsha256:"))
            #expect(try names(program) == ["runs"])
            #expect(try program.run("volume", "ls", "-q").text == "named\n")
            let format = "{{.Repository}}"
            #expect(try program.run("images", "--format", format).text == "app\nbase\n")
            #expect(try program.run("system", "prune", "--all", "-f").status == 0)
            #expect(try program.run("images", "--format", format).text == "base\n")
            #expect(try program.run("exec", "runs", "echo", "still").text == "still\n")
            #expect(try program.run("fsck").status == 0)
        }
    }
}
