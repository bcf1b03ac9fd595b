import Foundation
import Glibc
import Testing

/// RUN with mounts: real views, caches and a real runtime.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct RunMountTests {
    private func withBase(_ body: (Program) throws -> Void) throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try body(program)
    }

    /// Builds it, and tells what its steps printed.
    private func build(
        _ program: Program, _ lines: String, _ options: [String] = []
    ) throws -> String {
        try program.write("FROM base\n\(lines)\n", to: "context/Dockerfile")
        let output = try program.run(
            arguments: ["build", "--progress=plain", "-t", "app"] + options + ["context"])
        #expect(output.status == 0, "\(output.errors)")
        return output.errors
    }

    private func expectNothingLeft(_ program: Program) throws {
        let table = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
        #expect(!table.contains(program.directory))
        #expect(try program.names(in: "store/work") == [])
        #expect(try program.names(in: "store/run") == [])
        #expect(try program.run("fsck").status == 0)
    }

    @Test func `binds show what they should, are written to in vain, and leave no trace`() throws {
        try withBase { program in
            try program.write("one", to: "context/a/f")
            try program.write("ignored", to: "context/a/g")
            try program.write("a/g\n", to: "context/.dockerignore")
            let output = try build(
                program,
                """
                RUN --mount=target=/deep/in/src --mount=source=a/f,target=/file,rw \
                    --mount=from=base,source=/usr/share,target=/share,rw \
                    cat /deep/in/src/a/f && echo " [$(echo /deep/in/src/a/*)]" && \
                    ! echo x > /deep/in/src/a/f && echo more >> /file && cat /file && \
                    rm -r /share/data && echo new > /share/new && cat /share/new
                """)
            #expect(output.contains(" one [/deep/in/src/a/f]"))
            #expect(output.contains("Read-only file system"))
            #expect(output.contains(" onemore"))
            #expect(output.contains(" new"))
            #expect(try program.run("diff", "app").text == "")
            #expect(try program.read("context/a/f") == "one")
            try expectNothingLeft(program)
        }
    }

    @Test func `what is below a mount's target in the image is untouched`() throws {
        try withBase { program in
            let output = try build(
                program,
                """
                RUN mkdir /old && echo old > /old/f
                RUN --mount=type=tmpfs,target=/old,size=64k ! cat /old/f && echo t > /old/f
                RUN --mount=type=cache,target=/old/c echo kept > /old/c/f && echo new > /old/g
                RUN cat /old/f && echo $(echo /old/*)
                """)
            #expect(output.contains(" /old/f /old/g"))
            #expect(output.contains(" old\n"))
            try expectNothingLeft(program)
        }
    }

    @Test func `a cache outlives its build, is shown, taken along, and filled`() throws {
        try withBase { program in
            let line = "RUN --mount=type=cache,id=a/b,target=/c,mode=0711,uid=5 "
            _ = try build(program, line + "echo 1 >> /c/n")
            let output = try build(program, line + "echo 2 >> /c/n; cat /c/n")
            #expect(output.contains(" 1\n") && output.contains(" 2\n"))
            #expect(try program.run("diff", "app").text == "")
            let list = try program.run("cache", "mounts", "--format", "{{.Name}} {{.ID}}").text
            #expect(list == "a%2Fb a/b\n")
            let export = try program.run(
                shell: "$VITRINE cache mount export a/b > a.tar && tar -tvf a.tar --numeric-owner")
            #expect(export.status == 0, "\(export.errors)")
            #expect(export.text.contains("drwx--x--x 5/0"))
            #expect(export.text.hasSuffix(" n\n"))
            let input = try program.run(
                shell: "$VITRINE cache mount import other < a.tar && $VITRINE cache mounts")
            #expect(input.status == 0, "\(input.errors)")
            let other = try build(
                program, "RUN --mount=type=cache,id=other,target=/c cat /c/n; ls -ldn /c || true")
            #expect(other.contains(" 1\n") && other.contains(" 2\n"))
            #expect(try program.run("serve", "--detach").status == 0)
            #expect(try program.names(in: "gallery/cache/mounts") == ["a%2Fb", "other"])
            #expect(try program.read("gallery/cache/mounts/a%2Fb/n") == "1\n2\n")
            let writing = try program.run(shell: "echo x > gallery/cache/mounts/a%2Fb/n")
            #expect(writing.status != 0)
            #expect(writing.errors.contains("Read-only file system"))
            // It shows what is there, not what was there when it was first looked at.
            _ = try build(program, line + "echo 3 >> /c/n")
            #expect(try program.read("gallery/cache/mounts/a%2Fb/n") == "1\n2\n3\n")
            #expect(try program.run("umount", "gallery").status == 0)
            #expect(try program.run("cache", "rm", "--mount", "a/b").text == "a%2Fb\n")
            #expect(try program.run("cache", "prune", "-f").status == 0)
            #expect(try program.names(in: "store/cache-mounts") == [])
            try expectNothingLeft(program)
        }
    }

    @Test func `a cache begins with what a stage has`() throws {
        try withBase { program in
            let output = try build(
                program,
                """
                RUN --mount=type=cache,target=/c,from=base,source=/usr/share/data \
                    cat /c/7 && echo mine > /c/7
                RUN --mount=type=cache,target=/c,from=base,source=/usr/share/data cat /c/7
                """)
            #expect(output.contains(" 7 7 7"))
            #expect(output.contains(" mine"))
            try expectNothingLeft(program)
        }
    }

    @Test(.timeLimit(.minutes(30)))
    func `builds wait for a locked cache, share a shared one, and get private ones`() throws {
        try withBase { program in
            func file(_ sharing: String, _ word: String) throws {
                try program.write(
                    """
                    FROM base
                    RUN --mount=type=cache,target=/c,sharing=\(sharing) \
                    echo \(word)-be''gun; echo \(word) > /c/here; \
                    for i in $(seq 40); do [ -e /c/go ] && break; sleep 0.1; done; \
                    echo \(word)-end $(echo /c/*)
                    """, to: "\(word)/Dockerfile")
            }
            func start(_ word: String) throws -> Process {
                try program.start(
                    ["build", "--progress=plain", word], errors: try program.file("log-\(word)"))
            }
            try file("locked", "first")
            try file("locked", "second")
            let first = try start("first")
            try program.wait(for: "first-begun", in: "log-first")
            let second = try start("second")
            try program.wait(for: "waiting for the cache mount /c", in: "log-second")
            #expect(try !program.read("log-second").contains("second-begun"))
            // The private one gets another, and does not wait.
            try file("private", "third")
            let third = try start("third")
            try program.wait(for: "third-begun", in: "log-third")
            #expect(first.isRunning)
            for process in [first, second, third] {
                process.waitUntilExit()
                #expect(process.terminationStatus == 0)
            }
            try file("shared", "fourth")
            try file("shared", "fifth")
            let fourth = try start("fourth")
            try program.wait(for: "fourth-begun", in: "log-fourth")
            let fifth = try start("fifth")
            try program.wait(for: "fifth-begun", in: "log-fifth")
            #expect(fourth.isRunning)
            let removal = try program.run("cache", "rm", "--mount", "%2Fc")
            #expect(removal.status != 0)
            #expect(removal.errors.contains("is in use by a build"))
            _ = try program.run(shell: "touch store/cache-mounts/%2Fc/data/go")
            for process in [fourth, fifth] {
                process.waitUntilExit()
                #expect(process.terminationStatus == 0)
            }
            #expect(try program.names(in: "store/cache-mounts") == ["%2Fc", "%2Fc~1"])
            try expectNothingLeft(program)
        }
    }

    @Test func `a secret is seen by the step and found nowhere afterwards`() throws {
        try withBase { program in
            let words = ["topsecretfile", "topsecretvariable"]
            try program.write(words[0], to: "secret")
            try program.write(
                """
                FROM base
                RUN --mount=type=secret,id=f --mount=type=secret,id=f,target=/p,mode=0444,gid=9 \
                    --mount=type=secret,id=e,env=TOKEN \
                    [ "$(cat /run/secrets/f)" = "$(cat /p)" ] && [ ${#TOKEN} = 17 ] && \
                    cat /run/secrets/f > /dev/null && ! echo x > /run/secrets/f && echo seen
                """, to: "context/Dockerfile")
            let output = try program.run(
                shell: """
                    export VALUE=\(words[1])
                    $VITRINE build --progress=plain -t app --secret id=f,src=secret \
                    --secret id=e,env=VALUE context
                    """)
            #expect(output.status == 0, "\(output.errors)")
            #expect(output.errors.contains(" seen"))
            for word in words {
                #expect(!output.errors.contains(word))
                // Not even in what was removed from a file of the database, or never compressed.
                let search = try program.run(
                    shell: "grep -rl \(word) store; $VITRINE save app | grep -c \(word)")
                #expect(search.text == "0\n")
            }
            #expect(try program.run("diff", "app").text == "")
            try expectNothingLeft(program)
        }
    }

    @Test func `while a step has secrets, they are on no disk`() throws {
        try withBase { program in
            try program.write("topsecretfile", to: "secret")
            try program.write(
                """
                FROM base
                RUN --mount=type=secret,id=f --mount=type=secret,id=f,env=TOKEN \
                echo be''gun; for i in $(seq 100); do [ -e /go ] && break; sleep 0.1; done
                """, to: "context/Dockerfile")
            let build = try program.start(
                ["build", "--progress=plain", "--secret", "id=f,src=secret", "context"],
                errors: try program.file("progress"))
            try program.wait(for: " begun", in: "progress")
            // Not into other file systems: those are in memory.
            let search = try program.run(
                shell: "find store -xdev -type f -exec grep -l topsecretfile {} +")
            #expect(search.text == "")
            kill(build.processIdentifier, SIGINT)
            build.waitUntilExit()
            try expectNothingLeft(program)
        }
    }

    @Test(
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: "/usr/bin/ssh-agent"),
            "there is no openssh-client"))
    func `an agent is forwarded with the owner and the mode that are asked for`() throws {
        try withBase { program in
            try program.write(
                """
                FROM base
                RUN --mount=type=ssh,uid=1000,gid=7,mode=0660 --mount=type=ssh,id=k,target=/a \
                    busybox ls -ln /run/buildkit /a; echo $SSH_AUTH_SOCK
                """, to: "context/Dockerfile")
            let output = try program.run(
                shell: """
                    ssh-keygen -q -t ed25519 -N '' -f key && eval $(ssh-agent) > /dev/null
                    $VITRINE build --progress=plain --ssh default --ssh k=key context
                    code=$?
                    kill $SSH_AGENT_PID
                    exit $code
                    """)
            #expect(output.status == 0, "\(output.errors)")
            #expect(output.errors.contains("srw-rw----    1 1000     7 "))
            #expect(output.errors.contains("srw-------    1 0        0 "))
            #expect(output.errors.contains(" /run/buildkit/ssh_agent.0\n"))
            let locked = try program.run(
                shell: """
                    ssh-keygen -q -t ed25519 -N secret -f locked
                    $VITRINE build --no-cache --ssh default=locked --ssh k=key context
                    """)
            #expect(locked.status == 1)
            #expect(locked.errors.contains("a key with a passphrase"))
            try expectNothingLeft(program)
        }
    }

    @Test func `an insecure step may mount, and the limits of a build hold`() throws {
        try withBase { program in
            let output = try build(
                program,
                """
                RUN --security=insecure busybox mkdir /m && busybox mount -t tmpfs none /m && \
                    busybox umount /m && busybox rmdir /m && busybox grep Seccomp: /proc/self/status
                RUN ulimit -n; busybox df -k /dev/shm; cat /etc/hosts; \
                    ! busybox mount -t tmpfs none /bin
                """,
                [
                    "--allow", "security.insecure", "--ulimit", "nofile=77:88", "--shm-size",
                    "2m", "--add-host", "db=10.1.2.3", "--add-host", "h:host-gateway",
                    "--memory", "1g",
                ])
            #expect(output.contains("Seccomp:\t0"))
            #expect(output.contains(" 77\n"))
            #expect(output.contains(" 2048 "))
            #expect(output.contains(" 10.1.2.3\tdb\n"))
            #expect(output.contains(" 127.0.0.1\th\n"))
            #expect(output.contains("--memory: ignored"))
            try expectNothingLeft(program)
        }
    }
}
