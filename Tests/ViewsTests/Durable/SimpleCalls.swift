import Glibc
import VirtualFS

@testable import Views

/// What a program does to a view, by paths of one or two names. It forgets nothing.
struct SimpleCalls {
    /// Not kept: a fixture drops its view while these calls are still in scope.
    unowned let view: WorkingTree
    private let root = RequestContext(userID: 0, groupID: 0)

    init(_ view: WorkingTree) { self.view = view }

    func place(_ path: String) throws(FileSystemError) -> DirectoryPlace {
        var parent = InodeNumber.root
        var names = path.split(separator: "/").map { Array($0.utf8) }
        let last = names.popLast() ?? []
        for name in names { parent = try inode(name, in: parent) }
        return DirectoryPlace(parent: parent, name: last)
    }

    private func inode(_ name: [UInt8], in parent: InodeNumber) throws(FileSystemError)
        -> InodeNumber
    {
        guard case .found(let entry) = try view.lookup(name, in: parent) else { throw .notFound }
        return entry.attributes.inode
    }

    func inode(_ path: String) throws(FileSystemError) -> InodeNumber {
        if path.isEmpty { return .root }
        let place = try place(path)
        return try inode(place.name, in: place.parent)
    }

    func attributes(_ path: String) throws(FileSystemError) -> FileAttributes {
        try view.attributes(of: inode(path), handle: nil).attributes
    }

    func makeDirectory(_ path: String) throws(FileSystemError) {
        _ = try view.makeDirectory(
            NodeCreation(place: place(path), mode: S_IFDIR | 0o755, context: root))
    }

    /// Writes the bytes at an offset; makes the file if it is not there.
    func write(
        _ path: String, _ bytes: [UInt8], at offset: UInt64 = 0, flags: OpenFlags = .readWrite
    ) throws(FileSystemError) {
        let place = try place(path)
        let (inode, handle): (InodeNumber, FileHandle)
        if case .found(let entry) = try view.lookup(place.name, in: place.parent) {
            inode = entry.attributes.inode
            handle = try view.open(inode, flags: flags, context: root).handle
        } else {
            let made = try view.create(
                NodeCreation(place: place, mode: S_IFREG | 0o644, context: root), flags: flags)
            (inode, handle) = (made.entry.attributes.inode, made.file.handle)
        }
        defer { view.release(inode, handle: handle) }
        let outcome: Result<Int, FileSystemError> = unsafe bytes.withUnsafeBytes { buffer in
            do throws(FileSystemError) {
                return .success(
                    try unsafe view.write(
                        inode, handle: handle, offset: offset, data: buffer, clearSetIDs: false))
            } catch {
                return .failure(error)
            }
        }
        guard try outcome.get() == bytes.count else { throw .noSpace }
    }

    func read(_ path: String) throws(FileSystemError) -> [UInt8] {
        let inode = try inode(path)
        let file = try view.open(inode, flags: .readOnly, context: root)
        defer { view.release(inode, handle: file.handle) }
        var content: [UInt8] = []
        while true {
            var piece: [UInt8] = []
            try view.read(
                inode, handle: file.handle, offset: UInt64(content.count), size: 1 << 20
            ) { source in
                switch source {
                case .bytes(let bytes): piece = Array(bytes)
                case .descriptor(let descriptor, let offset, let size):
                    var buffer = [UInt8](repeating: 0, count: size)
                    let count = unsafe pread(descriptor, &buffer, size, Int(offset))
                    piece = Array(buffer[0..<max(0, count)])
                }
            }
            if piece.isEmpty { return content }
            content += piece
        }
    }

    func synchronize(_ path: String) throws(FileSystemError) {
        try view.synchronize(inode(path), handle: nil, dataOnly: false)
    }

    func truncate(_ path: String, to size: UInt64) throws(FileSystemError) {
        _ = try view.setAttributes(
            of: inode(path), handle: nil, to: AttributeChanges(sizeBytes: size))
    }

    func changeMode(_ path: String, _ mode: UInt32) throws(FileSystemError) {
        _ = try view.setAttributes(
            of: inode(path), handle: nil, to: AttributeChanges(permissions: mode))
    }

    func setAttribute(_ path: String, _ value: [UInt8]) throws(FileSystemError) {
        try view.setExtendedAttribute(
            Array("user.v".utf8), of: inode(path), to: value, mode: .createOrReplace,
            clearSetGroupID: false)
    }

    func rename(_ path: String, to target: String) throws(FileSystemError) {
        try view.rename(place(path), to: place(target), mode: .replace)
    }

    func link(_ path: String, as target: String) throws(FileSystemError) {
        _ = try view.link(inode(path), to: place(target))
    }

    func unlink(_ path: String) throws(FileSystemError) {
        let place = try place(path)
        try view.unlink(place.name, in: place.parent)
    }
}
