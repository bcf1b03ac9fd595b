import Foundation
import Glibc
import Testing

/// The whole program: real views, a real runtime.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct BuildCommandTests {
    private func withBase(_ body: (Program) throws -> Void) throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try body(program)
    }

    @Test func `access control lists come along, and --chmod sets their mask`() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write("x", to: "context/f")
        try program.write(
            "FROM scratch\nCOPY f /f\nCOPY --chmod=600 f /g\n", to: "context/Dockerfile")
        // User 1000 reads and writes, the group does nothing, the mask lets both be read and written.
        func list(mask: String) -> String {
            "02000000 01000600ffffffff 02000600e8030000 04000000ffffffff "
                + "1000\(mask)00ffffffff 20000000ffffffff"
        }
        let set = try program.run(
            shell: """
                python3 -c "import os, sys; os.setxattr('context/f', 'system.posix_acl_access', \
                bytes.fromhex('\(list(mask: "06"))'))"
                """)
        #expect(set.status == 0, "\(set.errors)")
        #expect(try program.run("build", "-q", "-o", "out", "context").status == 0)
        let seen = try program.run(
            shell: """
                python3 -c "import os
                for name in 'fg':
                    path = 'out/' + name
                    print(oct(os.stat(path).st_mode), os.getxattr(path, 'system.posix_acl_access').hex())"
                """)
        let lists = ["06", "00"].map { list(mask: $0).replacingOccurrences(of: " ", with: "") }
        #expect(seen.text == "0o100660 \(lists[0])\n0o100600 \(lists[1])\n", "\(seen.errors)")
    }

    @Test func `a second build of the same context runs nothing and gives the same image`() throws {
        try withBase { program in
            try program.write(
                "FROM base\nENV A=1\nRUN echo $A > /a\nCOPY f /f\nRUN true\nCMD [\"sh\"]\n",
                to: "context/Dockerfile")
            try program.write("content", to: "context/f")
            let first = try program.run("build", "-q", "-t", "app", "context")
            #expect(first.status == 0, "\(first.errors)")
            let second = try program.run("build", "--progress=plain", "-t", "app", "context")
            #expect(second.status == 0)
            #expect(second.errors.components(separatedBy: "CACHED").count == 4)
            #expect(second.errors.contains(first.text.trimmingCharacters(in: .newlines)))
            #expect(try program.run("diff", "app").text == "A /a\nA /f\n")
            #expect(try program.run("fsck").status == 0)
        }
    }

    @Test func `a step that changes nothing is the empty layer, without mount points`() throws {
        try withBase { program in
            try program.write("FROM base\nRUN true\n", to: "context/Dockerfile")
            #expect(try program.run("build", "-t", "app", "context").status == 0)
            #expect(
                try program.run("inspect", "app").text.contains(
                    "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"))
            #expect(try program.run("diff", "base", "app").text == "")
        }
    }

    @Test func `a failed step shows its output, its code, and its files in the gallery`() throws {
        try withBase { program in
            try program.write(
                "FROM base\nRUN echo left > /left; echo said; exit 7\n", to: "context/Dockerfile")
            let build = try program.run("build", "context")
            #expect(build.status == 1)
            #expect(build.errors.contains("said"))
            #expect(build.errors.contains("exit code 7") || build.errors.contains("exit code: 7"))
            #expect(try program.run("serve", "--detach").status == 0)
            let builds = try program.names(in: "gallery/builds")
            #expect(try program.read("gallery/builds/\(builds[0])/failed/left") == "left\n")
            #expect(try program.run("umount", "gallery").status == 0)
        }
    }

    @Test(arguments: [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129)] as [(Int32, Int32)])
    func `interrupting a build ends its processes and leaves nothing`(
        _ signal: Int32, _ status: Int32
    ) throws {
        try withBase { program in
            try program.write(
                "FROM base\nRUN echo be''gun; sleep 1000\n", to: "context/Dockerfile")
            let process = try program.start(
                ["build", "--progress=plain", "context"], errors: try program.file("progress"))
            try program.wait(for: " begun\n", in: "progress")
            kill(process.processIdentifier, signal)
            process.waitUntilExit()
            #expect(process.terminationReason == .exit)
            #expect(process.terminationStatus == status)
            #expect(try program.names(in: "store/work") == [])
            let mounts = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
            #expect(!mounts.contains(program.directory))
        }
    }

    @Test(.timeLimit(.minutes(30)))
    func `a second signal ends a build at once, whatever it waits for`() throws {
        try withBase { program in
            try program.write(
                "FROM base\nRUN echo be''gun; sleep 1000\n", to: "context/Dockerfile")
            let process = try program.start(
                ["build", "--progress=plain", "context"], errors: try program.file("progress"))
            try program.wait(for: " begun\n", in: "progress")
            let runtimes = try program.children(of: process.processIdentifier)
            #expect(!runtimes.isEmpty)
            // A runtime that does not end is waited for, for some seconds.
            for runtime in runtimes { kill(runtime, SIGSTOP) }
            defer {
                for runtime in runtimes { kill(runtime, SIGKILL) }
                // What it left goes with the next collection.
                _ = try? program.run("gc")
            }
            process.terminate()
            usleep(300_000)
            #expect(process.isRunning)
            process.terminate()
            process.waitUntilExit()
            // It would have killed them after its seconds.
            #expect(runtimes.allSatisfy { kill($0, 0) == 0 })
            #expect(process.terminationReason == .exit)
            #expect(process.terminationStatus == 143)
        }
    }

    @Test func `a build that waits for standard input can be interrupted`() throws {
        try withBase { program in
            let pipe = Pipe()
            let process = try program.start(["build", "-"], input: pipe)
            while try program.names(in: "store/locks").allSatisfy({ !$0.hasPrefix("lease-") }) {
                usleep(5000)
            }
            process.interrupt()
            process.waitUntilExit()
            #expect(process.terminationReason == .exit)
            #expect(process.terminationStatus == 130)
            try pipe.fileHandleForWriting.close()
        }
    }

    @Test func `a hang-up that is ignored from the start ends no build`() throws {
        try withBase { program in
            try program.write("FROM base\nRUN echo be''gun; sleep 1\n", to: "context/Dockerfile")
            let process = try program.start(
                shell: "trap '' HUP; exec $VITRINE build --progress=plain context",
                errors: try program.file("progress"))
            try program.wait(for: " begun\n", in: "progress")
            kill(process.processIdentifier, SIGHUP)
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
    }

    @Test func `a file for the ID holds that of this build or none`() throws {
        try withBase { program in
            try program.write("FROM base\nRUN exit 1\n", to: "context/Dockerfile")
            try program.write("sha256:stale", to: "id")
            #expect(try program.run("build", "--iidfile", "id", "context").status == 1)
            #expect(throws: (any Error).self) { try program.read("id") }
            try program.write("FROM base\nLABEL a=b\n", to: "context/Dockerfile")
            let build = try program.run("build", "--iidfile", "id", "context")
            #expect(build.status == 0, "\(build.errors)")
            let id = try program.read("id")
            #expect(id.hasPrefix("sha256:") && id.count == 71)
            // What is no file of its own is written to, not replaced.
            #expect(
                try program.run("build", "--iidfile", "/dev/stdout", "context").text == id)
            _ = try program.run(shell: "ln -s /proc/self/fd/1 out")
            let metadata = try program.run("build", "--metadata-file", "out", "context")
            #expect(metadata.text.contains(id), "\(metadata.text)")
            #expect(try program.run(shell: "readlink out").text == "/proc/self/fd/1\n")
        }
    }

    /// The files that the runtime mounts over are made through the view.
    @Test func `a dangling link at the place of a mounted file is no change of the step's`() throws
    {
        try withBase { program in
            try FileManager.default.createSymbolicLink(
                atPath: program.directory + "/rootfs/etc/resolv.conf",
                withDestinationPath: "../run/systemd/resolve/stub-resolv.conf")
            try program.run("import", "rootfs", "linked")
            try program.write(
                "FROM linked\nRUN cat /etc/resolv.conf /etc/hosts\n", to: "context/Dockerfile")
            let build = try program.run("build", "-t", "app", "context")
            #expect(build.status == 0, "\(build.errors)")
            #expect(try program.run("diff", "linked", "app").text == "")
        }
    }

    @Test func `a host without resolver configuration runs steps`() throws {
        try withBase { program in
            try program.write(
                "FROM base\nRUN cat /etc/resolv.conf\nRUN --network=none ! cat /etc/resolv.conf\n",
                to: "context/Dockerfile")
            let build = try program.run(
                shell: """
                    exec unshare --mount sh -c \
                        'mount -t tmpfs none /etc && exec $VITRINE build --progress=plain context'
                    """)
            #expect(build.status == 0, "\(build.errors)")
        }
    }

    @Test func `a busy mount says who uses it`() throws {
        try withBase { program in
            #expect(try program.run("mount", "base", "m").status == 0)
            let file = FileHandle(forReadingAtPath: program.directory + "/m/etc/passwd")
            let busy = try program.run("umount", "m")
            #expect(busy.status == 1)
            #expect(
                busy.errors.contains(
                    "in use by process \(ProcessInfo.processInfo.processIdentifier)"))
            try file?.close()
            #expect(try program.run("umount", "m").status == 0)
        }
    }

    @Test func `a hundred instructions build, and their rebuild is all hits`() throws {
        try withBase { program in
            var text = "FROM base\n"
            for number in 0..<99 {
                text +=
                    number % 20 == 0 ? "RUN echo \(number) > /f\(number)\n" : "ENV V\(number)=1\n"
            }
            try program.write(text, to: "context/Dockerfile")
            #expect(try program.run("build", "-t", "app", "context").status == 0)
            let again = try program.run("build", "--progress=plain", "-t", "app", "context")
            #expect(again.errors.components(separatedBy: "CACHED").count == 6)
            #expect(try program.run("mount", "app", "m").status == 0)
            #expect(try program.read("m/f80") == "80\n")
            #expect(try program.run("umount", "m").status == 0)
        }
    }

    @Test
    func `what a script leaves empty is not the working directory, and options are not given`()
        throws
    {
        try withBase { program in
            try program.write("FROM base\n", to: "context/Dockerfile")
            try check(program, "ls > before")
            try check(
                program, "cp context/Dockerfile . && $VITRINE build ''", status: 1,
                says: "the build context has no name")
            try check(
                program, "rm Dockerfile; $VITRINE build -o type=local,dest= context", status: 64,
                says: "type=local needs a directory")
            try check(
                program, "$VITRINE build --build-context x= context", status: 1,
                says: "is no NAME=SOURCE")
            try check(
                program,
                "$VITRINE build -q -f '' --target '' --iidfile '' --metadata-file '' context")
            try check(program, "ls | diff before -")
        }
    }

    @Test func `checks are told, and fail where the file or an argument says so`() throws {
        try withBase { program in
            try program.write("secret\n", to: "context/.dockerignore")
            try program.write(
                "# syntax=x\nFROM base as x\nCOPY secret /\nENV A=$HOM\nCMD run\n",
                to: "context/Dockerfile")
            let check = try program.run("build", "--check", "context")
            #expect(check.status == 1)
            for call in ["check,ignorestatus=true", "check,format=json,ignorestatus"] {
                #expect(try program.run("build", "--call=\(call)", "context").status == 0)
            }
            #expect(try program.run("build", "--call=check,format=json", "context").status == 1)
            #expect(
                check.text.hasPrefix("Check complete, 4 warnings have been found!\n"), "\(check)")
            for line in [
                "WARNING: FromAsCasing - https://docs.docker.com/go/dockerfile/rule/from-as-casing/",
                "WARNING: JSONArgsRecommended - "
                    + "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/",
                "Dockerfile:4:1: Usage of undefined variable '$HOM'\n   4 | ENV A=$HOM\n",
                "Attempting to Copy file \"secret\" that is excluded by .dockerignore",
            ] { #expect(check.text.contains(line), "\(check.text)") }
            #expect(try program.run("ps", "-a", "-q").text == "")
            let failed = try program.run(
                "build", "--check", "--build-arg=BUILDKIT_DOCKERFILE_CHECK=error=true", "context")
            #expect(failed.status == 1)
            #expect(failed.errors.contains("found for rules: CopyIgnoredFile, FromAsCasing, "))

            try program.write(
                "# check=error=true;skip=UndefinedVar\nFROM base AS x\nENV A=$HOM\n",
                to: "context/Dockerfile")
            let passed = try program.run("build", "--check", "context")
            #expect(passed.status == 0)
            #expect(passed.text == "Check complete, no warnings found.\n")
            #expect(try program.run("build", "context").status == 0)
            try program.write("# check=error=true\nFROM base\nCMD a\n", to: "context/Dockerfile")
            let build = try program.run("build", "-t", "no", "context")
            #expect(build.status == 1)
            #expect(build.errors.contains("lint violation found for rules: JSONArgsRecommended"))
            #expect(try program.run("images", "-q", "no").text == "")
        }
    }

    @Test func `what was found before a mistake is told with it`() throws {
        try withBase { program in
            for (text, words) in [
                (
                    "FROM scratch AS Bad\nMAINTAINER me\nBADCMD\n",
                    ["StageNameCasing", "MaintainerDeprecated"]
                ),
                (
                    "FROM scratch as x\nFROM --platform=$BULIDPLATFORM base\n",
                    ["FromAsCasing", "UndefinedArgInFrom"]
                ),
                (
                    "FROM scratch as x\nFROM --platform=linux/$BULIDARCH base\n",
                    ["FromAsCasing", "UndefinedArgInFrom"]
                ),
            ] {
                try program.write(text, to: "context/Dockerfile")
                for call in ["build", "check", "check,format=json"] {
                    let ended = try program.run(
                        "build", "--progress=plain", "--call=\(call)", "context")
                    #expect(ended.status == 1)
                    for word in words {
                        let told = call == "build" ? ended.errors : ended.text
                        #expect(told.contains(word), "\(call): \(told)")
                    }
                    #expect(ended.errors.contains("Dockerfile:\(text.hasSuffix("D\n") ? 3 : 2):"))
                }
            }
        }
    }

    @Test func `checks of a stage that is not built end no build, and mistakes of FROM end checks`()
        throws
    {
        try withBase { program in
            try program.write(
                "# check=error=true\nFROM base AS x\nCMD a\nFROM base AS y\nARG Z=1\nFROM y\nENV A=$Z\n",
                to: "context/Dockerfile")
            #expect(try program.run("build", "context").status == 0)
            #expect(try program.run("build", "--check", "--target=y", "context").status == 0)
            #expect(try program.run("build", "--check", "context").status == 1)
            for (line, message) in [
                ("FROM --platform=$BUILDPLATFOM base", "empty platform value from expression"),
                ("FROM --platform=linux/ base", "\"linux/\" is no platform"),
                ("FROM base:$NO", "\"base:\" is no image"),
                ("FOM base", "unknown instruction: FOM"),
            ] {
                try program.write("\(line)\nUSER x\n", to: "context/Dockerfile")
                let check = try program.run("build", "--call=check,ignorestatus", "context")
                #expect(check.status == 1)
                #expect(check.errors.contains(message), "\(check.errors)")
                let json = try program.run("build", "--call=check,format=json", "context")
                #expect(json.status == 1)
                #expect(json.text.contains("\"buildError\": {"), "\(json.text)")
                #expect(json.text.contains("\"data\": \""), "\(json.text)")
                #expect(try program.run("build", "context").errors.contains(message))
            }
        }
    }
}
