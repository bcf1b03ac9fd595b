import Foundation
import Testing

/// The texts of the project.
@Suite("Documents")
struct DocumentsTests {
    static func documents() throws -> [String] {
        try Repository.files().filter { $0.hasSuffix(".md") }
    }

    @Test func `a link to a file leads to one`() throws {
        for document in try Self.documents() {
            let text = try #require(try Repository.text(document), "\(document) is UTF-8")
            let directory = Repository.root.appending(path: document).deletingLastPathComponent()
            for link in text.matches(of: #/\]\(([^)\s]+)\)/#).map(\.output.1) {
                if link.contains("://") || link.hasPrefix("#") || link.hasPrefix("mailto:") {
                    continue
                }
                let path = String(link.prefix { $0 != "#" })
                let target = directory.appending(path: path).standardizedFileURL
                #expect(
                    FileManager.default.fileExists(atPath: target.path),
                    "\(document) links to \(link)")
            }
        }
    }

    @Test func `every page of the documentation is in its table of contents`() throws {
        let contents = try #require(try Repository.text("docs/README.md"))
        for document in try Repository.files(below: "docs") where document.hasSuffix(".md") {
            let path = document.dropFirst("docs/".count)
            #expect(path == "README.md" || contents.contains("(\(path))"), "\(document)")
        }
    }

    /// A file that is named in a text in the way the sources are named.
    @Test func `a source file that a page names exists`() throws {
        let all = Set(try Repository.files())
        for document in try Self.documents() {
            let text = try #require(try Repository.text(document))
            let named = text.matches(
                of: #/`((?:Sources|Tests|Mounts|Examples|Scripts|docs)\/[\w+.\/-]+\.\w+)`/#)
            for path in named.map({ String($0.output.1) }) {
                #expect(all.contains(path), "\(document) names \(path)")
            }
        }
    }

    /// Whoever adds a lock says on the page what it guards and where it stands in the order.
    @Test func `every file with a lock is named on the page about concurrency`() throws {
        let page = try #require(try Repository.text("docs/concurrency.md"))
        for file in try Repository.sources() {
            let lock = #/\bMutex[(<]|pthread_mutex_init/#
            guard file.code.contains(where: { $0.firstMatch(of: lock) != nil }) else { continue }
            let type = file.name.prefix { $0 != "+" }
            let isNamed = page.contains("`\(type)")
            #expect(isNamed, "\(file.path)")
        }
    }

    @Test func `no file names the place where it was written`() throws {
        var places = [Repository.root.path(percentEncoded: false)]
        // A root directory that is itself one word would be found in every path.
        places.removeAll { $0.split(separator: "/").count < 2 }
        places.append("/Users/")
        let marks = places.map { $0.hasSuffix("/") && $0 != "/Users/" ? String($0.dropLast()) : $0 }
        let own = "Tests/ArchitectureTests/DocumentsTests.swift"
        for path in try Repository.files() where path != own && path != "Package.resolved" {
            guard let text = try Repository.text(path) else { continue }
            for mark in marks where text.contains(mark) {
                Issue.record("\(path) names \(mark)")
            }
        }
    }
}
