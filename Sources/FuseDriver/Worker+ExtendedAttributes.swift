internal import CFuse
internal import VirtualFS

// Extended attributes.

extension Worker {
    /// `FUSE_SETXATTR_ACL_KILL_SGID`: who sets an ACL is not of the file's group. The kernel says so
    /// of default ACLs too, which change no mode.
    private static let aclClearsSetGroupID: UInt32 = 1 << 0

    private var answersExtendedAttributes: Bool {
        connection.profile != .readOnly(extendedAttributes: false)
    }

    func extendedAttribute(
        _ name: [UInt8], of inode: InodeNumber, limit: Int, _ reply: consuming Reply
    ) {
        do throws(FileSystemError) {
            guard answersExtendedAttributes else { throw FileSystemError.notImplemented }
            reply.extendedAttribute(
                try fileSystem.extendedAttribute(name, of: inode), limit: limit)
        } catch {
            reply.failure(error)
        }
    }

    /// Names that only those with CAP_SYS_ADMIN may see, xattr(7). The kernel guards their values, not
    /// the list.
    private static let trusted = Array("trusted.".utf8)

    func extendedAttributeNames(
        of inode: InodeNumber, limit: Int, _ context: RequestContext, _ reply: consuming Reply
    ) {
        do throws(FileSystemError) {
            guard answersExtendedAttributes else { throw FileSystemError.notImplemented }
            var names = try fileSystem.extendedAttributeNames(of: inode)
            // Seldom there, and then seldom asked for: the caller is looked at only where it counts.
            if names.contains(where: { $0.starts(with: Self.trusted) }),
                context.userID != 0 || !CallerState.isAdministrator(thread: buffer.header.pid)
            {
                names.removeAll { $0.starts(with: Self.trusted) }
            }
            reply.extendedAttribute(names.flatMap { $0 + [0] }, limit: limit)
        } catch {
            reply.failure(error)
        }
    }

    /// Reads name and value from the request itself: which of its two forms the kernel uses was
    /// agreed on behind libfuse's back.
    func setExtendedAttribute(of inode: InodeNumber, _ reply: consuming Reply) {
        do throws(FileSystemError) {
            let request = buffer.argument(vitrine_setxattr_in.self)
            let isExtended = connection.hasExtendedSetxattr
            let size = MemoryLayout<vitrine_setxattr_in>.size
            let payload = unsafe Array(buffer.payload(after: isExtended ? size : size / 2))
            guard let end = payload.firstIndex(of: 0),
                payload.count >= end + 1 + Int(request.size),
                let mode = ExtendedAttributeMode(flags: request.flags)
            else { throw FileSystemError.invalidArgument }
            try fileSystem.setExtendedAttribute(
                Array(payload[..<end]), of: inode,
                to: Array(payload[(end + 1)...].prefix(Int(request.size))), mode: mode,
                clearSetGroupID: isExtended
                    && request.setxattr_flags & Self.aclClearsSetGroupID != 0)
            reply.success()
        } catch {
            reply.failure(error)
        }
    }

    func removeExtendedAttribute(
        _ name: [UInt8], of inode: InodeNumber, _ reply: consuming Reply
    ) {
        do throws(FileSystemError) {
            try fileSystem.removeExtendedAttribute(name, of: inode)
            reply.success()
        } catch {
            reply.failure(error)
        }
    }
}

extension ExtendedAttributeMode {
    /// From the flags of setxattr(2); nil for both at once.
    init?(flags: UInt32) {
        switch flags {
        case 0: self = .createOrReplace
        case 1: self = .create
        case 2: self = .replace
        default: return nil
        }
    }
}
