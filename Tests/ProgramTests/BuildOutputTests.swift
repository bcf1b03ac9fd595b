import Foundation
import Glibc
import Testing

/// Where builds give to, and what else their command line offers.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct BuildOutputTests {
    private func withBase(_ body: (Program) throws -> Void) throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try program.write(
            "FROM scratch\nCOPY --chmod=4755 f /d/f\nCOPY --chown=7:8 g /g\n",
            to: "context/Dockerfile")
        try program.write("content", to: "context/f")
        try program.write("other", to: "context/g")
        try body(program)
    }

    private func listing(_ program: Program, _ directory: String) throws -> String {
        try program.run(
            shell: "cd \(directory) && find . -mindepth 1 -printf '%P %m %U:%G %y\\n' | sort"
        )
        .text
    }

    @Test func `a directory gets the files with owners and modes, and keeps what it had`() throws {
        try withBase { program in
            try program.write("mine", to: "result/mine")
            let build = try program.run("build", "-t", "app", "-o", "result", "context")
            #expect(build.status == 0, "\(build.errors)")
            #expect(
                try listing(program, "result") == """
                    d 755 0:0 d
                    d/f 4755 0:0 f
                    g 644 7:8 f
                    mine 644 0:0 f

                    """)
            #expect(try program.read("result/d/f") == "content")
            // The store has no image of it.
            #expect(try program.run("images", "-q").text.split(separator: "\n").count == 1)
            let again = try program.run("build", "--load", "-t", "app", "-o", "result", "context")
            #expect(again.status == 0, "\(again.errors)")
            #expect(try program.run("images", "-q", "app").text.hasSuffix("\n"))
        }
    }

    @Test func `links in the way of an output are replaced, never followed`() throws {
        try withBase { program in
            try program.write("untouched", to: "victim/f")
            _ = try program.run(
                shell: "mkdir result; ln -s ../victim result/d; ln -s ../victim/f result/g")
            let build = try program.run("build", "-o", "type=local,dest=result", "context")
            #expect(build.status == 0, "\(build.errors)")
            #expect(try program.read("victim/f") == "untouched")
            #expect(try program.read("result/d/f") == "content")
            #expect(try program.read("result/g") == "other")
        }
    }

    @Test func `a hostile tree does not get out of an output's directory`() throws {
        try withBase { program in
            try program.write(
                """
                FROM base
                RUN ln -s /victim /d && mkdir /e && ln -s ../../victim /e/f && ln /e/f /h
                RUN rm /d && mkdir /d && echo x > /d/x && mkfifo /p && mknod /n c 1 3

                """, to: "context/Dockerfile")
            try program.write("untouched", to: "victim")
            let build = try program.run("build", "-o", "result", "context")
            #expect(build.status == 0, "\(build.errors)")
            #expect(try program.read("victim") == "untouched")
            #expect(try program.read("result/d/x") == "x\n")
            let kinds = try program.run(
                shell: "stat -c '%F %h %N' result/e/f result/h result/p; stat -c '%t:%T' result/n"
            ).text
            #expect(
                kinds == """
                    symbolic link 2 'result/e/f' -> '../../victim'
                    symbolic link 2 'result/h' -> '../../victim'
                    fifo 1 'result/p'
                    1:3

                    """)
        }
    }

    @Test func `archives and layouts hold the image under the build's tags`() throws {
        try withBase { program in
            let build = try program.run(
                "build", "-t", "app:1", "-o", "type=docker,dest=docker.tar", "-o",
                "type=oci,dest=oci.tar,compression=gzip", "-o", "type=oci,tar=false,dest=layout",
                "-o", "type=tar,dest=files.tar", "--metadata-file", "meta", "--iidfile", "id",
                "context")
            #expect(build.status == 0, "\(build.errors)")
            let id = try program.read("id")
            #expect(
                try program.read("meta").contains("\"containerimage.config.digest\": \"\(id)\""))
            #expect(
                try program.read("meta").contains(
                    "\"image.name\": \"docker.io/library/app:1\""))
            #expect(try program.run("images", "-q", "app").text == "")
            for source in ["docker.tar", "oci.tar", "layout"] {
                let load = try program.run("load", "-i", source)
                #expect(load.text == "Loaded image: app:1\n", "\(load.errors)")
                #expect(try program.run("inspect", "app:1").text.contains(id))
                _ = try program.run("rmi", "app:1")
            }
            #expect(
                try program.run(shell: "tar -tf files.tar").text == "d/\nd/f\ng\n")
        }
    }

    @Test func `standard output takes one output`() throws {
        try withBase { program in
            let tar = try program.run(shell: "$VITRINE build -o - context | tar -t")
            #expect(tar.text == "d/\nd/f\ng\n", "\(tar.errors)")
            let quiet = try program.run(shell: "$VITRINE build -q -o type=oci context | tar -t")
            #expect(quiet.text.hasPrefix("oci-layout\n"), "\(quiet.errors)")
            let two = try program.run("build", "-o", "-", "-o", "type=oci", "context")
            #expect(two.status == 64)
            #expect(two.errors.contains("only one output"))
        }
    }

    static let refused: [([String], Int32, String)] = [
        (["-o", "type=what"], 64, "there is no type \"what\""),
        (["-o", "dest=x"], 64, "it has no type"),
        (["-o", "type=local"], 64, "needs a directory"),
        (["-o", "type=oci,what=x"], 64, "\"what\" means nothing"),
        (["-o", "type=oci,type=tar"], 64, "given twice"),
        (["-o", "type=oci,compression=lzma"], 64, "uncompressed, gzip or zstd"),
        (["-o", "type=registry,name=x"], 64, "not pushed to registries yet"),
        (["-o", "type=image,push=true"], 64, "not pushed to registries yet"),
        (["-o", "type=tar,dest=/nowhere/x"], 1, "/nowhere/x"),
        (["-o", "type=local,dest=/proc/x"], 1, "/proc/x"),
        (["--push"], 64, "skopeo copy"), (["--squash"], 64, "not supported"),
        (["--provenance=max"], 64, "attestations are not made"), (["--sbom"], 64, "not made"),
        (["--attest", "type=sbom"], 64, "not made"), (["--annotation", "x"], 64, "NAME=VALUE"),
        (["--annotation", "index:a=b"], 64, "of one platform"),
        (["--annotation", "index[linux/amd64]:a=b"], 64, "of no single platform"),
        (["--platform", "amd64,arm64"], 64, "an image of one platform under a name"),
        (["--platform=amd64", "--platform=arm64", "-o", "x", "--load"], 64, "type=oci,dest=FILE"),
        (["--platform=amd64,arm64", "-o", "type=docker,dest=x"], 64, "manifest lists"),
        (["--platform=amd64,arm64", "-o", "type=local,dest=x,platform-split=false"], 64, "split"),
        (["--platform=amd64,arm64", "-o", "x", "--target-step=1"], 64, "one platform"),
        (["--platform=amd64,what", "-o", "x"], 1, "is no platform"),
        (["--platform", "what"], 1, "is no platform"), (["--pull=what"], 64, "--pull"),
        (["--build-context", "x"], 1, "no NAME=SOURCE"),
        (["--build-context", "x=/nowhere"], 1, "could not open the context x"),
        (["--build-context", "x=target:y"], 1, "bake"), (["--json"], 64, "--show-context"),
    ]

    @Test(arguments: refused)
    func `what cannot be done is refused with a reason`(
        _ arguments: [String], _ status: Int32, _ words: String
    ) throws {
        try withBase { program in
            let build = try program.run(arguments: ["build"] + arguments + ["context"])
            #expect(build.status == status, "\(build.errors)")
            #expect(build.errors.contains(words), "\(build.errors)")
        }
    }

    @Test func `what Docker's and Podman's users write besides is accepted`() throws {
        try withBase { program in
            for arguments in [
                ["--rm"], ["--rm=false", "--force-rm"], ["--load"], ["--pull"], ["--pull=always"],
                ["--pull", "never"], ["--provenance=false", "--sbom=false"], ["--compress"],
                ["--layers"], ["--format", "docker"], ["--builder", "default"],
            ] {
                let build = try program.run(arguments: ["build"] + arguments + ["context"])
                #expect(build.status == 0, "\(arguments): \(build.errors)")
            }
            try program.write("FROM nowhere\n", to: "context/Dockerfile")
            let always = try program.run("build", "--pull", "context")
            #expect(always.errors.contains("no registries to pull from yet"), "\(always.errors)")
            #expect(
                try program.run("build", "--pull=never", "context").errors.contains(
                    "--pull=never asks no registry"))
        }
    }

    @Test func `annotations are the manifest's, and reach archives`() throws {
        try withBase { program in
            #expect(try program.run("build", "-t", "app", "context").status == 0)
            let plain = try program.run("inspect", "app").text
            let build = try program.run(
                "build", "-t", "app", "--annotation", "a=b", "--annotation", "manifest:c=d",
                "--metadata-file", "meta", "context")
            #expect(build.status == 0, "\(build.errors)")
            let annotated = try program.run("inspect", "app").text
            func field(_ name: String, _ text: String) -> Substring? {
                text.split(separator: "\n").first { $0.contains("\"\(name)\"") }
            }
            #expect(field("Id", plain) == field("Id", annotated))
            #expect(field("Manifest", plain) != field("Manifest", annotated))
            #expect(
                try program.run("save", "--format", "oci-dir", "-o", "layout", "app").status == 0)
            let found = try program.run(
                shell: "grep -l '\"a\":\"b\",\"c\":\"d\"' layout/blobs/sha256/*")
            #expect(found.text.split(separator: "\n").count == 1, "\(found.errors)")
            #expect(try program.run("fsck").status == 0)
        }
    }

    @Test func `an output has annotations of its own, and its entry in an index has some`() throws {
        try withBase { program in
            let build = try program.run(
                "build", "-t", "app", "--annotation", "a=b", "--annotation",
                "manifest-descriptor:e=f", "--annotation", "manifest[linux/s390x]:absent=here",
                "--metadata-file", "meta", "-o",
                "type=oci,dest=layout,tar=false,annotation.Own=x,annotation-manifest-descriptor.d=y,"
                    + "compression=gzip,compression-level=1", "context")
            #expect(build.status == 0, "\(build.errors)")
            let index = try program.read("layout/index.json")
            #expect(index.contains("\"d\":\"y\"") && index.contains("\"e\":\"f\""), "\(index)")
            let manifests = try program.run(
                shell: "cat $(grep -l '\"Own\":\"x\"' layout/blobs/sha256/*)"
            ).text
            #expect(manifests.contains("\"a\":\"b\"") && manifests.contains("tar+gzip"))
            #expect(!manifests.contains("absent"))
            #expect(try program.read("meta").contains("\"e\": \"f\""))
            // It can be loaded as it is.
            #expect(try program.run("load", "-i", "layout").status == 0)
        }
    }

    @Test func `a cache is exported compressed, kept as it is, and hits elsewhere`() throws {
        try withBase { program in
            try program.write(
                "FROM base\nRUN echo a > /a\nCOPY --link f /f\n", to: "context/Dockerfile")
            func export(_ options: String, _ directory: String = "cache") throws -> Program.Output {
                try program.run(
                    "build", "--cache-to", "type=local,dest=\(directory),mode=max\(options)",
                    "context")
            }
            func types() throws -> Set<String> {
                let text = try program.run(
                    shell: "grep -oh 'layer.v1.tar[+a-z]*' cache/blobs/sha256/* | sort -u"
                ).text
                return Set(text.split(separator: "\n").map(String.init))
            }
            let first = try export(",compression=zstd,compression-level=7")
            #expect(first.status == 0, "\(first.errors)")
            #expect(try types() == ["layer.v1.tar+zstd"])
            #expect(try export(",compression=gzip").status == 0)
            #expect(try types() == ["layer.v1.tar+zstd"])
            #expect(try export(",compression=gzip,force-compression=true").status == 0)
            #expect(try types() == ["layer.v1.tar+gzip"])
            #expect(try export(",compression=lzma").errors.contains("uncompressed, gzip or zstd"))
            #expect(try export(",compression=zstd,compression-level=23").errors.contains("1 to 22"))
            // In an emptied cache all are hits; after another step, what --link made is.
            #expect(try program.run("cache", "prune", "-af").status == 0)
            let again = try program.run(
                "build", "--progress=plain", "--cache-from", "type=local,src=cache", "context")
            #expect(again.errors.split(separator: "\n").count { $0.contains(" CACHED ") } == 2)
            #expect(try program.run("cache", "prune", "-af").status == 0)
            try program.write(
                "FROM base\nRUN echo b > /a\nCOPY --link f /f\n", to: "context/Dockerfile")
            let other = try program.run(
                "build", "--progress=plain", "--cache-from", "type=local,src=cache", "context")
            #expect(other.errors.split(separator: "\n").count { $0.contains(" CACHED ") } == 1)
            #expect(try program.run("fsck").status == 0)
        }
    }

    @Test func `targets and what they can be given are told without a build`() throws {
        try withBase { program in
            try program.write(
                """
                # V of it
                ARG V=1
                # one makes it
                FROM base:$V AS one
                RUN --mount=type=secret,id=s,required --mount=type=ssh true
                FROM one

                """, to: "context/Dockerfile")
            let targets = try program.run("build", "--call=targets", "context")
            #expect(targets.text == "TARGET      DESCRIPTION\none         makes it\n(default)   \n")
            let outline = try program.run(
                "build", "--call=outline", "--target=one", "--build-arg=V=2", "context")
            #expect(
                outline.text == """
                    TARGET:        one
                    DESCRIPTION:   makes it

                    BUILD ARG   VALUE   DESCRIPTION
                    V           2       of it

                    SECRET   REQUIRED
                    s        true

                    SSH       REQUIRED
                    default   

                    """)
            let json = try program.run("build", "--call", "targets,format=json", "context")
            #expect(json.text.contains("\"default\": true"))
            func places(_ json: Program.Output, _ names: String...) throws -> [Int] {
                let data = Data(json.text.utf8)
                let object = try #require(
                    try JSONSerialization.jsonObject(with: data) as? [String: Any])
                let file = try program.read("context/Dockerfile")
                #expect(object["sources"] as? [String] == [Data(file.utf8).base64EncodedString()])
                return names.flatMap { object[$0] as? [[String: Any]] ?? [] }.compactMap { entry in
                    let location = entry["location"] as? [String: Any]
                    let range = (location?["ranges"] as? [[String: Any]])?.first
                    return (range?["start"] as? [String: Int])?["line"]
                }
            }
            #expect(try places(json, "targets") == [4, 6])
            let structure = try program.run("build", "--call=outline,format=json", "context")
            #expect(try places(structure, "args", "secrets", "ssh") == [2, 5, 5])
            let check = try program.run("build", "--call=check,format=json", "context")
            #expect(check.text.contains("\"warnings\""), "\(check.errors)")
            #expect(try program.run("build", "--call=what", "context").status == 64)
            #expect(try program.run("build", "--check", "--call=outline", "context").status == 64)
        }
    }

    // MARK: - The same again

    @Test func `--timestamp gives the same image in another store, at another time`() throws {
        try withBase { program in
            try program.write(
                """
                FROM scratch AS empty
                FROM base
                WORKDIR /w
                RUN echo a > a && mkdir b && ln -s a l && ln a h && mknod n p
                COPY --from=empty . /
                COPY f dir /c/
                ADD g /g
                RUN touch b && rm f 2>/dev/null; chmod 600 a

                """, to: "context/Dockerfile")
            try program.write("x", to: "context/dir/x")
            #expect(try program.run("save", "-o", "base.tar", "base").status == 0)
            func build(_ store: String, _ umask: String) throws -> String {
                let build = try program.run(
                    shell: """
                        umask \(umask); export VITRINE_ROOT=$PWD/\(store)
                        $VITRINE load -q -i base.tar &&
                        $VITRINE build --timestamp 1000000000 -t app -o type=oci,dest=\(store).oci \
                            -o type=docker,dest=\(store).docker --metadata-file \(store).meta context \
                            -o type=tar,dest=\(store).tar &&
                        grep -v buildx.build.ref \(store).meta
                        sha256sum < \(store).oci; sha256sum < \(store).docker; sha256sum < \(store).tar
                        """)
                #expect(build.status == 0, "\(build.errors)")
                return build.text
            }
            let first = try build("one", "022")
            sleep(2)
            _ = try program.run(shell: "find context -exec touch {} +")
            let second = try build("two", "077")
            let lines = { (text: String) in text.split(separator: "\n").dropFirst() }
            #expect(lines(first) == lines(second))
            #expect(lines(first).count > 8)
        }
    }

    // MARK: - Named contexts

    @Test func `a name stands for a directory, an image, a layout or a stage`() throws {
        try withBase { program in
            try program.write("lib", to: "lib/file")
            try program.write("file.o\n", to: "lib/.dockerignore")
            try program.write("x", to: "lib/file.o")
            try program.write(
                """
                FROM alpine AS tools
                RUN exit 1
                FROM base
                COPY --from=lib . /lib/
                COPY --from=tools /etc/passwd /p

                """, to: "context/Dockerfile")
            #expect(try program.run("save", "--format", "oci-dir", "-o", "lay", "base").status == 0)
            let stage = try program.run(
                "build", "-t", "app", "--build-context", "lib=lib", "--build-context",
                "TOOLS=docker-image://base", "context")
            #expect(stage.status == 0, "\(stage.errors)")
            #expect(
                try program.run("diff", "base", "app").text == """
                    A /lib
                    A /lib/.dockerignore
                    A /lib/file
                    A /p

                    """)
            let image = try program.run(
                "build", "--build-context", "lib=lib", "--build-context",
                "docker.io/library/alpine:latest=oci-layout://lay", "--build-arg", "x=1", "context")
            #expect(image.status == 1)
            #expect(image.errors.contains("ended with exit code 1"), "\(image.errors)")
            // What was read for a build is no image of the store afterwards.
            let count = try program.run("images", "-aq").text.split(separator: "\n").count
            #expect(count == 2)
        }
    }

    @Test func `FROM takes a directory's files as its first layer`() throws {
        try withBase { program in
            try program.write("lib", to: "lib/dir/file")
            try program.write("FROM lib\nLABEL a=b\n", to: "context/Dockerfile")
            let build = try program.run(
                "build", "-t", "app", "--build-context", "lib=lib", "context")
            #expect(build.status == 0, "\(build.errors)")
            #expect(try program.run("diff", "app").text == "A /dir\nA /dir/file\n")
            #expect(try program.run("fsck").status == 0)
        }
    }

    // MARK: - Platforms

    @Test func `files are put together for any platform, and RUN needs one that runs here`() throws
    {
        try withBase { program in
            let foreign = try program.run("build", "-t", "app", "--platform", "s390x", "context")
            #expect(foreign.status == 0, "\(foreign.errors)")
            #expect(
                try program.run("inspect", "app").text.contains("\"Architecture\": \"s390x\""))
            try program.write(
                """
                FROM --platform=$BUILDPLATFORM base AS build
                ARG TARGETARCH
                ARG BUILDARCH
                ARG TARGETPLATFORM
                RUN echo $TARGETARCH-$TARGETPLATFORM > /t; test $BUILDARCH != s390x
                FROM scratch
                COPY --from=build /t /t

                """, to: "context/Dockerfile")
            let cross = try program.run(
                "build", "--platform", "linux/s390x", "-o", "result", "context")
            #expect(cross.status == 0, "\(cross.errors)")
            #expect(try program.read("result/t") == "s390x-linux/s390x\n")
            try program.write("FROM scratch\nRUN x\n", to: "context/Dockerfile")
            let run = try program.run("build", "--platform", "linux/s390x", "context")
            #expect(run.status == 1)
            #expect(run.errors.contains("RUN needs linux/s390x"), "\(run.errors)")
            #expect(run.errors.contains("qemu-user-static"))
        }
    }

    // MARK: - The context

    @Test func `--show-context tells what is sent and which line leaves out the rest`() throws {
        try withBase { program in
            try program.write("node\n!node/keep\n*.log\n", to: "context/.dockerignore")
            try program.write("12345", to: "context/node/a/b")
            try program.write("1", to: "context/node/keep")
            try program.write("123", to: "context/x.log")
            let shown = try program.run("build", "--show-context", "context")
            #expect(
                shown.text == """
                    sent              22  .dockerignore
                    sent              60  Dockerfile
                    sent               7  f
                    sent               5  g
                    ignored            5  node/a/ (1 files)  .dockerignore:1: node
                    sent               1  node/keep  .dockerignore:2: !node/keep
                    ignored            3  x.log  .dockerignore:3: *.log
                    sent: 5 files, 95 bytes; ignored: 2 files, 8 bytes

                    """, "\(shown.text)\(shown.errors)")
            let json = try program.run("build", "--show-context", "--json", "context")
            let object = try JSONSerialization.jsonObject(with: Data(json.text.utf8))
            let fields = try #require(object as? [String: Any])
            #expect((fields["entries"] as? [Any])?.count == 7)
            #expect((fields["ignored"] as? [String: Int]) == ["files": 2, "bytes": 8])
        }
    }

    @Test(
        .timeLimit(.minutes(30)),
        arguments: [
            ("-o type=oci,dest=out,compression=gzip", "exporting to oci archive"),
            ("-o type=tar,dest=out,compression=gzip", "exporting to tar"),
            ("--cache-to type=local,dest=out,compression=gzip", "writing image"),
        ])
    func `a signal ends the writing of an output, and of a cache`(
        option: String, begun: String
    ) throws {
        try withBase { program in
            try program.write("FROM base\nCOPY big /\n", to: "context/Dockerfile")
            let ended = try program.run(
                shell: """
                    head -c 100M /dev/urandom > context/big
                    $VITRINE build -t app context 2> log || exit 1
                    $VITRINE build --progress=plain \(option) context 2> log &
                    until grep -q '\(begun)' log; do sleep 0.02; done
                    kill -TERM $!; wait $!
                    """)
            #expect(ended.status == 143)
            #expect(try program.read("log").contains("the build was cancelled"))
            #expect(
                try program.run(shell: "find . -name '*.tmp' -o -name index.json -path './out/*'")
                    .text == "")
            #expect(try program.run(shell: "ls store/work").text == "")
        }
    }

    @Test(.timeLimit(.minutes(30)))
    func `kill -9 while files are written to a directory leaves none half-written`() throws {
        try withBase { program in
            try program.write("FROM base\nCOPY big /\n", to: "context/Dockerfile")
            // Killed as soon as it has a file open below the output.
            let ended = try program.run(
                shell: """
                    head -c 200M /dev/urandom > context/big
                    $VITRINE build -t app context 2> log || exit 1
                    mkdir out
                    $VITRINE build --progress=plain -o out context 2> log &
                    while kill -0 $!; do
                        ls -l /proc/$!/fd | grep -q "$PWD/out/[^ ]" && kill -9 $!
                    done 2> errors
                    wait $!; find out -name '*vitrine*'
                    find out -name big -not -size 200M
                    """)
            #expect(ended.text == "")
            #expect(try program.run(shell: "$VITRINE build -o out context").status == 0)
            #expect(try program.run(shell: "cmp out/big context/big").status == 0)
        }
    }
}
