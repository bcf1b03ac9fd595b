import Foundation
import Testing

/// A folder under `Golden`: a `Dockerfile` beside what is expected of it.
struct GoldenCase: CustomTestStringConvertible, Sendable {
    var name: String
    var folder: URL

    var testDescription: String { name }

    var source: [UInt8] {
        get throws { Array(try Data(contentsOf: folder.appending(path: "Dockerfile"))) }
    }

    /// The text of a file of the case, or nil where the case has none.
    func text(_ fileName: String) throws -> String? {
        let file = folder.appending(path: fileName)
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        return String(decoding: try Data(contentsOf: file), as: UTF8.self)
    }

    /// Every case, in the order of the names.
    static let all: [GoldenCase] = {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Golden")
        // A folder that cannot be listed shows as no cases, which a test of the count catches.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
        return names.sorted().map { GoldenCase(name: $0, folder: root.appending(path: $0)) }
    }()

    /// Set to rewrite the expected files from what the code does, to be reviewed before they
    /// are committed.
    static let isRecording = ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1"

    func record(_ text: String, as fileName: String) throws {
        for name in ["expected.txt", "expected-error.txt"] where name != fileName {
            let other = folder.appending(path: name)
            if FileManager.default.fileExists(atPath: other.path) {
                try FileManager.default.removeItem(at: other)
            }
        }
        try Data(text.utf8).write(to: folder.appending(path: fileName))
    }
}
