import Glibc
import LinuxIO
import VirtualFS

/// Runs operations on a file system as the kernel would: looks names up one by one, counts lookups,
/// keeps handles, does passthrough I/O on backing files, and checks what the kernel checks itself.
///
/// The caller is root, whom no permission stops.
final class ViewClient: PosixClient {
    let fileSystem: any FileSystem
    private let umask: UInt32
    private let context = RequestContext(userID: 0, groupID: 0)
    /// Lookups not yet taken back.
    private(set) var lookups: [InodeNumber: UInt64] = [:]
    private var handles: [Int: OpenFile] = [:]
    private var step = 0
    /// Names that a directory read gave twice: there should be none.
    private(set) var duplicates: [String] = []

    private struct OpenFile {
        var inode: InodeNumber
        var file: OpenedFile
        var writes: Bool
    }

    init(_ fileSystem: any FileSystem, umask: UInt32) {
        self.fileSystem = fileSystem
        self.umask = umask
    }

    /// Takes back all lookups but those of open files, as a kernel short of memory.
    func forgetAll() {
        let open = Set(handles.values.map(\.inode))
        for (inode, count) in lookups where !open.contains(inode) && inode != .root {
            fileSystem.forget([(inode, count)])
            lookups[inode] = nil
        }
    }

    func closeAll() {
        for handle in handles.keys.sorted() { _ = run(.close(handle: handle)) }
    }

    func run(_ operation: PosixOperation) -> PosixOutcome {
        step += 1
        defer { if step % 7 == 0 { forgetAll() } }
        do throws(FileSystemError) {
            return try perform(operation)
        } catch {
            return .failed(errno: error.errno)
        }
    }

    private func perform(_ operation: PosixOperation) throws(FileSystemError) -> PosixOutcome {
        switch operation {
        case .create(let path, let mode, let exclusive):
            return try create(path, mode, exclusive)
        case .write(let path, let offset, let bytes):
            return try withOpen(path, writes: true) { (open) throws(FileSystemError) in
                try write(open, offset, bytes)
            }
        case .truncate(let path, let size):
            let inode = try regular(path)
            try takeCapability(inode)
            return try set(inode, AttributeChanges(sizeBytes: UInt64(size)))
        case .makeDirectory(let path, let mode):
            return try make(path) { (place) throws(FileSystemError) in
                try fileSystem.makeDirectory(creation(place, S_IFDIR | mode & 0o1777))
            }
        case .makeNode(let path, let mode, let device):
            return try make(path) { (place) throws(FileSystemError) in
                try fileSystem.makeNode(creation(place, mode, device: device))
            }
        case .symbolicLink(let path, let target):
            return try make(path) { (place) throws(FileSystemError) in
                try fileSystem.makeSymbolicLink(
                    creation(place, S_IFLNK | 0o777), target: Array(target.utf8))
            }
        case .link(let path, let to):
            let inode = try find(path).inode
            return try make(to) { (place) throws(FileSystemError) in
                try fileSystem.link(inode, to: place)
            }
        case .unlink(let path):
            let place = try place(of: path)
            if try find(path).type == .directory { throw .isDirectory }
            try fileSystem.unlink(place.name, in: place.parent)
            return .done
        case .removeDirectory(let path):
            let place = try place(of: path)
            if try find(path).type != .directory { throw .notDirectory }
            try fileSystem.removeDirectory(place.name, in: place.parent)
            return .done
        case .rename(let path, let to, let flags):
            let (source, target) = (try place(of: path), try place(of: to))
            _ = try find(path)
            let modes: [RenameMode] = [.replace, .noReplace, .exchange]
            try fileSystem.rename(source, to: target, mode: modes[Int(flags)])
            return .done
        default: return try performOnAttributes(operation)
        }
    }

    private func performOnAttributes(
        _ operation: PosixOperation
    ) throws(FileSystemError) -> PosixOutcome {
        switch operation {
        case .changeMode(let path, let mode):
            let found = try find(path)
            if found.type == .symbolicLink { throw .unsupported }
            return try set(found.inode, AttributeChanges(permissions: mode))
        case .changeOwner(let path, let user, let group):
            return try set(
                find(path).inode, AttributeChanges(userID: user, groupID: group))
        case .setModificationTime(let path, let seconds):
            let time = seconds.map {
                AttributeChanges.Time.at(FileTime(seconds: Int64($0), nanoseconds: 5))
            }
            return try set(
                find(path).inode, AttributeChanges(modificationTime: time ?? .now))
        case .setAttribute(let path, let name, let value, let flags):
            let inode = try checkedForAttribute(path, name, absent: .notPermitted)
            let modes: [ExtendedAttributeMode] = [.createOrReplace, .create, .replace]
            try fileSystem.setExtendedAttribute(
                Array(name.utf8), of: inode, to: value, mode: modes[Int(flags)],
                clearSetGroupID: false)
            return .done
        case .removeAttribute(let path, let name):
            let inode = try checkedForAttribute(path, name, absent: .notPermitted)
            try fileSystem.removeExtendedAttribute(Array(name.utf8), of: inode)
            return .done
        case .attribute(let path, let name):
            let inode = try checkedForAttribute(path, name, absent: .noData)
            return .text("\(try fileSystem.extendedAttribute(Array(name.utf8), of: inode))")
        case .status(let path): return PosixStatus(try find(path)).outcome
        case .read(let path):
            let found = try find(path)
            if found.type == .symbolicLink {
                let target = try fileSystem.readSymbolicLink(found.inode)
                return .text(String(decoding: target, as: UTF8.self))
            }
            return try withOpen(path, writes: false, readAll)
        case .list(let path):
            let found = try find(path)
            guard found.type == .directory else { throw .notDirectory }
            return .text(try list(found.inode).joined(separator: " "))
        default: return try performOnHandles(operation)
        }
    }

