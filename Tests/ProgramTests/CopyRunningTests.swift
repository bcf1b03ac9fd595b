import Foundation
import Glibc
import Testing

/// `cp` with containers that run: what their processes see is what is copied.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct CopyRunningTests {
    private func withRunning(
        _ options: String, _ command: String, _ body: (Program) throws -> Void
    ) throws {
        let program = try Program()
        defer {
            _ = try? program.run("rm", "--force", "web")  // running or not
            program.remove()
        }
        try program.importBase()
        let started = try program.run(
            shell: "printf hello > file; mkdir host outside; $VITRINE run -d --name web "
                + "--network none \(options) base sh -c '\(command)'")
        try #require(started.status == 0, "\(started.errors)")
        try body(program)
        #expect(try program.run("rm", "--force", "web").status == 0)
        #expect(
            try program.run(shell: "grep -c \"$PWD/store\" /proc/self/mountinfo; true").text
                == "0\n")
    }

    @Test(.timeLimit(.minutes(30)))
    func `volumes, memory and read-only mounts are seen as they are inside`() throws {
        try withRunning(
            "-v vol:/data -v $PWD/host:/host:ro --tmpfs /mem", "echo m > /mem/m; sleep 100"
        ) { program in
            for place in ["data", "mem"] {
                #expect(try program.run("cp", "file", "web:/\(place)").status == 0)
                #expect(try program.run("exec", "web", "cat", "/\(place)/file").text == "hello")
            }
            #expect(try program.read("store/volumes/vol/data/file") == "hello")
            #expect(try program.run("cp", "web:/mem/file", "got").status == 0)
            let refused = try program.run("cp", "file", "web:/host")
            #expect(refused.errors == "Error: mounted volume is marked read-only\n")
            // A file that is mounted gets the content.
            #expect(try program.run("cp", "file", "web:/etc/hosts").status == 0)
            #expect(try program.run("exec", "web", "cat", "/etc/hosts").text == "hello")
            // What the kernel makes up is one file at a time.
            #expect(try program.run("cp", "web:/proc/sys/kernel/ostype", "type").status == 0)
            #expect(try program.read("type") == "Linux\n")
            let whole = try program.run(
                shell: "timeout 300 $VITRINE cp -q web:/ all && ls -A all/proc all/mem")
            #expect(whole.text == "all/mem:\nfile\nm\n\nall/proc:\n", "\(whole.errors)")
            // Once it has ended, the volume is there and the memory is not.
            #expect(try program.run("kill", "web").status == 0)
            #expect(try program.run("cp", "web:/data/file", "after").status == 0)
            #expect(try program.run("cp", "web:/mem/file", "after").status == 1)
        }
    }

    @Test(.timeLimit(.minutes(30)))
    func `links of /proc and links that change lead nowhere else`() throws {
        try withRunning(
            "-e OUTSIDE=$PWD/outside",
            "mkdir /t; ln -s /proc/1/root /t/root; ln -s /proc/1/cwd /t/cwd; "
                + "while :; do rm -rf /t/x; ln -s $OUTSIDE /t/x; rm -rf /t/x; mkdir /t/x; done"
        ) { program in
            try Program.wait {
                try program.run("exec", "web", "sh", "-c", "test -L /t/cwd").status == 0
            }
            for link in ["root", "cwd"] {
                let refused = try program.run("cp", "file", "web:/t/\(link)/planted")
                #expect(refused.status == 1)
                #expect(refused.errors.contains("Too many levels of symbolic links"))
            }
            for _ in 0..<30 { try program.run("cp", "file", "web:/t/x/planted") }
            #expect(try program.names(in: "outside") == [])
        }
    }

    @Test(.timeLimit(.minutes(30)))
    func `a root that is read-only refuses, a volume in it does not`() throws {
        try withRunning("--read-only -v vol:/data", "sleep 100") { program in
            let refused = try program.run("cp", "file", "web:/etc")
            #expect(refused.errors == "Error: container rootfs is marked read-only\n")
            #expect(try program.run("cp", "file", "web:/data").status == 0)
            #expect(try program.run("cp", "web:/data/file", "got").status == 0)
        }
    }
}
