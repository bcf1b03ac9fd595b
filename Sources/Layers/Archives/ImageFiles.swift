internal import LinuxIO

/// The files of an image archive, by their paths inside it.
protocol ImageFiles: Sendable {
    /// The file at `path`; symbolic links are followed, none of them out of the archive.
    /// - Returns: nil when there is no such file.
    func file(at path: String) throws -> FileRange?
}

extension ImageFiles {
    /// The bytes of a small file.
    func bytes(at path: String, limit: Int) throws -> [UInt8]? {
        guard let range = try file(at: path) else { return nil }
        do {
            return try range.bytes(limit: limit)
        } catch {
            throw LayerError(.invalidArchive, "cannot be read", path: path, cause: error)
        }
    }
}

/// The files below a directory of the host.
struct DirectoryFiles: ImageFiles {
    private let directory: SharedFile

    init(_ path: String) throws(LayerError) {
        do throws(Errno) {
            directory = SharedFile(
                try OwnedDescriptor(opening: path, [.readOnly, .directory]))
        } catch {
            throw LayerError(
                .inputOutput, "the directory cannot be opened", path: path, cause: error)
        }
    }

    func file(at path: String) throws -> FileRange? {
        do throws(Errno) {
            let file = try OwnedDescriptor(
                opening: Array(path.utf8), inRoot: directory.descriptor.rawValue,
                [.readOnly, .nonBlocking])
            let status = try FileStatus(of: file.rawValue)
            guard status.kind == .regular else { return nil }
            return FileRange(file: SharedFile(file), offset: 0, sizeBytes: status.sizeBytes)
        } catch .notFound {
            return nil
        } catch .notDirectory {
            return nil
        } catch {
            throw LayerError(.inputOutput, "cannot be opened", path: path, cause: error)
        }
    }
}