    private func performOnHandles(
        _ operation: PosixOperation
    ) throws(FileSystemError) -> PosixOutcome {
        switch operation {
        case .open(let handle, let path, let writes, let truncates):
            handles[handle] = try open(regular(path), writes: writes, truncates: truncates)
            return .done
        case .writeHandle(let handle, let offset, let bytes):
            return try write(writable(handle), offset, bytes)
        case .truncateHandle(let handle, let size):
            let open = try openHandle(handle)
            guard open.writes else { throw .invalidArgument }
            try takeCapability(open.inode)
            _ = try fileSystem.setAttributes(
                of: open.inode, handle: open.file.handle,
                to: AttributeChanges(sizeBytes: UInt64(size)))
            return .done
        case .allocate(let handle, let mode, let offset, let length):
            let open = try writable(handle)
            try fileSystem.allocate(
                open.inode, handle: open.file.handle, mode: mode, offset: UInt64(offset),
                length: UInt64(length), context: context)
            return .done
        case .readHandle(let handle): return try readAll(openHandle(handle))
        case .statusOfHandle(let handle):
            let open = try openHandle(handle)
            let reply = try fileSystem.attributes(of: open.inode, handle: open.file.handle)
            return PosixStatus(reply.attributes).outcome
        case .close(let handle):
            let open = try openHandle(handle)
            handles[handle] = nil
            fileSystem.release(open.inode, handle: open.file.handle)
            return .done
        default: throw .notImplemented
        }
    }

    // MARK: - Names

    private func names(_ path: String) -> [[UInt8]] {
        path.split(separator: "/").map { Array($0.utf8) }
    }

    private func note(_ entry: Entry) -> FileAttributes {
        lookups[entry.attributes.inode, default: 0] += 1
        return entry.attributes
    }

    func find(_ path: String) throws(FileSystemError) -> FileAttributes {
        try walk(names(path)[...])
    }

    private func walk(_ names: ArraySlice<[UInt8]>) throws(FileSystemError) -> FileAttributes {
        var current = try fileSystem.attributes(of: .root, handle: nil).attributes
        for name in names {
            // A link in the middle is followed, and all links dangle.
            if current.type == .symbolicLink { throw .notFound }
            guard current.type == .directory else { throw .notDirectory }
            guard case .found(let entry) = try fileSystem.lookup(name, in: current.inode) else {
                throw .notFound
            }
            current = note(entry)
        }
        return current
    }

    private func place(of path: String) throws(FileSystemError) -> DirectoryPlace {
        let names = names(path)
        let parent = try walk(names.dropLast())
        if parent.type == .symbolicLink { throw .notFound }
        guard parent.type == .directory else { throw .notDirectory }
        return DirectoryPlace(parent: parent.inode, name: names.last ?? [])
    }

    private func creation(
        _ place: DirectoryPlace, _ mode: UInt32, device: UInt64 = 0
    ) -> NodeCreation {
        NodeCreation(place: place, mode: mode, umask: umask, device: device, context: context)
    }

    private func make(
        _ path: String, _ body: (DirectoryPlace) throws(FileSystemError) -> Entry
    ) throws(FileSystemError) -> PosixOutcome {
        let place = try place(of: path)
        if case .found(let entry) = try fileSystem.lookup(place.name, in: place.parent) {
            _ = note(entry)
            throw .exists
        }
        _ = note(try body(place))
        return .done
    }

    private func create(
        _ path: String, _ mode: UInt32, _ exclusive: Bool
    ) throws(FileSystemError) -> PosixOutcome {
        let place = try place(of: path)
        if case .found(let entry) = try fileSystem.lookup(place.name, in: place.parent) {
            _ = note(entry)
            if exclusive { throw .exists }
            return try withOpen(path, writes: true) { _ in .done }
        }
        let flags = OpenFlags.writeOnly.union(exclusive ? .exclusive : [])
        let made = try fileSystem.create(creation(place, S_IFREG | mode), flags: flags)
        fileSystem.release(note(made.entry).inode, handle: made.file.handle)
        return .done
    }

