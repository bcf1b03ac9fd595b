internal import FileTree
internal import Glibc
internal import LinuxIO

/// Makes what is copied, in a directory that others may write to meanwhile.
///
/// Every name is made in a directory that is open, and directories are opened one name at a time, no
/// symbolic link being followed: nothing comes to stand elsewhere. What stands in a file's place is
/// replaced when the new one is complete, by a rename; a directory is no file's to replace, nor a file a
/// directory's.
final class TreePlacement: CopyReceiver {
    /// A directory on the way to where entries are made.
    private final class Level {
        let name: [UInt8]
        let descriptor: OwnedDescriptor
        init(_ name: [UInt8], _ descriptor: consuming OwnedDescriptor) {
            self.name = name
            self.descriptor = descriptor
        }
    }

    private let root: any CopyRoot
    private let destination: CopyDestination
    private let ownership: CopyOwnership
    /// An archive's names may lead through symbolic links, inside the root, and through directories
    /// that it does not have.
    private let isArchive: Bool
    private let check: () throws -> Void
    /// From the destination down to where the last entry was made.
    private var levels: [Level] = []
    /// Directories get their times, and others' modes too, when all is in them.
    private var unfinished: [(path: [[UInt8]], entry: CopiedEntry)] = []
    private var own: Set<CopyIdentity> = []
    private(set) var warnings = CopyWarnings()

    init(
        _ destination: consuming CopyDestination, in root: any CopyRoot,
        ownership: CopyOwnership, isArchive: Bool = false, check: @escaping () throws -> Void
    ) throws(Errno) {
        self.root = root
        self.ownership = ownership
        self.isArchive = isArchive
        self.check = check
        let status = try FileStatus(of: destination.directory.rawValue)
        // What goes into it under a name is no part of it yet.
        if destination.prefix.isEmpty {
            own = [CopyIdentity(device: status.device, inode: status.inode)]
        }
        self.destination = destination
    }

    func isOwn(_ directory: CopyIdentity) -> Bool { own.contains(directory) }

    // MARK: - Places

    /// Opens the directory at a path below the destination. It stays open until another is asked for.
    private func open(_ path: ArraySlice<[UInt8]>) throws(Errno) -> Int32 {
        let shared = zip(levels, path).prefix { $0.name == $1 }.count
        levels.removeLast(levels.count - shared)
        var current = levels.last?.descriptor.rawValue ?? destination.directory.rawValue
        for index in (path.startIndex + shared)..<path.endIndex {
            let level = Level(path[index], try step(path[...index], in: current))
            levels.append(level)
            current = level.descriptor.rawValue
        }
        return current
    }

    private func step(
        _ path: ArraySlice<[UInt8]>, in parent: Int32
    ) throws(Errno) -> OwnedDescriptor {
        let name = path.last ?? [0x2E]
        let mode: OwnedDescriptor.Mode = [.readOnly, .directory, .noFollow]
        do throws(Errno) {
            return try OwnedDescriptor(opening: name, in: parent, mode)
        } catch .notFound where isArchive {
            do throws(Errno) {
                try HostNode.makeDirectory(name, in: parent, permissions: 0o755)
            } catch .exists {}
            return try OwnedDescriptor(opening: name, in: parent, mode)
        } catch  where isArchive && (error == .notDirectory || error == .symbolicLinkLoop) {
            let whole = destination.path + [0x2F] + path.pathBytes
            return try root.open(whole, [.readOnly, .directory])
        }
    }

    /// Calls `make` with the directory of an entry and its name there.
    private func make(
        _ entry: CopiedEntry, _ make: (_ parent: Int32, _ name: [UInt8]) throws -> Void
    ) throws {
        let path = destination.prefix + entry.path
        guard let name = path.last else { return }
        do {
            let parent = try open(path.dropLast()[...])
            try make(parent, name)
        } catch let error as Errno {
            throw CopyFailure(error, "could not write \(place(path))")
        }
    }

    private func place(_ path: [[UInt8]]) -> String {
        let base = destination.path == [0x2F] ? [] : destination.path
        let whole = base + [0x2F] + path.pathBytes
        return root.describe(String(decoding: whole, as: UTF8.self))
    }

    // MARK: - Entries

    func directory(_ entry: CopiedEntry) throws {
        let path = destination.prefix + entry.path
        // The destination itself keeps what it is.
        try make(entry) { parent, name in
            let isNew = try Self.makeDirectory(name, in: parent)
            if !isNew { try refuseFile(name, in: parent, path) }
            let directory = try open(path[...])
            if entry.path.isEmpty {
                let status = try FileStatus(of: directory)
                own.insert(CopyIdentity(device: status.device, inode: status.inode))
            }
            try complete(directory, entry, isMine: isNew)
            unfinished.append((path, entry))
        }
    }

