import ImageSpec
import Testing

@Suite("Web addresses")
struct WebAddressTests {
    @Test(
        "are taken apart",
        arguments: [
            ("http://host/a/b?c#d", "http://host/a/b?c", "b"),
            ("HTTPS://Host:443", "https://host/", nil),
            ("https://host:8443/a%20b/", "https://host:8443/a%20b/", "a b"),
            ("http://u:p@host/x y", "http://host/x%20y", "x y"),
            ("http://[::1]:80/a", "http://[::1]/a", "a"), ("http://host?q", "http://host/?q", nil),
            ("http://host/..", "http://host/..", nil),
            ("http://host/a%2Fb", "http://host/a%2Fb", "b"),
        ] as [(String, String, String?)])
    func parsing(_ text: String, _ description: String, _ name: String?) throws {
        let address = try #require(WebAddress(text))
        #expect(address.description == description)
        #expect(address.fileName.map { String(decoding: $0, as: UTF8.self) } == name)
    }

    @Test(
        "or are none",
        arguments: [
            "ftp://host/", "http://", "http:///a", "http://a b/", "http://host:0/",
            "http://host:99999/", "host/a", "http://[::1/", "http://ho\"st/",
        ])
    func refused(_ text: String) { #expect(WebAddress(text) == nil) }

    @Test(
        "lead on to others",
        arguments: [
            ("/x", "https://host:1/x"), ("x", "https://host:1/a/x"), ("?x", "https://host:1/a/b?x"),
            ("//other/x", "https://other/x"), ("http://other/", "http://other/"),
            ("../x", "https://host:1/a/../x"), ("file:///x", nil), ("", nil),
        ] as [(String, String?)])
    func following(_ location: String, _ expected: String?) throws {
        let address = try #require(WebAddress("https://host:1/a/b?c"))
        #expect(address.following(location)?.description == expected)
    }

    @Test func `passwords go to no other server and into no message`() throws {
        let address = try #require(WebAddress("http://u:p@host/a"))
        #expect(address.following("/b")?.userInfo == "u:p")
        #expect(address.following("http://host:81/b")?.userInfo == nil)
        #expect(address.following("https://host/b")?.userInfo == nil)
        #expect("\(address)" == "http://host/a")
        #expect(address.withCredentials == "http://u:p@host/a")
    }
}
