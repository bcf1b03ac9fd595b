import Engine
import ImageSpec
import Testing

@Suite("Filters of images")
struct ImageFilterTests {
    @Test(
        "a pattern is Go's, on the name with or without its tag",
        arguments: [
            ("b*", "base:1", true), ("base", "base:1", true), ("base:1", "base:1", true),
            ("base:*", "base:1", true), ("b?se", "base:1", true), ("[a-c]ase", "base:1", true),
            ("docker.io/library/base", "base:1", true), ("as", "base:1", false),
            ("*", "ghcr.io/org/base:1", false), ("ghcr.io/*/*", "ghcr.io/org/base:1", true),
            ("base:2", "base:1", false),
        ])
    func pattern(_ text: String, _ name: String, _ matches: Bool) throws {
        #expect(try NamePattern(text).matches(try Reference(parsing: name)) == matches)
    }

    @Test(
        "what is no filter says which there are",
        arguments: [
            "", "dangling", "dangling=", "dangling=maybe", "color=red", "reference=[a", "until=x",
        ])
    func invalid(_ text: String) {
        #expect(throws: EngineError.self) { _ = try ImageFilter([try FilterText(text)]) }
    }
}