    /// - Returns: false if something has the name.
    private static func makeDirectory(_ name: [UInt8], in parent: Int32) throws(Errno) -> Bool {
        do throws(Errno) {
            try HostNode.makeDirectory(name, in: parent, permissions: 0o700)
            return true
        } catch .exists {
            return false
        }
    }

    private func refuseFile(_ name: [UInt8], in parent: Int32, _ path: [[UInt8]]) throws {
        guard try FileStatus(of: name, in: parent).kind != .directory else { return }
        throw EngineError(
            .invalid,
            "cannot overwrite non-directory \"\(place(path))\" with directory "
                + "\"\(name.text)\"")
    }

    func file(_ entry: CopiedEntry, _ content: CopiedContent) throws {
        let draft = try begin(entry)
        do {
            switch content {
            case .bytes(let bytes): try DescriptorIO.writeAll(draft.descriptor.rawValue, bytes)
            case .file(let source, let sizeBytes):
                try copy(source, to: draft.descriptor.rawValue, sizeBytes: sizeBytes)
            }
            try end(draft, entry)
        } catch {
            draft.discard()
            throw (error as? Errno).map { failure($0, entry) } ?? error
        }
    }

    /// Begins a file that the caller writes. No other entry may come before ``end(_:_:)``, or
    /// ``FileDraft/discard()``.
    func begin(_ entry: CopiedEntry) throws -> FileDraft {
        let path = destination.prefix + entry.path
        guard let name = path.last else {
            throw EngineError(.invalid, "a file cannot take the place of the directory itself")
        }
        do {
            return try FileDraft(
                name, in: try open(path.dropLast()[...]), entry, describing: place(path))
        } catch let error as Errno {
            throw failure(error, entry)
        }
    }

    /// Gives a file that is written its attributes and its name.
    func end(_ draft: FileDraft, _ entry: CopiedEntry) throws {
        if draft.isInPlace { return }
        do throws(Errno) {
            try complete(draft.descriptor.rawValue, entry, isMine: true)
            try DescriptorIO.setModificationTime(draft.descriptor.rawValue, entry.modified)
            try draft.place()
        } catch {
            throw failure(error, entry)
        }
    }

    private func failure(_ error: Errno, _ entry: CopiedEntry) -> CopyFailure {
        CopyFailure(error, "could not write \(describer(entry))")
    }

    private func describer(_ entry: CopiedEntry) -> String {
        place(destination.prefix + entry.path)
    }

    /// Up to here a file is read and written at once; holes in so little are not worth a look.
    private static let smallBytes: UInt64 = 128 << 10
    /// Between two looks whether somebody wants the copy to end.
    private static let sliceBytes: UInt64 = 64 << 20

    private func copy(_ source: Int32, to target: Int32, sizeBytes: UInt64) throws {
        if sizeBytes <= Self.smallBytes {
            let bytes = try DescriptorIO.bytes(source, in: 0..<sizeBytes)
            return try DescriptorIO.writeAll(target, bytes)
        }
        if (try? DescriptorIO.clone(source, into: target)) != nil {  // few file systems can
            return try DescriptorIO.truncate(target, to: sizeBytes)
        }
        try DescriptorIO.truncate(target, to: sizeBytes)
        var position: UInt64 = 0
        while position < sizeBytes {
            try check()
            let end = min(position + Self.sliceBytes, sizeBytes)
            let reached = try DescriptorIO.copyPresentData(
                from: source, to: target, in: position..<end)
            // It became shorter: what was read is what it held.
            if reached < end { return try DescriptorIO.truncate(target, to: reached) }
            position = end
        }
    }

    func node(_ entry: CopiedEntry) throws {
        try make(entry) { parent, name in
            try replacing(name, in: parent, describer(entry)) {
                (name) throws(Errno) in
                try makeNode(entry, name, in: parent)
            }
        }
    }

    private func makeNode(
        _ entry: CopiedEntry, _ name: [UInt8], in parent: Int32
    ) throws(Errno) {
        let permissions = ownership.permissions(of: entry)
        if entry.kind == .symbolicLink {
            try HostNode.makeSymbolicLink(name, in: parent, to: entry.target)
        } else {
            do throws(Errno) {
                try HostNode.makeSpecial(
                    name, in: parent, mode: entry.kind.rawValue | permissions,
                    device: entry.device)
            } catch .notPermitted {
                return warnings.add("a device is left out: only root may make one", entry.path)
            }
        }
        if let owner = ownership.owner(of: entry), CopyOwnership.canGiveAway {
            try HostNode.setOwner(
                name, in: parent, userID: owner.userID, groupID: owner.groupID)
        }
        if entry.kind != .symbolicLink {
            // By what it is, not by its name, which may be a link's by now.
            let place = try OwnedDescriptor(opening: name, in: parent, [.pathOnly, .noFollow])
            let status = try FileStatus(of: place.rawValue)
            if status.kind == entry.kind, status.mode & 0o7777 != permissions {
                try HostNode.setPermissions(ofPlace: place.rawValue, permissions)
            }
        }
        try HostNode.setTime(name, in: parent, entry.modified)
    }

