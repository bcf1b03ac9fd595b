package import ImageSpec
internal import LinuxIO

/// The file that a build leaves the image's ID in (`--iidfile`).
package struct ImageIDFile: Sendable {
    private let path: String

    package init(_ path: String) { self.path = path }

    /// Removes the file of an earlier build, which a failed one must not leave to be taken for its
    /// own, and sees to it that there is a place for the new one. What is no regular file, such as `/dev/stdout`, stays.
    /// - Throws: ``EngineError`` `failed`.
    package func clear() throws {
        try failing { () throws(Errno) in
            switch try ResultFile.kind(of: path) {
            case .regular: try HostDirectory.unlink(path)
            case .directory: throw .isDirectory
            case nil:
                // Better before the build than after it.
                let end = path.lastIndex(of: "/")
                let parent = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
                guard try FileStatus(ofPath: parent).kind == .directory else {
                    throw .notDirectory
                }
            default: break
            }
        }
    }

    /// - Throws: ``EngineError`` `failed`.
    package func write(_ image: ImageID) throws {
        let bytes = Array("\(image)".utf8)
        try failing { () throws(Errno) in try ResultFile.write(bytes, to: path) }
    }

    private func failing(_ body: () throws(Errno) -> Void) throws {
        do throws(Errno) { try body() } catch {
            throw EngineError(.failed, "could not write the image's ID to \(path): \(error)")
        }
    }
}
