import Foundation
import Testing

/// Builds for several platforms at once.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct PlatformBuildTests {
    private static let dockerfile = """
        FROM --platform=$BUILDPLATFORM base AS tools
        RUN mkdir /shared && seq 10 > /shared/numbers && ln /shared/numbers /shared/again
        FROM tools AS build
        ARG TARGETPLATFORM
        RUN echo $TARGETPLATFORM > /platform
        FROM scratch
        COPY --from=tools /shared /shared
        COPY --from=build /platform /platform
        LABEL made=here

        """

    private func withProgram(_ body: (Program) throws -> Void) throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try program.write(Self.dockerfile, to: "context/Dockerfile")
        try body(program)
    }

    private func build(_ program: Program, _ arguments: String...) throws -> Program.Output {
        try program.run(
            arguments: ["build", "--platform", "linux/amd64,linux/arm64"] + arguments
                + ["context"])
    }

    @Test(arguments: [[], ["--jobs", "1"]])
    func `each platform has its files in a directory of its own`(options: [String]) throws {
        try withProgram { program in
            let built = try program.run(
                arguments: ["build", "--platform=linux/amd64", "--platform", "linux/arm/v7,s390x"]
                    + options + ["-o", "out", "-o", "type=tar,dest=out.tar", "context"])
            #expect(built.status == 0, "\(built.errors)")
            let names = ["linux_amd64", "linux_arm_v7", "linux_s390x"]
            #expect(try program.names(in: "out") == names)
            #expect(try program.read("out/linux_arm_v7/platform") == "linux/arm/v7\n")
            #expect(try program.read("out/linux_s390x/platform") == "linux/s390x\n")
            let tar = try program.run(
                shell: "mkdir t && tar -C t -xf out.tar && diff -r out t && stat -c %h t/*/shared/*"
            )
            #expect(tar.text == String(repeating: "2\n", count: 6), "\(tar.errors)")
            // A file with two names for each platform, not one for all.
            let files = try program.run(shell: "stat -c %i t/*/shared/* | sort -u | wc -l")
            #expect(files.text == "3\n")
            #expect(try program.run("images", "-q").text.split(separator: "\n").count == 1)
            #expect(try program.run("fsck").status == 0)
        }
    }

    @Test func `an archive has an index of both, which other tools read`() throws {
        try withProgram { program in
            let built = try build(
                program, "-t", "app:1", "-o", "type=oci,dest=app.tar", "--progress=plain",
                "-o", "type=oci,tar=false,dest=layout", "--iidfile", "id",
                "--metadata-file", "meta", "--annotation", "index:a=b")
            #expect(built.status == 0, "\(built.errors)")
            // No step has more to say after its end.
            let ends = try program.run(
                shell: """
                    $VITRINE build --platform linux/amd64,linux/arm64 --progress=plain \
                        -o type=oci,dest=again.tar context 2>&1 | awk '
                        $2 == "..." && $1 in done { print } $2 == "DONE" { done[$1] }'
                    """)
            #expect(ends.text == "")
            for label in ["[linux/amd64 build 1/1] RUN", "[linux/arm64 build 1/1] RUN"] {
                #expect(built.errors.contains(label), "\(built.errors)")
            }
            // What is the same for both was run once, and the other one waited or found it.
            let keys = try program.run(
                shell: "$VITRINE cache ls --no-trunc --format '{{.Instruction}}' | grep -c numbers")
            #expect(keys.text == "1\n")
            let id = try program.read("id")
            #expect(id.hasPrefix("sha256:"))
            #expect(try program.read("meta").contains("\"containerimage.digest\": \"\(id)\""))
            #expect(try program.read("meta").contains("image.index.v1+json"))
            let blob = "layout/blobs/sha256/" + id.dropFirst(7)
            let index = try #require(
                try JSONSerialization.jsonObject(with: Data(try program.read(blob).utf8))
                    as? [String: Any])
            #expect((index["annotations"] as? [String: String]) == ["a": "b"])
            let platforms = (index["manifests"] as? [[String: Any]] ?? []).map {
                ($0["platform"] as? [String: Any])?["architecture"] as? String
            }
            #expect(platforms == ["amd64", "arm64"])
            for platform in ["amd64", "arm64"] {
                let load = try program.run("load", "--platform", platform, "-i", "app.tar")
                #expect(load.text == "Loaded image: app:1\n", "\(load.errors)")
                let format = "{{.Architecture}} {{.Config.Labels.made}}"
                let shown = try program.run("inspect", "-f", format, "app:1")
                #expect(shown.text == "\(platform) here\n")
                let file = try program.run("cp", "app:1:/platform", "-")
                #expect(file.text.contains("linux/\(platform)\n"))
            }
            if FileManager.default.isExecutableFile(atPath: "/usr/bin/skopeo") {
                let raw = try program.run(
                    shell: "skopeo inspect --raw oci:layout:1 | sha256sum")
                #expect("sha256:" + raw.text.prefix(64) == id, "\(raw.errors)")
                let copy = try program.run(
                    shell: "skopeo copy -q --all --insecure-policy oci-archive:app.tar dir:copied")
                #expect(copy.status == 0, "\(copy.errors)")
            }
            #expect(try program.run("fsck").status == 0)
        }
    }

    @Test func `built again it is cached, and the same`() throws {
        try withProgram { program in
            let first = try build(program, "-q", "-o", "type=oci,dest=a.tar")
            let second = try build(
                program, "--progress=plain", "--iidfile", "id", "-o", "type=oci,dest=b.tar")
            #expect(try program.read("id") + "\n" == first.text, "\(second.errors)")
            #expect(try program.run(shell: "cmp a.tar b.tar").status == 0)
            let steps = second.errors.split(separator: "\n").count { $0.contains("CACHED") }
            #expect(steps == 8, "\(second.errors)")
        }
    }

    @Test func `one platform that fails ends the build, and is told`() throws {
        try withProgram { program in
            try program.write(
                """
                FROM --platform=$BUILDPLATFORM base
                ARG TARGETARCH
                RUN test $TARGETARCH != arm64 || exit 3
                RUN sleep 30

                """, to: "context/Dockerfile")
            let built = try build(program, "-o", "out")
            #expect(built.status == 1)
            #expect(built.errors.contains("exit code 3"), "\(built.errors)")
            #expect(!FileManager.default.fileExists(atPath: program.directory + "/out"))
            #expect(try program.run("fsck").status == 0)
        }
    }

    @Test func `a layout has the base for each platform`() throws {
        try withProgram { program in
            let base = try build(program, "-t", "app:1", "-o", "type=oci,tar=false,dest=layout")
            #expect(base.status == 0, "\(base.errors)")
            try program.write("FROM app:1\nCOPY Dockerfile /\n", to: "context/Dockerfile")
            let built = try build(
                program, "--build-context", "app:1=oci-layout://layout", "-o", "out")
            #expect(built.status == 0, "\(built.errors)")
            for platform in ["amd64", "arm64"] {
                #expect(try program.read("out/linux_\(platform)/platform") == "linux/\(platform)\n")
            }
            #expect(
                try program.names(in: "out/linux_arm64") == ["Dockerfile", "platform", "shared"])
            #expect(try program.run("images", "-q").text.split(separator: "\n").count == 1)
        }
    }

    @Test func `a base of one platform says which one it is`() throws {
        try withProgram { program in
            try program.write("FROM base\n", to: "context/Dockerfile")
            let built = try build(program, "-o", "out")
            #expect(built.status == 1)
            #expect(
                built.errors.contains("the image base is for linux/amd64, not for linux/arm64"),
                "\(built.errors)")
        }
    }
}
