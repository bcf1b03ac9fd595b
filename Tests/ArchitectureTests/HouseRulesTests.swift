import Testing

/// What the compiler and the formatter do not see.
@Suite("House rules")
struct HouseRulesTests {
    @Test func `files are short enough to be read at once`() throws {
        for file in try Repository.sources() {
            #expect(file.lines.count <= 500, "\(file.path) has \(file.lines.count) lines")
        }
    }

    /// A name of this kind says where code was put, not what it is.
    @Test func `no file or type is named for being a leftover`() throws {
        let vague = #/(?:Util|Utils|Utilities|Helpers|Common|Manager|Misc)$/#
        for file in try Repository.sources() {
            #expect(file.name.firstMatch(of: vague) == nil, "\(file.path)")
            for (index, line) in file.code.enumerated() {
                let type = #/(?:struct|class|enum|protocol|actor)\s+(\w+)/#
                guard let name = line.firstMatch(of: type)?.output.1 else { continue }
                #expect(name.firstMatch(of: vague) == nil, "\(file.path):\(index + 1): \(name)")
            }
        }
    }

    @Test func `nothing traps on input`() throws {
        let traps: [(pattern: Regex<Substring>, what: String)] = [
            (#/\btry!/#, "try!"), (#/\bas!/#, "as!"), (#/\bfatalError\(/#, "fatalError"),
            (#/[\w)\]]!(?![=\w])/#, "a forced unwrap"),
        ]
        for file in try Repository.sources() {
            for (index, line) in file.code.enumerated() {
                for (pattern, what) in traps where line.firstMatch(of: pattern) != nil {
                    Issue.record("\(file.path):\(index + 1): \(what)")
                }
            }
        }
    }

    @Test func `what the compiler is told to believe has its reason beside it`() throws {
        let beliefs = #/@unchecked Sendable|nonisolated\(unsafe\)|@preconcurrency/#
        for file in try Repository.sources() {
            for (index, line) in file.code.enumerated() where line.firstMatch(of: beliefs) != nil {
                #expect(file.hasComment(at: index), "\(file.path):\(index + 1)")
            }
        }
    }

    /// Pointers stay below the modules that are values and rules.
    @Test func `nothing is unsafe in the modules far from the boundary`() throws {
        for module in ["Dockerfile", "VirtualFS", "Commands", "vitrine"] {
            for file in try Repository.sources(of: module) {
                for (index, line) in file.code.enumerated()
                where line.firstMatch(of: #/\bunsafe\b/#) != nil {
                    Issue.record("\(file.path):\(index + 1) is unsafe")
                }
            }
        }
    }

    @Test func `only the layout names what the store keeps on disk`() throws {
        let names = #/"[^"]*(?:state\.sqlite|objects\/sha256|blobs\/sha256|index\.json)[^"]*"/#
        for file in try Repository.sources(of: "Store") where file.name != "StoreLayout" {
            for (index, line) in file.lines.enumerated()
            where line.firstMatch(of: names) != nil {
                Issue.record("\(file.path):\(index + 1) spells a name of the store")
            }
        }
    }
}
