import Foundation
import Testing

@testable import Store

/// How a container's settings stand in the database, which other versions have written to.
struct ContainerCodingTests {
    private typealias Settings = ContainerSettings

    /// As the compiler's own coding writes an enum.
    private static func written(_ value: some Encodable) throws -> String {
        String(decoding: try ContainerCoding.bytes(value), as: UTF8.self)
    }

    private static func check<Choice: CodedChoice>(_ choice: Choice, _ text: String) throws {
        #expect(try written(choice) == text)
        #expect(ContainerCoding.value(Choice.self, Array(text.utf8)) == choice)
    }

    @Test func `a choice is written by its name, and with what it carries`() throws {
        try Self.check(Settings.NetworkMode.standard, #"{"standard":{}}"#)
        try Self.check(Settings.NetworkMode.none, #"{"none":{}}"#)
        try Self.check(Settings.NetworkMode.host, #"{"host":{}}"#)
        try Self.check(Settings.NetworkMode.container("ab"), #"{"container":{"_0":"ab"}}"#)
        try Self.check(Settings.ProcessMode.own, #"{"own":{}}"#)
        try Self.check(Settings.ProcessMode.host, #"{"host":{}}"#)
        try Self.check(Settings.ProcessMode.container(""), #"{"container":{"_0":""}}"#)
        try Self.check(Settings.InterprocessMode.own, #"{"own":{}}"#)
        try Self.check(Settings.InterprocessMode.none, #"{"none":{}}"#)
        try Self.check(Settings.InterprocessMode.shareable, #"{"shareable":{}}"#)
        try Self.check(Settings.InterprocessMode.host, #"{"host":{}}"#)
        try Self.check(Settings.InterprocessMode.container("c"), #"{"container":{"_0":"c"}}"#)
        try Self.check(Settings.Seccomp.standard, #"{"standard":{}}"#)
        try Self.check(Settings.Seccomp.unconfined, #"{"unconfined":{}}"#)
        try Self.check(Settings.Seccomp.profile("{\"a\":1}"), #"{"profile":{"_0":"{\"a\":1}"}}"#)
    }

    @Test(
        arguments: [
            "{}", #"{"other":{}}"#, #"{"container":{}}"#, #"{"container":{"_1":"a"}}"#,
            #"{"container":{"_0":1}}"#, #"{"host":{},"none":{}}"#, #""host""#, "null", "[]",
        ])
    func `what is no choice is refused`(_ text: String) {
        #expect(ContainerCoding.value(Settings.NetworkMode.self, Array(text.utf8)) == nil)
    }

    @Test func `settings come back as they were`() throws {
        var settings = Settings()
        settings.network = .container("abc")
        settings.processes = .host
        settings.interprocess = .shareable
        settings.seccomp = .profile("{}")
        let bytes = try ContainerCoding.bytes(settings)
        #expect(ContainerCoding.value(Settings.self, bytes) == settings)
        let former = #"{"network":{"none":{}},"user":"web"}"#
        let decoded = try ContainerCoding.decode(Data(former.utf8), over: Settings())
        #expect(decoded.network == .none)
        #expect(decoded.user == "web")
        #expect(decoded.processes == .own)
    }
}
