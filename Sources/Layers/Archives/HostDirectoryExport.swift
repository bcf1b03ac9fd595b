internal import FileTree
internal import LinuxIO

/// Writes a directory of the host as a tar, file by file, while others may write to it.
///
/// Entries come in the order of their names, the directory itself first as `./`. Symbolic links are
/// not followed, other file systems not entered; names that share an inode are hard links; sockets
/// are left out. A file gets the size that it had when it was come to: what was cut off meanwhile is
/// zeros.
package struct HostDirectoryExport: ~Copyable {
    private struct Identity: Hashable {
        var device: UInt64
        var inode: UInt64
    }

    private static let chunkBytes = 1 << 20
    private static let slash = UInt8(ascii: "/")

    private var linked: [Identity: [UInt8]] = [:]
    private var device: UInt64 = 0

    package init() {}

    /// - Throws: ``LayerError`` `inputOutput`, and what the sink throws.
    package mutating func write(_ path: String, to sink: inout some ByteSink) throws {
        do {
            let root = try OwnedDescriptor(opening: path, [.readOnly, .directory])
            let status = try FileStatus(of: root.rawValue)
            device = status.device
            try header(
                Array("./".utf8), .directory, status,
                try HostFileAttributes.all(of: root.rawValue, .directory), to: &sink)
            try contents(of: root, at: [], to: &sink)
        } catch let error as Errno {
            throw LayerError(
                .inputOutput, "the directory cannot be read", path: path, cause: error)
        }
        let end = TarWriter.endMarker
        try sink.write(end.span)
    }

    private mutating func contents(
        of directory: borrowing OwnedDescriptor, at path: [UInt8], to sink: inout some ByteSink
    ) throws {
        let names = try HostDirectory.names(directory.rawValue)
        for name in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            do {
                try entry(name, in: directory, at: path + name, to: &sink)
            } catch let error as Errno where error == .notFound {
                continue  // removed meanwhile
            }
        }
    }

    private mutating func entry(
        _ name: [UInt8], in directory: borrowing OwnedDescriptor, at path: [UInt8],
        to sink: inout some ByteSink
    ) throws {
        let parent = directory.rawValue
        let status = try FileStatus(of: name, in: parent)
        guard status.device == device, let kind = status.kind else { return }
        if kind != .directory, status.linkCount > 1 {
            let identity = Identity(device: status.device, inode: status.inode)
            if let first = linked[identity] {
                return try header(path, .hardLink, status, [], target: first, to: &sink)
            }
            if kind != .socket { linked[identity] = path }
        }
        switch kind {
        case .directory:
            let child = try OwnedDescriptor(
                opening: name, in: parent, [.readOnly, .directory, .noFollow])
            try header(
                path, .directory, status,
                try HostFileAttributes.all(of: child.rawValue, .directory), to: &sink)
            try contents(of: child, at: path + [Self.slash], to: &sink)
        case .regular:
            let file = try OwnedDescriptor(
                opening: name, in: parent, [.readOnly, .noFollow, .nonBlocking])
            let now = try FileStatus(of: file.rawValue)
            guard now.kind == .regular else { return }
            try header(
                path, .regular, now, try HostFileAttributes.all(of: file.rawValue, .regular),
                to: &sink)
            try content(of: file, sizeBytes: now.sizeBytes, to: &sink)
        case .symbolicLink:
            try header(
                path, .symbolicLink, status, [],
                target: try HostDirectory.readLink(name, in: parent), to: &sink)
        case .characterDevice: try header(path, .characterDevice, status, [], to: &sink)
        case .blockDevice: try header(path, .blockDevice, status, [], to: &sink)
        case .fifo: try header(path, .fifo, status, [], to: &sink)
        case .socket: break
        }
    }

    private func header(
        _ path: [UInt8], _ kind: TarEntry.Kind, _ status: FileStatus,
        _ attributes: [ExtendedAttributes.Attribute], target: [UInt8] = [],
        to sink: inout some ByteSink
    ) throws {
        let number = DeviceNumber(rawValue: status.specialDevice)
        let entry = TarEntry(
            path: path, kind: kind, linkTarget: target,
            mode: UInt16(status.mode & 0o7777), uid: status.userID, gid: status.groupID,
            sizeBytes: kind == .regular ? Int64(clamping: status.sizeBytes) : 0,
            modified: TarTime(
                seconds: status.modificationTime.seconds,
                nanoseconds: status.modificationTime.nanoseconds),
            deviceMajor: number.major, deviceMinor: number.minor,
            attributes: ExtendedAttributes(attributes).attributes.map {
                TarAttribute(name: $0.name, value: $0.value)
            })
        let bytes = try TarWriter.header(for: entry)
        try sink.write(bytes.span)
    }

    private func content(
        of file: borrowing OwnedDescriptor, sizeBytes: UInt64, to sink: inout some ByteSink
    ) throws {
        var position: UInt64 = 0
        while position < sizeBytes {
            let end = min(position + UInt64(Self.chunkBytes), sizeBytes)
            var bytes = try DescriptorIO.bytes(file.rawValue, in: position..<end)
            if bytes.count < Int(end - position) {
                bytes += [UInt8](repeating: 0, count: Int(end - position) - bytes.count)
            }
            try sink.write(bytes.span)
            position = end
        }
        let padding = TarWriter.padding(after: Int64(clamping: sizeBytes))
        try sink.write(padding.span)
    }
}
