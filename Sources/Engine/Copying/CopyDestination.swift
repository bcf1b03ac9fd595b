internal import LinuxIO

/// Where something is copied to: a directory that is there, and the names that what comes gets below.
struct CopyDestination: ~Copyable {
    let directory: OwnedDescriptor
    /// The directory's path in its root, for links on the way of an archive's names, and messages.
    let path: [UInt8]
    /// Goes before the path of every entry; none of them for what goes into the directory itself.
    let prefix: [[UInt8]]

    /// A directory that an archive is unpacked into.
    /// - Throws: ``EngineError`` in Docker's words.
    init(extractingInto path: CopyPath, in root: any CopyRoot) throws {
        prefix = []
        self.path = path.bytes
        do throws(Errno) {
            directory = try root.open(path.bytes, [.readOnly, .directory])
        } catch .notDirectory {
            throw EngineError(
                .invalid, "destination \"\(root.describe(path.description))\" must be a directory")
        } catch .notFound {
            throw EngineError(
                .invalid, "destination \"\(root.describe(path.description))\" must be a directory",
                hint: "there is nothing of that name")
        } catch {
            throw Self.failure(error, path, root)
        }
    }

    /// Docker's rules for where a source goes.
    /// - Throws: ``EngineError`` in Docker's words.
    init(_ path: CopyPath, in root: any CopyRoot, for source: borrowing CopySource) throws {
        if root.container == nil { try Self.checkOutput(path) }
        let place: CopyPlace
        do throws(Errno) {
            place = try CopyPlace.find(path.bytes, in: root, followsLast: true)
        } catch .notFound
            where root.container != nil && !source.isDirectory && path.assertsDirectory
        {
            throw Self.noDirectory
        } catch {
            throw Self.failure(error, path, root)
        }
        switch consume place {
        case .directory(let found):
            directory = found
            self.path = path.bytes
            prefix = source.meansContents && source.isDirectory ? [] : [source.name]
        case .other(let file, let parent, let name):
            let kind = try FileStatus(of: file.rawValue).kind
            if kind != .regular {
                throw EngineError(
                    .invalid,
                    "destination \"\(root.describe(path.description))\" must be a directory or a "
                        + "regular file")
            }
            if path.assertsDirectory, root.container == nil { throw Self.notDirectory }
            if source.isDirectory {
                throw EngineError(
                    .invalid, "cannot copy directory",
                    hint: "\(root.describe(path.description)) is a file")
            }
            if path.assertsDirectory { throw Self.noDirectory }
            directory = parent
            self.path = path.parent
            prefix = [name]
        case .missing(let parent, let name):
            if !source.isDirectory, path.assertsDirectory { throw Self.noDirectory }
            directory = parent
            self.path = path.parent
            prefix = [name]
        }
    }

    /// What a host's path stands for behind all links, those of /proc too.
    private static func checkOutput(_ path: CopyPath) throws {
        // What is not there yet is made; other errors are told when it is opened.
        guard let status = try? FileStatus(ofPath: path.bytes.text),
            status.kind != .directory, status.kind != .regular
        else { return }
        throw EngineError(
            .invalid, "invalid output path: \"\(path)\" must be a directory or a regular file",
            hint: "\"-\" as the destination writes a tar to standard output")
    }

    private static let notDirectory = EngineError(.invalid, "not a directory")
    private static let noDirectory = EngineError(.invalid, "no such directory")

    private static func failure(
        _ error: Errno, _ path: CopyPath, _ root: any CopyRoot
    ) -> EngineError {
        let parent = String(decoding: path.parent, as: UTF8.self)
        switch (error, root.container) {
        case (.notFound, nil):
            return EngineError(
                .notFound, "invalid output path: directory \"\(parent)\" does not exist")
        case (.notFound, let container?):
            return EngineError(
                .notFound, "Could not find the file \(parent) in container \(container)")
        case (.notDirectory, _): return notDirectory
        default:
            return EngineError(
                .failed, "could not open \(root.describe(path.description)): \(error)")
        }
    }
}
