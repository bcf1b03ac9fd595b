internal import CFuse
internal import VirtualFS

// Names and attributes.

extension Worker {
    func lookup(_ name: [UInt8], in parent: InodeNumber, _ reply: consuming Reply) {
        do throws(FileSystemError) {
            switch try fileSystem.lookup(name, in: parent) {
            case .found(let entry): answer(entry, reply)
            case .absent(.none): reply.failure(.notFound)
            case .absent(let validity): reply.value(vitrine_entry_out(absentFor: validity))
            }
        } catch {
            reply.failure(error)
        }
    }

    /// Answers an entry; takes the lookup it counts back if the kernel never got it.
    func answer(_ entry: Entry, _ reply: consuming Reply) {
        if !reply.entry(entry) { takeBack(entry) }
    }

    /// Takes back a lookup whose answer the kernel never got.
    func takeBack(_ entry: Entry) { fileSystem.forget([(entry.attributes.inode, 1)]) }

    func forget(_ inode: InodeNumber, count: UInt64, _ reply: consuming Reply) {
        fileSystem.forget([(inode, count)])
        pool.memory.forgot(1)
        reply.none()
    }

    func forget(_ forgets: UnsafeBufferPointer<fuse_forget_data>, _ reply: consuming Reply) {
        fileSystem.forget(
            forgets.indices.map { index in
                let forget = unsafe forgets[index]
                return (InodeNumber(forget.ino), forget.nlookup)
            })
        pool.memory.forgot(forgets.count)
        reply.none()
    }

    func attributes(of inode: InodeNumber, handle: FileHandle?, _ reply: consuming Reply) {
        do throws(FileSystemError) {
            let handle = connection.profile == .writable ? handle : nil
            reply.attributes(try fileSystem.attributes(of: inode, handle: handle))
        } catch {
            reply.failure(error)
        }
    }

    func setAttributes(
        of inode: InodeNumber, handle: FileHandle?, to changes: AttributeChanges,
        _ reply: consuming Reply
    ) {
        do throws(FileSystemError) {
            reply.attributes(
                try fileSystem.setAttributes(of: inode, handle: handle, to: changes))
        } catch {
            reply.failure(error)
        }
    }

    func readSymbolicLink(_ inode: InodeNumber, _ reply: consuming Reply) {
        do throws(FileSystemError) {
            reply.slice(try fileSystem.readSymbolicLink(inode)[...])
        } catch {
            reply.failure(error)
        }
    }

    func makeNode(_ request: NodeCreation, _ reply: consuming Reply) {
        do throws(FileSystemError) {
            answer(try fileSystem.makeNode(request), reply)
        } catch {
            reply.failure(error)
        }
    }

    func makeDirectory(_ request: NodeCreation, _ reply: consuming Reply) {
        do throws(FileSystemError) {
            // The kernel leaves the type out.
            var request = request
            request.mode = request.mode & 0o7777 | FileType.directory.rawValue
            answer(try fileSystem.makeDirectory(request), reply)
        } catch {
            reply.failure(error)
        }
    }

    func makeSymbolicLink(
        _ request: NodeCreation, target: [UInt8], _ reply: consuming Reply
    ) {
        do throws(FileSystemError) {
            answer(try fileSystem.makeSymbolicLink(request, target: target), reply)
        } catch {
            reply.failure(error)
        }
    }

    func link(
        _ inode: InodeNumber, to place: DirectoryPlace,
        _ reply: consuming Reply
    ) {
        do throws(FileSystemError) {
            answer(try fileSystem.link(inode, to: place), reply)
        } catch {
            reply.failure(error)
        }
    }

    func unlink(_ name: [UInt8], in parent: InodeNumber, _ reply: consuming Reply) {
        do throws(FileSystemError) {
            try fileSystem.unlink(name, in: parent)
            reply.success()
        } catch {
            reply.failure(error)
        }
    }

    func removeDirectory(_ name: [UInt8], in parent: InodeNumber, _ reply: consuming Reply) {
        do throws(FileSystemError) {
            try fileSystem.removeDirectory(name, in: parent)
            reply.success()
        } catch {
            reply.failure(error)
        }
    }

    func rename(
        _ source: DirectoryPlace, to target: DirectoryPlace, flags: UInt32,
        _ context: RequestContext, _ reply: consuming Reply
    ) {
        do throws(FileSystemError) {
            guard let mode = RenameMode(flags: flags, by: context) else {
                return reply.failure(.invalidArgument)
            }
            try fileSystem.rename(source, to: target, mode: mode)
            reply.success()
        } catch {
            reply.failure(error)
        }
    }

    func statistics(_ reply: consuming Reply) {
        do throws(FileSystemError) {
            reply.statistics(try fileSystem.statistics())
        } catch {
            reply.failure(error)
        }
    }
}

extension RenameMode {
    /// From the flags of renameat2(2); nil for those that exclude each other.
    init?(flags: UInt32, by context: RequestContext) {
        switch flags {
        case 0: self = .replace
        case 1: self = .noReplace
        case 2: self = .exchange
        case 4: self = .leaveWhiteout(by: context, replaces: true)
        case 5: self = .leaveWhiteout(by: context, replaces: false)
        default: return nil
        }
    }
}

extension AttributeChanges {
    /// - Parameter mask: `FUSE_SET_ATTR_*`.
    init(_ attributes: stat, mask: Int32) {
        func isSet(_ bit: some BinaryInteger) -> Bool { mask & Int32(truncatingIfNeeded: bit) != 0 }
        func time(_ value: timespec, given: Bool, now: Bool) -> Time? {
            if now { return .now }
            return given ? .at(FileTime(value)) : nil
        }
        self.init(
            permissions: isSet(FUSE_SET_ATTR_MODE) ? attributes.st_mode & 0o7777 : nil,
            userID: isSet(FUSE_SET_ATTR_UID) ? attributes.st_uid : nil,
            groupID: isSet(FUSE_SET_ATTR_GID) ? attributes.st_gid : nil,
            sizeBytes: isSet(FUSE_SET_ATTR_SIZE) ? UInt64(attributes.st_size) : nil,
            accessTime: time(
                attributes.st_atim, given: isSet(FUSE_SET_ATTR_ATIME),
                now: isSet(FUSE_SET_ATTR_ATIME_NOW)),
            modificationTime: time(
                attributes.st_mtim, given: isSet(FUSE_SET_ATTR_MTIME),
                now: isSet(FUSE_SET_ATTR_MTIME_NOW)),
            changeTime: isSet(FUSE_SET_ATTR_CTIME) ? FileTime(attributes.st_ctim) : nil,
            // The kernel's FATTR_KILL_SUIDGID, under the name libfuse has for the bit.
            clearSetIDs: isSet(FUSE_SET_ATTR_KILL_SUID))
    }
}

extension FileTime {
    init(_ time: timespec) {
        self.init(
            seconds: Int64(time.tv_sec), nanoseconds: UInt32(truncatingIfNeeded: time.tv_nsec))
    }
}
