internal import LinuxIO
package import VirtualFS

extension WorkingTree {
    package func lookup(
        _ name: [UInt8], in parent: InodeNumber
    ) throws(FileSystemError) -> LookupResult {
        if name == [0x2E] || name == [0x2E, 0x2E] {
            return .found(
                try settled(
                    perform { (state) throws(Interruption) in
                        try state.lookup(upwards: name.count == 2, from: parent)
                    }))
        }
        let key = try LinkName(name)
        let found = try perform { (state) throws(Interruption) in
            try state.lookup(key, in: parent)
        }
        guard let found else { return .absent(.forever) }
        return .found(try settled(found))
    }

    package func forget(_ lookups: [(inode: InodeNumber, count: UInt64)]) {
        let unsettled = locked { state in
            lookups.compactMap { inode, count in
                state.forget(inode, count: count).map { (inode: inode, path: $0) }
            }
        }
        for (inode, path) in unsettled {
            let status = try? FileStatus(ofPath: path)  // gone: nothing to take over
            locked { $0.settle(inode, status) }
        }
    }

    package func makeNode(_ request: NodeCreation) throws(FileSystemError) -> Entry {
        try make(request) { (type) throws(Interruption) in
            switch type {
            case .regular: .regular(.empty)
            case .characterDevice: .characterDevice(request.device)
            case .blockDevice: .blockDevice(request.device)
            case .fifo: .fifo
            case .socket: .socket
            case .directory, .symbolicLink: throw .failed(.invalidArgument)
            }
        }
    }

    package func makeDirectory(_ request: NodeCreation) throws(FileSystemError) -> Entry {
        var request = request
        request.mode = FileType.directory.rawValue | request.mode & 0o7777
        return try make(request) { (_) throws(Interruption) in
            .directory(WorkingDirectory(lower: nil))
        }
    }

    package func makeSymbolicLink(
        _ request: NodeCreation, target: [UInt8]
    ) throws(FileSystemError) -> Entry {
        var request = request
        request.mode = FileType.symbolicLink.rawValue | 0o777
        // PATH_MAX, with the terminating NUL.
        guard target.count < 4096 else { throw .nameTooLong }
        guard !target.isEmpty else { throw .notFound }
        return try make(request) { (_) throws(Interruption) in .symbolicLink(target) }
    }

    private func make(
        _ request: NodeCreation,
        _ makeBody: (FileType) throws(Interruption) -> WorkingInode.Body
    ) throws(FileSystemError) -> Entry {
        let name = try LinkName(request.place.name)
        let now = clock()
        return try modify { (state) throws(Interruption) in
            state.entry(try state.make(request, as: name, at: now, makeBody)).answer
        }
    }

    package func link(
        _ inode: InodeNumber, to place: DirectoryPlace
    ) throws(FileSystemError) -> Entry {
        let name = try LinkName(place.name)
        let now = clock()
        return try settled(
            modify { (state) throws(Interruption) in
                try state.link(inode, as: name, in: place.parent, at: now)
            })
    }

    package func unlink(_ name: [UInt8], in parent: InodeNumber) throws(FileSystemError) {
        let key = try LinkName(name)
        let now = clock()
        try modify(.removal) { (state) throws(Interruption) in
            try state.unlink(key, in: parent, at: now)
        }
    }

    package func removeDirectory(
        _ name: [UInt8], in parent: InodeNumber
    ) throws(FileSystemError) {
        let key = try LinkName(name)
        let now = clock()
        try modify(.removal) { (state) throws(Interruption) in
            try state.removeDirectory(key, in: parent, at: now)
        }
    }

    package func rename(
        _ source: DirectoryPlace, to target: DirectoryPlace, mode: RenameMode
    ) throws(FileSystemError) {
        let (old, new) = (try LinkName(source.name), try LinkName(target.name))
        let now = clock()
        try modify { (state) throws(Interruption) in
            try state.rename((source.parent, old), to: (target.parent, new), mode: mode, at: now)
        }
    }

    package func readSymbolicLink(_ inode: InodeNumber) throws(FileSystemError) -> [UInt8] {
        try perform { (state) throws(Interruption) in
            guard case .symbolicLink(let target) = try state.inode(inode).body else {
                throw .failed(.invalidArgument)
            }
            return target
        }
    }

    /// Directories are not opened: the kernel keeps their entries and drops them on every change.
    package func readDirectory(
        _ inode: InodeNumber, handle: FileHandle?, offset: UInt64,
        into listing: inout DirectoryListing
    ) throws(FileSystemError) {
        try perform { (state) throws(Interruption) in
            try state.list(inode, from: offset, into: &listing)
        }
    }
}
