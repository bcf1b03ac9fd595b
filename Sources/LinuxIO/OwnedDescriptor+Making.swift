/// What is made where nothing is.
package enum MissingPlace: Sendable {
    case directory
    /// An empty file.
    case file
}

extension OwnedDescriptor {
    /// As Linux.
    private static let maximumLinks = 40

    /// Opens, `pathOnly`, what a path is for a process whose root the directory is, and makes what is
    /// missing of it, with permissions 0755 and 0644.
    ///
    /// Symbolic links are followed, and what a dangling one leads to is made. Each name is opened by
    /// itself and links are read, never walked by the kernel: nothing is made outside of the root,
    /// whatever somebody changes meanwhile.
    /// - Throws: EROFS, EACCES where it cannot be made; ENOTDIR below a file; ELOOP.
    package init(
        making missing: MissingPlace, at path: [UInt8], inRoot root: Int32
    ) throws(Errno) {
        // What is still to be walked, the next part last.
        var parts = Array(Self.parts(of: path).reversed())
        // What was walked, without links.
        var walked: [[UInt8]] = []
        var place = try OwnedDescriptor(opening: [0x2E], in: root, [.pathOnly, .directory])
        var linksLeft = Self.maximumLinks
        while let part = parts.popLast() {
            if part == [0x2E] { continue }
            if part == [0x2E, 0x2E] {
                _ = walked.popLast()
                place = try Self.directory(walked, inRoot: root)
                continue
            }
            let child = try Self.place(
                part, in: place.rawValue, making: parts.isEmpty ? missing : .directory)
            guard try FileStatus(of: child.rawValue).kind == .symbolicLink else {
                walked.append(part)
                place = child
                continue
            }
            linksLeft -= 1
            guard linksLeft > 0 else { throw .symbolicLinkLoop }
            let target = try HostDirectory.readLink(part, in: place.rawValue)
            if target.first == UInt8(ascii: "/") {
                walked = []
                place = try Self.directory(walked, inRoot: root)
            }
            parts += Self.parts(of: target).reversed()
        }
        self = place
    }

    private static func parts(of path: [UInt8]) -> [[UInt8]] {
        path.split(separator: UInt8(ascii: "/")).map(Array.init)
    }

    private static func directory(
        _ names: [[UInt8]], inRoot root: Int32
    ) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor(
            opening: [0x2E, 0x2F] + names.joined(separator: [UInt8(ascii: "/")]), inRoot: root,
            [.pathOnly, .directory])
    }

    private static func place(
        _ name: [UInt8], in directory: Int32, making missing: MissingPlace
    ) throws(Errno) -> OwnedDescriptor {
        do throws(Errno) {
            return try OwnedDescriptor(opening: name, in: directory, [.pathOnly, .noFollow])
        } catch .notFound {}
        do throws(Errno) {
            switch missing {
            case .directory:
                try HostDirectory.make(name, in: directory, permissions: 0o755)
                // The process's mask may have taken some away.
                let made = try OwnedDescriptor(
                    opening: name, in: directory, [.pathOnly, .noFollow, .directory])
                try HostNode.setPermissions(ofPlace: made.rawValue, 0o755)
                return made
            case .file:
                let made = try OwnedDescriptor(
                    opening: name, in: directory, [.writeOnly, .create, .exclusive],
                    permissions: 0o644)
                try DescriptorIO.setPermissions(made.rawValue, 0o644)
            }
        } catch .exists {}  // somebody else was quicker
        return try OwnedDescriptor(opening: name, in: directory, [.pathOnly, .noFollow])
    }
}
