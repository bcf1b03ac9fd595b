import Engine
import Testing

@Suite("What can be mounted")
struct ImageSourceTests {
    @Test(
        "is an image of the store, or named by a transport",
        arguments: [
            ("debian:bookworm", .stored("debian:bookworm")), ("abc123", .stored("abc123")),
            ("sha256:abc", .stored("sha256:abc")),
            ("localhost:5000/a", .stored("localhost:5000/a")),
            (
                "docker-archive:/a.tar",
                .archive(transport: "docker-archive", path: "/a.tar", name: nil)
            ),
            (
                "docker-archive:/a.tar:app:1",
                .archive(transport: "docker-archive", path: "/a.tar", name: "app:1")
            ),
            (
                "oci-archive:/there:is.tar",
                .archive(transport: "oci-archive", path: "/there:is.tar", name: nil)
            ),
            ("oci:/lay", .layout(path: "/lay", name: nil)),
            ("oci:/lay/:v1", .layout(path: "/lay", name: "v1")),
            ("dir:/srv//root/", .directory(path: "/srv/root")),
            ("dir:/a:b", .directory(path: "/a:b")),
        ] as [(String, ImageSource)])
    func parsing(_ text: String, _ expected: ImageSource) throws {
        let source = try ImageSource(text) { $0 == "/there:is.tar" }
        #expect(source == expected)
        // Another process is given the same.
        #expect(try ImageSource(source.text) { $0 == "/there:is.tar" } == expected)
    }

    @Test func `an image of a registry says how it is fetched`() {
        #expect {
            _ = try ImageSource("docker://debian:12")
        } throws: {
            let error = $0 as? EngineError
            return error?.code == .unavailable
                && error?.hint?.contains("skopeo copy docker://debian:12") == true
        }
        for text in ["dir:", "oci:", "docker-archive:"] {
            #expect(throws: EngineError.self) { _ = try ImageSource(text) }
        }
    }
}
