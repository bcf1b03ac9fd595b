import Testing

@testable import Sandbox

@Suite struct NameFilesTests {
    @Test(
        arguments: [
            ("nameserver 10.0.0.1\nsearch x\n", nil, "nameserver 10.0.0.1\nsearch x\n"),
            (
                "nameserver 127.0.0.1\nnameserver 10.0.0.1\nnameserver ::1\n", nil,
                "nameserver 10.0.0.1\n"
            ),
            (
                "nameserver 127.0.0.53\noptions edns0\n", "nameserver 9.9.9.9\n",
                "nameserver 9.9.9.9\n"
            ),
            (
                "nameserver 127.0.0.53\noptions edns0\n", nil,
                "options edns0\nnameserver 8.8.8.8\nnameserver 8.8.4.4\n"
            ),
            ("", nil, "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"),
        ] as [(String, String?, String)])
    func `servers on the host's loopback are left out`(
        _ host: String, _ systemd: String?, _ expected: String
    ) {
        let content = ResolverConfiguration.isolated(
            host: Array(host.utf8), systemd: systemd.map { Array($0.utf8) })
        #expect(String(decoding: content, as: UTF8.self) == expected)
    }

    @Test func `a shared network keeps the host's file byte for byte`() {
        let host = Array("# x\nnameserver 127.0.0.53".utf8)
        #expect(ResolverConfiguration.shared(host: host) == host)
    }

    @Test func `the hosts file names the container`() {
        let content = HostsFile.content(hostname: "box")
        let lines = String(decoding: content, as: UTF8.self).split(separator: "\n")
        #expect(lines.first == "127.0.0.1\tlocalhost")
        #expect(lines.last == "127.0.1.1\tbox")
    }
}
