import Downloads
import Foundation
import Glibc
import ImageSpec
import LoopbackServer
import Testing

@Suite("Downloads")
struct DownloaderTests {
    /// Gathers what arrives.
    private final class Collector: DownloadReceiver {
        var bytes: [UInt8] = []
        var announced: UInt64?
        var beginCount = 0

        func begin(sizeBytes: UInt64?) throws {
            beginCount += 1
            announced = sizeBytes
            bytes = []
        }

        func receive(_ piece: UnsafeRawBufferPointer) throws { unsafe bytes += piece }

        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// Limits for a machine that does much else.
    private static var patient: DownloadLimits {
        var limits = DownloadLimits()
        limits.attempts = 3
        limits.pause = .milliseconds(10)
        return limits
    }

    /// Limits that a test can wait for.
    private static var quick: DownloadLimits {
        var limits = patient
        limits.answer = .milliseconds(700)
        limits.window = .milliseconds(500)
        return limits
    }

    private func get(
        _ address: String, validators: DownloadRequest.Validators = .init(),
        maximumBytes: UInt64 = 1 << 20, environment: [String: String] = [:],
        into collector: Collector = Collector(), limits: DownloadLimits = patient
    ) throws -> (Collector, DownloadOutcome) {
        let address = try #require(WebAddress(address))
        let request = DownloadRequest(
            address, validators: validators, maximumBytes: maximumBytes)
        let outcome = try Downloader(environment: environment, limits: limits)
            .download(request, to: collector, control: DownloadControl())
        return (collector, outcome)
    }

    private func failure(
        _ address: String, maximumBytes: UInt64 = 1 << 20, environment: [String: String] = [:],
        into collector: Collector = Collector(), limits: DownloadLimits = patient
    ) throws -> DownloadError {
        do {
            _ = try get(
                address, maximumBytes: maximumBytes, environment: environment, into: collector,
                limits: limits)
        } catch let error as DownloadError { return error }
        throw LoopbackServer.Failure(message: "the download did not fail")
    }

    @Test func `a file comes whole, with what tells it from another`() throws {
        let server = try LoopbackServer()
        try server.write("content", to: "a", modified: 1_000_000_000)
        let (collector, outcome) = try get("http://127.0.0.1:\(server.port)/a")
        #expect(collector.text == "content")
        #expect(collector.announced == 7)
        guard case .received(let validators, let modified, _) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(validators.etag?.hasPrefix("\"") == true)
        #expect(validators.lastModified == "Sun, 09 Sep 2001 01:46:40 GMT")
        #expect(modified == 1_000_000_000)
        let (again, second) = try get(
            "http://127.0.0.1:\(server.port)/a", validators: validators)
        #expect(second == .notModified)
        #expect(again.beginCount == 0)
        try server.write("other", to: "a")
        #expect(
            try get("http://127.0.0.1:\(server.port)/a", validators: validators).0.text == "other")
    }

    /// The server's clock is the one that counts, and it is ours here.
    @Test(arguments: [(-100, true), (-3, true), (1, false), (1000, false)])
    func `a time does not tell a file that was just written from a later one`(
        age: Int, tells: Bool
    ) throws {
        let server = try LoopbackServer()
        try server.write("content", to: "a", modified: Int(time(nil)) + age)
        let address = "http://127.0.0.1:\(server.port)/dated/a"
        guard case .received(let validators, let modified, _) = try get(address).1 else {
            Issue.record("nothing came")
            return
        }
        #expect(validators.etag == nil)
        #expect((validators.lastModified != nil) == tells)
        #expect(modified != nil)
        let outcome = try get(address, validators: validators).1
        #expect((outcome == .notModified) == tells)
    }

    @Test func `a large file comes in pieces`() throws {
        let server = try LoopbackServer()
        let text = String(repeating: "0123456789", count: 300_000)
        try server.write(text, to: "large")
        let (collector, _) = try get(
            "http://127.0.0.1:\(server.port)/large", maximumBytes: 3_000_000)
        #expect(collector.text == text)
    }

