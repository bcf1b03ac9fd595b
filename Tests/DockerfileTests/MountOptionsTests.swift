import Dockerfile
import Testing

@Suite("RUN --mount")
struct MountOptionsTests {
    typealias Option = MountOptions.Option

    @Test(
        "options keep their order and their values",
        arguments: [
            ("", [Option(key: "")]),
            (
                "type=cache,TARGET=/x",
                [Option(key: "type", value: "cache"), Option(key: "target", value: "/x")]
            ),
            ("ro,id=", [Option(key: "ro"), Option(key: "id", value: "")]),
            (
                "\"source=a,b\",x=y=z",
                [Option(key: "source", value: "a,b"), Option(key: "x", value: "y=z")]
            ),
            ("\"a=say \"\"hi\"\"\"", [Option(key: "a", value: "say \"hi\"")]),
            ("a=1,", [Option(key: "a", value: "1"), Option(key: "")]),
        ] as [(String, [Option])])
    func options(text: String, expected: [Option]) throws {
        #expect(try MountOptions(parsing: text).options == expected)
    }

    @Test(
        "what is no record is refused",
        arguments: ["a\"b", "\"a", "\"a\"b", "x=\"y\"", "\"a\"\"", "\""])
    func refusal(text: String) {
        let error = #expect(throws: DockerfileError.self) { try MountOptions(parsing: text) }
        #expect(error?.code == .invalidMount)
    }

    @Test("the last of several options counts, and a mount is a bind unless it says otherwise")
    func lookup() throws {
        let mount = try MountOptions(parsing: "target=/a,dst=/b,from=x$")
        #expect(mount["target", "dst", "destination"] == "/b")
        #expect(mount["source"] == nil)
        #expect(mount.type == "bind")
        #expect(mount.from == "x$")
        #expect(try MountOptions(parsing: "type=CACHE,from=").from == nil)
        #expect(try MountOptions(parsing: "type=CACHE").type == "cache")
    }

    @Test("a stage cannot be named by a variable")
    func variable() {
        let error = #expect(throws: DockerfileError.self) {
            try MountOptions(parsing: "type=bind,from=${x}")
        }
        #expect(error?.code == .unexpandableReference)
        #expect(
            error?.message
                == "'from' doesn't support variable expansion, define alias stage instead")
    }
}
