internal import Dockerfile
internal import LinuxIO

/// What a build context of the host holds, and what its ignore file leaves out (`--show-context`).
package final class ContextListing {
    /// A name of the context.
    package struct Entry: Hashable, Sendable {
        package enum Kind: String, Hashable, Sendable {
            case directory, file, link, other
        }
        /// Relative to the context.
        package var path: [UInt8]
        package var kind: Kind
        /// Of a directory that is left out: all that is in it.
        package var sizeBytes: UInt64
        /// Of a directory that is left out: how many files are in it; else 1.
        package var fileCount: Int
        package var isIgnored: Bool
        /// The line that decided, an exception too.
        package var rule: Rule?
    }

    /// A line of an ignore file.
    package struct Rule: Hashable, Sendable {
        package var file: String
        package var line: Int
        package var pattern: String
    }

    private let root: OwnedDescriptor
    private let matcher: PatternMatcher
    private let ignoreName: String
    private let path: String

    /// - Throws: `contextUnreadable`, `invalidDockerfile` for an ignore file that is none.
    package init(_ path: String, dockerfile: DockerfileLocation) throws {
        self.path = path
        let (file, name) = try BuildContext.ignoreRules(path, dockerfile)
        matcher = try file.map { PatternMatcher($0) } ?? PatternMatcher([])
        ignoreName = name
        do throws(Errno) {
            root = try OwnedDescriptor(opening: path, [.readOnly, .directory])
        } catch {
            throw Self.unreadable(path, error)
        }
    }

    private static func unreadable(_ path: String, _ error: Errno) -> BuildError {
        BuildError(
            .contextUnreadable, "could not read \"\(path)\" of the build context: \(error)",
            cause: error)
    }

    /// All entries in the order of a walk; of what is left out whole, only the directory.
    package func forEach(_ body: (Entry) throws -> Void) throws {
        try walk([], matcher.root, body)
    }

    private func walk(
        _ directory: [UInt8], _ state: PatternMatcher.State, _ body: (Entry) throws -> Void
    ) throws {
        for (name, status) in try entries(of: directory) {
            let place = directory.isEmpty ? name : directory + [UInt8(ascii: "/")] + name
            let verdict = matcher.match(place, in: state)
            var entry = Entry(
                path: place, kind: Self.kind(status),
                sizeBytes: status.kind == .regular ? status.sizeBytes : 0, fileCount: 1,
                isIgnored: verdict.isIgnored, rule: rule(verdict.decidingPattern))
            guard status.kind == .directory else {
                try body(entry)
                continue
            }
            if verdict.isIgnored, matcher.canSkip(place, verdict.state) {
                (entry.sizeBytes, entry.fileCount) = try sum(place)
                try body(entry)
                continue
            }
            if !verdict.isIgnored { try body(entry) }
            try walk(place, verdict.state, body)
        }
    }

    private func entries(
        of directory: [UInt8]
    ) throws -> [(name: [UInt8], status: FileStatus)] {
        do throws(Errno) {
            let descriptor = try OwnedDescriptor(
                opening: directory.isEmpty ? [0x2E] : directory, beneath: root.rawValue,
                [.readOnly, .directory], followsLinks: false)
            var found: [(name: [UInt8], status: FileStatus)] = []
            for name in try HostDirectory.names(descriptor.rawValue).sorted(by: Self.precedes) {
                do throws(Errno) {
                    found.append((name, try FileStatus(of: name, in: descriptor.rawValue)))
                } catch .notFound {}
            }
            return found
        } catch {
            throw Self.unreadable(String(decoding: directory, as: UTF8.self), error)
        }
    }

    private static func precedes(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.lexicographicallyPrecedes(b)
    }

    private func sum(_ directory: [UInt8]) throws -> (sizeBytes: UInt64, fileCount: Int) {
        var (sizeBytes, fileCount) = (UInt64(0), 0)
        var waiting = [directory]
        while let next = waiting.popLast() {
            for (name, status) in try entries(of: next) {
                if status.kind == .directory {
                    waiting.append(next + [UInt8(ascii: "/")] + name)
                } else {
                    fileCount += 1
                    if status.kind == .regular { sizeBytes += status.sizeBytes }
                }
            }
        }
        return (sizeBytes, fileCount)
    }

    private static func kind(_ status: FileStatus) -> Entry.Kind {
        switch status.kind {
        case .directory: .directory
        case .regular: .file
        case .symbolicLink: .link
        default: .other
        }
    }

    private func rule(_ index: Int?) -> Rule? {
        guard let index else { return nil }
        let pattern = matcher.patterns[index]
        return Rule(
            file: ignoreName, line: pattern.line ?? 0,
            pattern: String(decoding: pattern.original, as: UTF8.self))
    }
}