    @Test func `redirects are followed, failures that pass are tried again`() throws {
        let server = try LoopbackServer()
        try server.write("content", to: "a")
        let base = "http://127.0.0.1:\(server.port)"
        #expect(try get("\(base)/redirect/10/a").0.text == "content")
        #expect(try get("\(base)/flaky/2/a").0.text == "content")
        #expect(try get("http://u:p%20w@127.0.0.1:\(server.port)/secret/a").0.text == "content")
        #expect(
            try get("http://u:p%20w@127.0.0.1:\(server.port)/redirect/1/secret/a").0.text
                == "content")
        #expect(try server.requests().filter { $0.hasPrefix("503") }.count == 2)
    }

    static let failures: [(String, DownloadError.Code, String)] = [
        ("/missing", .refused, "404"), ("/status/403", .refused, "403"),
        ("/flaky/9/a", .refused, "503"), ("/secret/a", .refused, "401"),
        ("/loop", .redirected, "in a circle"), ("/redirect/11/a", .redirected, "more than 10"),
        ("/elsewhere", .redirected, "file:///etc/passwd"), ("/short", .broken, "ended before"),
        ("/endless", .tooLarge, "sends more"), ("/slow", .timeout, "in 0.5 seconds"),
        ("/silent", .timeout, "not answer"), ("/garbage", .broken, "no proper answer"),
    ]

    @Test(arguments: failures)
    func `a server that does not behave ends in an error that says so`(
        _ path: String, _ code: DownloadError.Code, _ words: String
    ) throws {
        let server = try LoopbackServer()
        let error = try failure(
            "http://127.0.0.1:\(server.port)\(path)",
            limits: code == .timeout ? Self.quick : Self.patient)
        #expect(error.code == code)
        #expect(error.message.contains(words), "\(error)")
    }

    @Test func `what announces to be too large is not begun`() throws {
        let server = try LoopbackServer()
        try server.write("content", to: "a")
        let collector = Collector()
        let error = try failure(
            "http://127.0.0.1:\(server.port)/a", maximumBytes: 6, into: collector)
        #expect(error.code == .tooLarge)
        #expect(error.message.contains("7 bytes"))
        #expect(collector.beginCount == 0)
    }

    @Test func `nobody there, a name that is none`() throws {
        let closed = try LoopbackServer()
        let port = closed.port
        _ = try closed.requests()
        var limits = try failure("http://127.0.0.1:\(port)/")
        #expect(limits.code == .unreachable)
        #expect(limits.message.contains("port \(port)"), "\(limits)")
        limits = try failure("http://no-such-host.invalid/")
        #expect(limits.code == .unreachable)
        #expect(limits.message.contains("no-such-host.invalid"), "\(limits)")
    }

    @Test func `a certificate counts when it is trusted`() throws {
        let server = try LoopbackServer(isSecure: true)
        try server.write("content", to: "a")
        let address = "https://localhost:\(server.port)/a"
        let error = try failure(address)
        #expect(error.code == .untrusted, "\(error)")
        #expect(error.hint?.contains("SSL_CERT_FILE") == true)
        let trust = ["SSL_CERT_FILE": server.directory + "/certificate.pem"]
        #expect(try get(address, environment: trust).0.text == "content")
        #expect(
            try failure("https://127.0.0.1:\(server.port)/a", environment: trust).code
                == .untrusted)
    }

    @Test func `the environment's proxy is asked, but not for its exceptions`() throws {
        let server = try LoopbackServer()
        try server.write("content", to: "a")
        let environment = [
            "http_proxy": "127.0.0.1:\(server.port)", "no_proxy": "direct.invalid, .example",
        ]
        #expect(
            try get("http://host.test/x?y", environment: environment).0.text
                == "by proxy: http://host.test/x?y")
        #expect(
            try get("http://127.0.0.1:\(server.port)/a", environment: environment).0.text
                == "content")
        #expect(
            try failure("http://direct.invalid/", environment: environment).code == .unreachable)
        #expect(
            try failure("http://a.example/", environment: environment).message.contains(
                "a.example"))
        #expect(
            try failure("http://host.test/", environment: ["http_proxy": "ftp://x"]).code
                == .invalidProxy)
    }

    @Test func `a download that is cancelled ends at once`() throws {
        let server = try LoopbackServer()
        let control = DownloadControl()
        let address = try #require(WebAddress("http://127.0.0.1:\(server.port)/silent"))
        let thread = Thread {
            Thread.sleep(forTimeInterval: 0.2)
            control.cancel()
        }
        thread.start()
        do {
            _ = try Downloader(environment: [:]).download(
                DownloadRequest(address), to: Collector(), control: control)
            Issue.record("it did not end in an error")
        } catch let error as DownloadError {
            #expect(error.code == .cancelled)
        }
    }

    @Test(
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199), ("yesterday", nil),
            ("Sun, 06 Nov 1994 25:49:37 GMT", nil), ("Sun, 06 Now 1994 08:49:37 GMT", nil),
        ] as [(String, Int64?)])
    func `HTTP's dates are read`(_ text: String, _ seconds: Int64?) {
        #expect(HTTPDate.seconds(text) == seconds)
    }
}