    func link(_ entry: CopiedEntry, to first: [[UInt8]]) throws -> Bool {
        let path = destination.prefix + first
        guard let firstName = path.last else { return false }
        // Opened by itself: the entry's directory is the one that stays open.
        guard let place = try? reopen(path.dropLast()[...]) else { return false }
        return try link(entry, to: firstName, in: place.descriptor.rawValue)
    }

    private func link(
        _ entry: CopiedEntry, to firstName: [UInt8], in place: Int32
    ) throws -> Bool {
        var isMade = true
        try make(entry) { parent, name in
            if let known = try? FileStatus(of: name, in: parent),  // else there is nothing
                let source = try? FileStatus(of: firstName, in: place),
                known.inode == source.inode, known.device == source.device
            {
                return
            }
            do {
                try replacing(name, in: parent, describer(entry)) { (name) throws(Errno) in
                    try HostNode.link(firstName, in: place, as: name, in: parent)
                }
            } catch let error as Errno
                where [.crossDevice, .tooManyLinks, .notFound, .notPermitted].contains(error)
            {
                isMade = false
            }
        }
        return isMade
    }

    private func reopen(_ path: ArraySlice<[UInt8]>) throws(Errno) -> Level {
        var current = Level([], try destination.directory.duplicate())
        for index in path.indices {
            current = Level(
                path[index], try step(path[...index], in: current.descriptor.rawValue))
        }
        return current
    }

    /// Makes something under a name; what stands there, if it is no directory, goes when the new one is
    /// there.
    private func replacing(
        _ name: [UInt8], in parent: Int32, _ description: String,
        _ make: (_ name: [UInt8]) throws(Errno) -> Void
    ) throws {
        do throws(Errno) {
            return try make(name)
        } catch .exists {}
        try FileDraft.refuseDirectory(name, in: parent, description)
        let temporary = FileDraft.temporaryName()
        try make(temporary)
        do throws(Errno) {
            try HostDirectory.rename(temporary, in: parent, to: name)
        } catch {
            try? HostDirectory.unlink(temporary, in: parent)  // the first error is reported
            throw error
        }
    }

    // MARK: - Attributes

    /// Owner, mode and attributes; the owner first, whose change takes setuid and capabilities away.
    /// Each call is a round trip to who serves a container's root: what is right already is left.
    /// - Parameter isMine: made by this copy.
    private func complete(
        _ descriptor: Int32, _ entry: CopiedEntry, isMine: Bool
    ) throws(Errno) {
        var status = try FileStatus(of: descriptor)
        if let owner = ownership.owner(of: entry),
            status.userID != owner.userID || status.groupID != owner.groupID,
            CopyOwnership.canGiveAway
        {
            try DescriptorIO.setOwner(
                descriptor, userID: owner.userID, groupID: owner.groupID)
            status.mode &= ~0o6000
        }
        var permissions = ownership.permissions(of: entry)
        // Others may not be able to fill a directory that they may not write to.
        if entry.kind == .directory, !CopyOwnership.canGiveAway { permissions |= 0o700 }
        if status.mode & 0o7777 != permissions {
            do throws(Errno) {
                try DescriptorIO.setPermissions(descriptor, permissions)
            } catch .notPermitted where !isMine {}  // another user's directory, filled further
        }
        for attribute in entry.attributes {
            do throws(Errno) {
                try HostAttributes.set(attribute.name, to: attribute.value, on: descriptor)
            } catch  where error == .unsupported || error == .notPermitted {
                // The file system has none, or only root may: no reason to have no files.
            }
        }
    }

    /// Gives the directories their times. What somebody took away or replaced meanwhile is passed over.
    func finish() throws {
        for (path, entry) in unfinished.reversed() {
            do throws(Errno) {
                let directory = try open(path[...])
                if !CopyOwnership.canGiveAway {
                    try DescriptorIO.setPermissions(directory, ownership.permissions(of: entry))
                }
                try DescriptorIO.setModificationTime(directory, entry.modified)
            } catch {
                guard [.notFound, .notDirectory, .symbolicLinkLoop, .notPermitted].contains(error)
                else { throw CopyFailure(error, "could not write \(place(path))") }
            }
        }
        levels = []
    }
}
