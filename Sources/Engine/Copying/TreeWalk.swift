internal import FileTree
internal import Layers
internal import LinuxIO

/// Walks what is copied and hands it to a receiver. No symbolic link is followed, and every node is
/// opened before it is looked at: whoever changes the tree meanwhile gets one state of it copied or
/// the other, never something that is elsewhere.
///
/// Names that share an inode are hard links. Sockets are left out. File systems of the kernel's, such
/// as /proc, are not entered. A file is copied as far as it reached when it was come to.
final class TreeWalk {
    private let receiver: any CopyReceiver
    /// Called now and then; what it throws ends the walk.
    private let check: () throws -> Void
    private var linked: [CopyIdentity: [[UInt8]]] = [:]
    private var warnings = CopyWarnings()
    /// Of the files that were copied.
    private(set) var copiedBytes: UInt64 = 0

    /// What the kernel makes up while it is read is copied up to here: more than any such file of use.
    private static let kernelFileBytes = 64 << 20

    init(into receiver: any CopyReceiver, check: @escaping () throws -> Void) {
        self.receiver = receiver
        self.check = check
    }

    /// - Parameter describe: a path below the source, for messages.
    func copy(
        _ source: borrowing CopySource, describe: (String) -> String
    ) throws {
        do {
            if source.isDirectory, try KernelFileSystem.holds(source.place.rawValue) {
                throw EngineError(
                    .invalid, "\(describe("")) is a directory of the kernel's",
                    hint: "only single files of it can be copied")
            }
            try node(source.place, at: [], in: source.status.device, isTop: true)
            try receiver.finish()
        } catch let error as CopyFailure {
            throw error.named(describe)
        }
    }

    /// What the walk and its receiver left out.
    var allWarnings: [String] {
        var all = warnings
        all.add(receiver.warnings)
        return all.texts
    }

    // MARK: - Nodes

    private func node(
        _ place: borrowing OwnedDescriptor, at path: [[UInt8]], in device: UInt64,
        isTop: Bool = false
    ) throws {
        try check()
        do {
            let status = try FileStatus(of: place.rawValue)
            guard let kind = status.kind else { return }
            if kind == .directory { return try directory(place, status, at: path, in: device) }
            if try linkToFirst(status, kind, at: path) { return }
            switch kind {
            case .directory: return
            case .regular: try file(place, status, at: path, isTop: isTop)
            case .socket: warnings.add("a socket is left out", path)
            default: try receiver.node(try entry(kind, status, place, at: path))
            }
        } catch let error as Errno {
            throw CopyFailure(error, reading: path)
        }
    }

    private func linkToFirst(
        _ status: FileStatus, _ kind: FileStatus.Kind, at path: [[UInt8]]
    ) throws -> Bool {
        guard status.linkCount > 1, kind != .socket else { return false }
        let identity = CopyIdentity(device: status.device, inode: status.inode)
        if let first = linked[identity] {
            let entry = CopiedEntry(path: path, kind: kind, status)
            if try receiver.link(entry, to: first) { return true }
        }
        linked[identity] = path
        return false
    }

    private func directory(
        _ place: borrowing OwnedDescriptor, _ status: FileStatus, at path: [[UInt8]],
        in device: UInt64
    ) throws {
        guard path.count < TreePath.maximumDepth else {
            throw EngineError(.failed, "directories are nested too deep")
        }
        guard !receiver.isOwn(CopyIdentity(device: status.device, inode: status.inode)) else {
            throw EngineError(.invalid, "cannot copy a directory into itself")
        }
        let directory = try OwnedDescriptor(
            opening: [0x2E], in: place.rawValue, [.readOnly, .directory])
        try receiver.directory(try entry(.directory, status, directory, at: path))
        if status.device != device, try KernelFileSystem.holds(directory.rawValue) { return }
        let names = try HostDirectory.names(directory.rawValue)
        for name in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            guard let child = try child(name, of: directory.rawValue, at: path) else { continue }
            try node(child, at: path + [name], in: status.device)
        }
    }

    /// - Returns: nil for one that was removed meanwhile.
    private func child(
        _ name: [UInt8], of directory: Int32, at path: [[UInt8]]
    ) throws(CopyFailure) -> OwnedDescriptor? {
        do throws(Errno) {
            return try OwnedDescriptor(opening: name, in: directory, [.pathOnly, .noFollow])
        } catch .notFound {
            return nil
        } catch {
            throw CopyFailure(error, reading: path + [name])
        }
    }

    private func file(
        _ place: borrowing OwnedDescriptor, _ status: FileStatus, at path: [[UInt8]], isTop: Bool
    ) throws {
        // Non-blocking for the kernel's files, some of which wait for something to happen.
        let file = try OwnedDescriptor(
            reopening: place.rawValue, [.readOnly, .nonBlocking])
        var entry = try entry(.regular, status, file, at: path)
        if isTop, try KernelFileSystem.holds(file.rawValue) {
            let bytes = try Self.kernelFile(file.rawValue)
            entry.sizeBytes = UInt64(bytes.count)
            try receiver.file(entry, .bytes(bytes))
        } else {
            entry.sizeBytes = try FileStatus(of: file.rawValue).sizeBytes
            try receiver.file(entry, .file(file.rawValue, sizeBytes: entry.sizeBytes))
        }
        copiedBytes += entry.sizeBytes
    }

    private static func kernelFile(_ file: Int32) throws -> [UInt8] {
        do {
            return try DescriptorIO.readAll(file, limit: kernelFileBytes)
        } catch {
            switch error {
            case .wouldBlock:
                throw EngineError(.invalid, "a file of the kernel's that has no end is not copied")
            case .tooLarge:
                throw EngineError(.invalid, "a file of the kernel's of that size is not copied")
            default: throw error
            }
        }
    }

    private func entry(
        _ kind: FileStatus.Kind, _ status: FileStatus, _ place: borrowing OwnedDescriptor,
        at path: [[UInt8]]
    ) throws -> CopiedEntry {
        var entry = CopiedEntry(path: path, kind: kind, status)
        entry.attributes = try HostFileAttributes.all(of: place.rawValue, kind)
        if kind == .symbolicLink {
            entry.target = try HostDirectory.readLink([], in: place.rawValue)
        }
        return entry
    }
}

/// What was left out of a copy.
struct CopyWarnings {
    /// Enough to see what is the matter.
    private static let limit = 20
    private(set) var texts: [String] = []

    mutating func add(_ text: String, _ path: [[UInt8]]) {
        guard texts.count < Self.limit else { return }
        texts.append("\(path.pathText): \(text)")
    }

    mutating func add(_ others: CopyWarnings) {
        texts = Array((texts + others.texts).prefix(Self.limit))
    }
}

/// What the host said about an entry.
struct CopyFailure: Error {
    let errno: Errno
    /// Nil while it was written.
    let path: [[UInt8]]?
    let text: String?

    init(_ errno: Errno, reading path: [[UInt8]]) {
        self.errno = errno
        self.path = path
        text = nil
    }

    /// - Parameter text: what was being done.
    init(_ errno: Errno, _ text: String) {
        self.errno = errno
        self.text = text
        path = nil
    }

    func named(_ describe: (String) -> String) -> EngineError {
        let hint: String? =
            switch errno {
            case .noSpace: "its file system is full"
            case .accessDenied, .notPermitted: "it takes another user's rights"
            default: nil
            }
        if let text { return EngineError(.failed, "\(text): \(errno)", hint: hint) }
        return EngineError(
            .failed, "could not read \(describe((path ?? []).pathText)): \(errno)", hint: hint)
    }
}
