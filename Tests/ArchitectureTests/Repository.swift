import Foundation
import Testing

/// The files of the project, found from this file's own place.
enum Repository {
    static let root = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// What is not the project's own text.
    private static let skipped: Set<String> = [".build", ".git", ".swiftpm"]

    /// The paths of all files below `directory`, relative to the root, in order.
    static func files(below directory: String = "") throws -> [String] {
        let start = directory.isEmpty ? root : root.appending(path: directory)
        let found = try FileManager.default.contentsOfDirectory(
            at: start, includingPropertiesForKeys: [.isDirectoryKey])
        var paths: [String] = []
        for url in found.sorted(by: { $0.lastPathComponent < $1.lastPathComponent }) {
            let name = url.lastPathComponent
            if skipped.contains(name) || name.hasPrefix(".build-") { continue }
            let path = directory.isEmpty ? name : directory + "/" + name
            let isDirectory = try url.resourceValues(forKeys: [.isDirectoryKey]).isDirectory
            paths += isDirectory == true ? try files(below: path) : [path]
        }
        return paths
    }

    /// - Returns: nil for files that are no text.
    static func text(_ path: String) throws -> String? {
        String(data: try Data(contentsOf: root.appending(path: path)), encoding: .utf8)
    }

    /// The Swift files of a module.
    static func sources(of module: String) throws -> [SourceFile] {
        try sources().filter { $0.path.hasPrefix("Sources/\(module)/") }
    }

    /// The Swift files of all modules.
    static func sources() throws -> [SourceFile] { try parsed.get() }

    /// Read once: every test looks at all of them.
    private static let parsed = Result {
        try files(below: "Sources").filter { $0.hasSuffix(".swift") }.map(SourceFile.init(path:))
    }
}
