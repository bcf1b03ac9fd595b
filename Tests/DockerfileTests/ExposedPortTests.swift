import Dockerfile
import Testing

@Suite("Exposed ports")
struct ExposedPortTests {
    @Test(
        "a port names one or several",
        arguments: [
            ("80", ["80/tcp"]), ("80/tcp", ["80/tcp"]), ("53/UDP", ["53/udp"]), ("80/", ["80/tcp"]),
            ("8000-8002/sctp", ["8000/sctp", "8001/sctp", "8002/sctp"]), ("0", ["0/tcp"]),
            ("65535", ["65535/tcp"]), ("127.0.0.1:8080:80", ["80/tcp"]), ("7-7", ["7/tcp"]),
        ] as [(String, [String])])
    func names(text: String, expected: [String]) throws {
        #expect(try ExposedPort(parsing: text).names == expected)
    }

    @Test(
        "what is no port is refused",
        arguments: [
            "", "x", "65536", "-1", "80-", "80-70", "80/tls", "+80", "80 ", "1-2-3", "80/tcp/udp",
            ":",
        ])
    func refusal(text: String) {
        let error = #expect(throws: DockerfileError.self) { try ExposedPort(parsing: text) }
        #expect(error?.code == .invalidPort)
    }
}
