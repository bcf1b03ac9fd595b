import Foundation
import Glibc
import Testing

/// What the gallery shows while the store changes.
@Suite(
    .serialized, .timeLimit(.minutes(30)),
    .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct GalleryTests {
    private func withGallery(_ body: (Program) throws -> Void) throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        #expect(try program.run("serve", "--detach").status == 0)
        defer { _ = try? program.run("umount", "gallery") }
        try body(program)
    }

    /// The errors of what views could not answer, which nobody should meet here.
    private func expectQuietLog(_ program: Program) throws {
        let log = (try? program.read("store/logs/mounts.log")) ?? ""  // nothing was said yet
        #expect(!log.contains("could not"), "\(log)")
    }

    @Test func `who stands in what is removed is told that it is gone`() throws {
        try withGallery { program in
            try program.run("tag", "base", "other")
            try program.run("create", "--name", "held", "base", "true")
            let result = try program.run(
                shell: """
                    cd gallery/containers/held && ls > /dev/null && $VITRINE rm -f held > /dev/null
                    ls . ; cat state.json
                    cd "$OLDPWD/gallery/images/base:latest/layers" && ls > /dev/null
                    $VITRINE rmi base other > /dev/null; $VITRINE gc > /dev/null; ls ../steps
                    """)
            let lines = result.errors.split(separator: "\n")
            #expect(lines.count == 3, "\(result)")
            for line in lines {
                let isSo = ["Stale file handle", "No such file or directory"].contains {
                    line.hasSuffix($0)
                }
                #expect(isSo, "\(line)")
            }
            #expect(result.text == "")
            try expectQuietLog(program)
        }
    }

    @Test func `a walk beside containers that come and go meets no errors of the view`() throws {
        try withGallery { program in
            let result = try program.run(
                shell: """
                    for n in 1 2 3 4 5 6; do $VITRINE run --rm base true; done &
                    while kill -0 $! 2> /dev/null; do find gallery/containers > /dev/null; done
                    """)
            #expect(!result.errors.contains("Input/output error"), "\(result.errors)")
            try expectQuietLog(program)
        }
    }

    @Test func `the status of a build is followed to its end, also of one that is killed`() throws {
        try withGallery { program in
            try program.write(
                "FROM base\nRUN until [ -e /m/go ]; do sleep .1; done\n", to: "context/Dockerfile")
            let endings: [(signal: Int32, ending: String)] = [
                (SIGTERM, "cancelled"), (SIGKILL, "interrupted"),
            ]
            for (number, ending) in endings {
                let known = Set(try program.names(in: "gallery/builds"))
                let build = try program.start(["build", "context"])
                var name: String?
                try Program.wait {
                    name = try program.names(in: "gallery/builds").first { !known.contains($0) }
                    return name != nil
                }
                let path = "gallery/builds/\(try #require(name))/status"
                #expect(try program.read(path).contains("\nrunning\n"))
                kill(build.processIdentifier, number)
                build.waitUntilExit()
                #expect(try program.read(path).contains("\n\(ending)\n"))
            }
        }
    }
}