    private func list(_ inode: InodeNumber) throws(FileSystemError) -> [String] {
        var names: [String] = []
        var offset: UInt64 = 0
        while true {
            var listing = DirectoryListing(
                capacityBytes: step % 3 == 0 ? 200 : 4096, overheadBytes: 24,
                wantsAttributes: step % 2 == 0)
            try fileSystem.readDirectory(inode, handle: nil, offset: offset, into: &listing)
            guard let last = listing.items.last else { break }
            offset = last.nextOffset
            for item in listing.items {
                if let entry = item.entry { _ = note(entry) }
                names.append(String(decoding: item.name, as: UTF8.self))
            }
        }
        names = names.filter { $0 != "." && $0 != ".." }
        if Set(names).count != names.count { duplicates += names }
        return names.sorted()
    }

    // MARK: - Attributes

    private func set(
        _ inode: InodeNumber, _ changes: AttributeChanges
    ) throws(FileSystemError) -> PosixOutcome {
        _ = try fileSystem.setAttributes(of: inode, handle: nil, to: changes)
        return .done
    }

    /// xattr_permission and the ACL checks of the kernel.
    private func checkedForAttribute(
        _ path: String, _ name: String, absent: FileSystemError
    ) throws(FileSystemError) -> InodeNumber {
        let found = try find(path)
        if name.hasPrefix("user."), found.type != .regular && found.type != .directory {
            throw absent
        }
        if name.hasPrefix("system.posix_acl"), found.type == .symbolicLink { throw .unsupported }
        return found.inode
    }

    private func regular(_ path: String) throws(FileSystemError) -> InodeNumber {
        let found = try find(path)
        switch found.type {
        case .regular: return found.inode
        case .directory: throw .isDirectory
        default: throw .deviceOffset
        }
    }

    // MARK: - Files

    private func open(
        _ inode: InodeNumber, writes: Bool, truncates: Bool
    ) throws(FileSystemError) -> OpenFile {
        var flags: OpenFlags = writes ? .readWrite : []
        let truncatesAtomically = truncates && step % 2 == 0
        if truncatesAtomically { flags.insert(.truncate) }
        let file = try fileSystem.open(inode, flags: flags, context: context)
        let open = OpenFile(inode: inode, file: file, writes: writes)
        if truncates && !truncatesAtomically {
            try takeCapability(inode)
            _ = try fileSystem.setAttributes(
                of: inode, handle: file.handle, to: AttributeChanges(sizeBytes: 0))
        }
        return open
    }

    private func withOpen(
        _ path: String, writes: Bool, _ body: (OpenFile) throws(FileSystemError) -> PosixOutcome
    ) throws(FileSystemError) -> PosixOutcome {
        let open = try open(regular(path), writes: writes, truncates: false)
        defer { fileSystem.release(open.inode, handle: open.file.handle) }
        return try body(open)
    }

    private func openHandle(_ handle: Int) throws(FileSystemError) -> OpenFile {
        guard let open = handles[handle] else { throw .badHandle }
        return open
    }

    private func writable(_ handle: Int) throws(FileSystemError) -> OpenFile {
        let open = try openHandle(handle)
        guard open.writes else { throw .badHandle }
        return open
    }

    /// As the kernel does before a write or a truncation (file_remove_privs).
    private func takeCapability(_ inode: InodeNumber) throws(FileSystemError) {
        do throws(FileSystemError) {
            try fileSystem.removeExtendedAttribute(Array("security.capability".utf8), of: inode)
        } catch .noData {
        }
    }

    private func write(
        _ open: OpenFile, _ offset: Int, _ bytes: [UInt8]
    ) throws(FileSystemError) -> PosixOutcome {
        if !bytes.isEmpty { try takeCapability(open.inode) }
        let result: Result<Void, FileSystemError> = unsafe bytes.withUnsafeBytes { buffer in
            do throws(FileSystemError) {
                // As passthrough does: past the file system.
                if let backing = open.file.backing, step % 3 != 0 {
                    let count = unsafe pwrite(
                        backing.descriptor, buffer.baseAddress, buffer.count, offset)
                    return count < 0 ? .failure(FileSystemError(errno: errno)) : .success(())
                }
                _ = try unsafe fileSystem.write(
                    open.inode, handle: open.file.handle, offset: UInt64(offset), data: buffer,
                    clearSetIDs: false)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
        return .done
    }

    private func readAll(_ open: OpenFile) throws(FileSystemError) -> PosixOutcome {
        var content: [UInt8] = []
        while true {
            var piece: [UInt8] = []
            try fileSystem.read(
                open.inode, handle: open.file.handle, offset: UInt64(content.count), size: 1 << 16
            ) { source in
                switch source {
                case .bytes(let bytes): piece = Array(bytes)
                case .descriptor(let descriptor, let offset, let size):
                    var buffer = [UInt8](repeating: 0, count: size)
                    let count = unsafe pread(descriptor, &buffer, size, Int(offset))
                    piece = Array(buffer[0..<max(0, count)])
                }
            }
            if piece.isEmpty { return .text(ContentDigest.text(content)) }
            content += piece
        }
    }
}

extension PosixStatus {
    init(_ attributes: FileAttributes) {
        self.init(
            mode: attributes.mode, links: UInt64(attributes.linkCount), user: attributes.userID,
            group: attributes.groupID, device: attributes.device, size: attributes.sizeBytes,
            modifiedSeconds: attributes.modificationTime.seconds)
    }
}
