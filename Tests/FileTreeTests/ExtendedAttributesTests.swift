import Testing

@testable import FileTree

@Suite struct ExtendedAttributesTests {
    static func attribute(_ name: String, _ value: UInt8) -> ExtendedAttributes.Attribute {
        .init(name: Array(name.utf8), value: [value])
    }

    @Test func `of two attributes with one name the later wins`() {
        let list = ["b", "a", "c", "a", "b", "a"].enumerated().map {
            Self.attribute($1, UInt8($0))
        }
        let attributes = ExtendedAttributes(list)
        #expect(
            attributes.attributes
                == [Self.attribute("a", 5), Self.attribute("b", 4), Self.attribute("c", 2)])
        #expect(attributes[Array("b".utf8)] == [4])
        #expect(attributes[Array("bb".utf8)] == nil)
    }

    @Test func `setting and removing keep the order`() {
        var attributes = ExtendedAttributes([])
        for name in ["m", "z", "a", "m"] { attributes[Array(name.utf8)] = Array(name.utf8) }
        attributes[Array("z".utf8)] = nil
        attributes[Array("none".utf8)] = nil
        #expect(attributes.attributes.map(\.name) == [Array("a".utf8), Array("m".utf8)])
    }

    /// Quadratic, the first took a minute and more.
    @Test(.timeLimit(.minutes(30))) func `many names cost no more than sorting them`() {
        let names = (0..<100_000).map { "user.\($0)" }
        let list = names.reversed().map { Self.attribute($0, 1) }
        let attributes = ExtendedAttributes(list)
        #expect(attributes.attributes.count == list.count)
        #expect(ExtendedAttributes(attributes.attributes) == attributes)
    }
}
