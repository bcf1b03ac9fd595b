import Foundation
import Glibc
import Testing

/// Containers as their users make, see, mount and remove them.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct ContainerTests {
    private func withProgram(_ body: (Program) throws -> Void) throws {
        let program = try Program()
        defer {
            _ = try? program.run("umount", "--lazy", "m")  // mounted or not
            program.remove()
        }
        try program.importBase()
        try body(program)
    }

    @Test func `what is written in a container is there after its mount`() throws {
        try withProgram { program in
            let created = try program.run("create", "--name", "web", "base")
            #expect(created.status == 0)
            let id = created.text.trimmingCharacters(in: .newlines)
            #expect(id.count == 64)
            #expect(try program.run("mount", "web", "m").status == 0)
            #expect(try program.run("mount").text.contains("vitrine:web\n"))
            #expect(
                try program.run(
                    shell: """
                        echo hello > m/new && rm m/etc/passwd && sync m/new && stat -c %i m/new > i
                        """
                ).status == 0)
            let listed = try program.run("ps", "-a").text
            #expect(listed.hasPrefix("CONTAINER ID   IMAGE   COMMAND   CREATED"))
            #expect(listed.contains("Mounted at \(program.directory)/m"))
            #expect(try program.run("umount", "m").status == 0)
            // By its ID, and by its first digits.
            #expect(try program.run("mount", String(id.prefix(8)), "m").status == 0)
            #expect(try program.read("m/new") == "hello\n")
            #expect(try program.run(shell: "ls m/etc; stat -c %i m/new | diff - i").text == "")
            #expect(try program.run("umount", "m").status == 0)
            #expect(try program.run("fsck").status == 0)
            #expect(try program.run("rm", "web").text == "web\n")
            #expect(try program.run("ps", "-aq").text == "")
            #expect(try program.names(in: "store/containers") == [])
        }
    }

    @Test func `names are Docker's, made up or given`() throws {
        try withProgram { program in
            let id = try program.run("create", "base").text.trimmingCharacters(in: .newlines)
            let name = try program.run("ps", "-a", "--format", "{{.Names}}").text
            #expect(name.wholeMatch(of: #/[a-z]+_[a-z]+\n/#) != nil, "\(name)")
            #expect(try program.run("ps", "-a", "-q").text == id.prefix(12) + "\n")
            #expect(try program.run("ps", "-a", "-q", "--no-trunc").text == id + "\n")
            #expect(
                try program.run("ps").text
                    == "CONTAINER ID   IMAGE   COMMAND   CREATED   STATUS   PORTS   NAMES\n")
            for wrong in ["a", "-ab", "a b", "ä_b"] {
                let result = try program.run("create", "--name=\(wrong)", "base")
                #expect(result.status == 1, "\(wrong)")
                #expect(result.errors.contains("is no name for a container"), "\(wrong)")
            }
            #expect(try program.run("create", "--name", "a.b-c_D1", "base").status == 0)
            let again = try program.run("create", "--name", "a.b-c_D1", "base")
            #expect(again.status == 1)
            #expect(again.errors.contains("the name \"a.b-c_D1\" is that of container"))
            #expect(try program.run("create", "nothing").errors.contains("there is no image"))
            #expect(
                try program.run("rm", "nothing").errors
                    .contains("there is no container \"nothing\""))
        }
    }

    @Test func `a container's name wins over an image's`() throws {
        try withProgram { program in
            try program.run("create", "--name", "base", "base")
            #expect(try program.run("mount", "base", "m").status == 0)
            #expect(try program.run("mount").text.contains("vitrine:base\n"))
            #expect(try program.run("umount", "m").status == 0)
        }
    }

    @Test func `a container is of one process, and is not removed under it`() throws {
        try withProgram { program in
            try program.run("create", "--name", "one", "base")
            _ = try program.run(shell: "mkdir other")
            #expect(try program.run("mount", "one", "m").status == 0)
            let second = try program.run("mount", "one", "other")
            #expect(second.status == 1)
            #expect(
                second.errors.contains("container \"one\" is in use by process"), "\(second.errors)"
            )
            #expect(second.errors.contains("mounted at \(program.directory)/m"))
            let removal = try program.run("rm", "one")
            #expect(removal.status == 1)
            #expect(removal.errors.contains("is in use by process"))
            #expect(try program.run("gc").status == 0)
            #expect(try program.run(shell: "echo x > m/x && cat m/x").text == "x\n")
            #expect(try program.run("rm", "--force", "one").status == 0)
            #expect(try program.names(in: "store/containers") == [])
            #expect(try program.run("mount").text.contains(program.directory) == false)
        }
    }

    @Test func `a collection keeps what a container leans on, and removes what has none`() throws {
        try withProgram { program in
            try program.run("create", "--name", "kept", "base")
            let refused = try program.run("rmi", "base")
            #expect(refused.status == 1)
            #expect(refused.errors.contains("container \"kept\" was made from image"))
            #expect(try program.run("rmi", "--force", "base").status == 0)
            _ = try program.run(
                shell: "cd store/containers && mkdir -p left/files && touch left/journal")
            #expect(try program.run("gc").status == 0)
            #expect(try program.names(in: "store/containers").count == 1)
            #expect(try program.run("mount", "kept", "m").status == 0)
            #expect(try program.run(shell: "cat m/usr/share/data/7 | head -c 4").text == "7 7 ")
            #expect(try program.run("umount", "m").status == 0)
            #expect(try program.run("fsck").status == 0)
            #expect(try program.run("ps", "-a").text.contains("kept"))
        }
    }

    @Test func `a container whose own file is gone is told`() throws {
        try withProgram { program in
            let id = try program.run("create", "--name", "bad", "base").text
                .trimmingCharacters(in: .newlines)
            #expect(try program.run("mount", "--rw", "bad", "m").status == 0)
            let written = try program.run(shell: "echo new > m/new && $VITRINE umount m")
            #expect(written.status == 0, "\(written.errors)")
            #expect(try program.run("fsck").status == 0)
            #expect(try program.run(shell: "rm store/containers/\(id)/files/*").status == 0)
            let check = try program.run("fsck")
            #expect(check.status == 1)
            #expect(
                check.text.contains("broken-container bad")
                    && check.text.contains("names a file that cannot be used"),
                "\(check.text)")
        }
    }

    @Test func `a damaged journal is told, and harms no other container`() throws {
        try withProgram { program in
            let id = try program.run("create", "--name", "bad", "base").text
                .trimmingCharacters(in: .newlines)
            try program.run("create", "--name", "good", "base")
            _ = try program.run(shell: "printf 'something' > store/containers/\(id)/journal")
            let mounted = try program.run("mount", "bad", "m")
            #expect(mounted.status == 1)
            #expect(
                mounted.errors.contains(
                    "store/containers/\(id)/journal is damaged: it does not begin as a journal does"
                ),
                "\(mounted.errors)")
            let check = try program.run("fsck")
            #expect(check.status == 1)
            #expect(check.text.contains("broken-container bad"), "\(check.text)")
            #expect(try program.run("mount", "good", "m").status == 0)
            #expect(try program.run("umount", "m").status == 0)
            #expect(try program.read("store/containers/\(id)/journal") == "something")
        }
    }
}
