internal import LinuxIO

/// What is copied: found in its root, with the name that it gets where it goes.
struct CopySource: ~Copyable {
    /// Opened `pathOnly`, or to be read if it is a directory.
    let place: OwnedDescriptor
    let status: FileStatus
    /// Its last name, as the user wrote it; empty for the root.
    let name: [UInt8]
    /// What is in the directory, not the directory.
    let meansContents: Bool

    var isDirectory: Bool { status.kind == .directory }

    /// - Parameter followsLink: copies what a symbolic link leads to, under the link's name.
    /// - Throws: ``EngineError`` in Docker's words.
    init(_ path: CopyPath, in root: any CopyRoot, followsLink: Bool) throws {
        name = path.last ?? []
        meansContents = path.meansContents
        do throws(Errno) {
            let place = try Self.open(path, root, followsLink: followsLink)
            status = try FileStatus(of: place.rawValue)
            self.place = place
        } catch {
            throw Self.failure(error, path, root)
        }
    }

    private static func open(
        _ path: CopyPath, _ root: any CopyRoot, followsLink: Bool
    ) throws(Errno) -> OwnedDescriptor {
        // A slash at the end follows a link to a directory.
        let place = try CopyPlace.find(
            path.bytes, in: root, followsLast: followsLink || path.assertsDirectory)
        switch consume place {
        case .directory(let directory): return directory
        case .other(let file, _, _):
            if path.assertsDirectory { throw .notDirectory }
            return file
        case .missing: throw .notFound
        }
    }

    private static func failure(
        _ error: Errno, _ path: CopyPath, _ root: any CopyRoot
    ) -> EngineError {
        guard let container = root.container else {
            return EngineError(
                error == .notFound ? .notFound : .failed,
                "lstat \(path): \("\(error)".lowercasedFirst)")
        }
        if error == .notFound {
            return EngineError(
                .notFound, "Could not find the file \(path) in container \(container)")
        }
        return EngineError(
            .failed, "could not open \(root.describe(path.description)): \(error)")
    }
}

extension String {
    /// As Go writes the system's sentences.
    var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
