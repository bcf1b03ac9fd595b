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
            switch try kind {
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
        try failing { () throws(Errno) in
            guard let kind = try kind, kind != .regular else {
                return try HostDirectory.replaceFile(path, with: bytes)
            }
            let file = try OwnedDescriptor(opening: path, [.writeOnly, .truncate])
            try DescriptorIO.writeAll(file.rawValue, bytes)
        }
    }

    /// What is there, a symbolic link as itself; nil for nothing.
    private var kind: FileStatus.Kind? {
        get throws(Errno) {
            do throws(Errno) {
                return try FileStatus(ofPath: path, followsLinks: false).kind
            } catch .notFound {
                return nil
            }
        }
    }

    private func failing(_ body: () throws(Errno) -> Void) throws {
        do throws(Errno) { try body() } catch {
            throw EngineError(.failed, "could not write the image's ID to \(path): \(error)")
        }
    }
}
