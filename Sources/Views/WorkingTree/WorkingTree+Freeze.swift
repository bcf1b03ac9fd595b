package import FileTree
internal import Glibc
internal import ImageSpec
internal import LinuxIO
package import Store
internal import Synchronization
internal import VirtualFS

extension WorkingTree {
    /// How long a freeze waits for the kernel to report files closed that their programs closed
    /// already (RELEASE comes after `close` returns). What is still open for writing then is copied
    /// instead of moved, which costs more but is right as well.
    private static let releaseGraceMicroseconds: UInt32 = 20_000

    /// The view as a tree, in time proportional to what changed since the last freeze.
    ///
    /// Contents go into the object store: files are hashed once and moved there. Directories that
    /// changed are encoded into `directories`; all else is referred to. The view stays usable and
    /// begins the next draft on the result; meanwhile changes wait, reads do not.
    ///
    /// Nothing should write to the view: of a file that is open for writing the tree gets what is
    /// there at some moment.
    ///
    /// - Parameters:
    ///   - directories: in front of the directories that this view was made from.
    ///   - leavesOutSockets: for a tree that is to be what its layers are: a layer's tar cannot say a
    ///     socket. Its program makes it anew; Docker and tar leave it out as well.
    /// - Throws: ``StoreError``, ``FileTreeError`` (`tooDeep` among them). The view is unharmed.
    package func freeze(
        ingest: ObjectIngest, directories: PendingDirectories, leavesOutSockets: Bool = false
    ) throws -> Tree {
        try freezing.withLock { _ in
            locked { $0.isFreezing = true }
            defer { locked { $0.isFreezing = false } }
            awaitChangesUnderWay()
            settleAll()
            let survey = try survey()
            let copies = try collectContents(survey.files, ingest)
            let snapshot = try perform { (state) throws(Interruption) in
                try FrozenState(state, copies: copies, leavesOutSockets: leavesOutSockets)
            }
            let encoded = try snapshot.encode(in: directories)
            addSource(directories)
            guard snapshot.touchedHardLinks else {
                _ = locked {
                    $0.rebase(on: encoded, from: directories, links: nil, copied: copies.keys)
                }
                return encoded
            }
            let links = try FrozenLinks(
                encoded, changed: snapshot.changedGroups, in: directories)
            let tree = try links.apply(to: encoded)
            let strays = locked {
                $0.rebase(on: tree, from: directories, links: links, copied: copies.keys)
            }
            for (inode, path) in strays { try reattach(inode, at: path) }
            return tree
        }
    }

    private func awaitChangesUnderWay() {
        while locked({ $0.changesUnderWay }) > 0 { usleep(200) }
    }

    /// What is to be done outside the lock before directories can be encoded.
    struct Survey: Sendable {
        var directories: [DirectoryID] = []
        var files: [InodeNumber] = []
        var isTooDeep = false
    }

    /// Finds the files to collect, and loads the directories that are to be encoded.
    private func survey() throws -> Survey {
        while true {
            let survey = locked { $0.survey() }
            if survey.isTooDeep {
                throw FileTreeError(
                    .tooDeep, "a changed directory lies deeper than \(TreePath.maximumDepth) names")
            }
            if survey.directories.isEmpty { return survey }
            var loaded: [DirectoryID: Directory] = [:]
            for id in survey.directories { loaded[id] = try directory(id) }
            locked { $0.pin(loaded) }
        }
    }

    // MARK: - Contents

    private enum OwnContent: Sendable {
        case closed(path: String)
        case beingWritten(HostFile)
        /// Closed, but a mapping may write to it at any moment.
        case mapped(path: String)
    }

    /// Moves the content of own files into the store.
    /// - Returns: the content of files that are open for writing and stay own.
    private func collectContents(
        _ files: [InodeNumber], _ ingest: ObjectIngest
    ) throws -> [UInt64: FileContent] {
        for number in files { try completeCopy(of: number) }
        var open: [InodeNumber] = []
        for number in files where try !moveContent(of: number, ingest) { open.append(number) }
        var waited: UInt32 = 0
        while waited < Self.releaseGraceMicroseconds, open.contains(where: isOpen) {
            usleep(500)
            waited += 500
            open = try open.filter { try !moveContent(of: $0, ingest) }
        }
        var copies: [UInt64: FileContent] = [:]
        for number in open {
            switch ownContent(of: number) {
            case .beingWritten(let file):
                copies[number.rawValue] = try ingest.copy(file.descriptor)
            case .mapped(let path):
                let file = try HostFile.open(path, .readOnly, identity: 0)
                copies[number.rawValue] = try ingest.copy(file.descriptor)
            case .closed, nil: break
            }
        }
        return copies
    }

    private func isOpen(_ number: InodeNumber) -> Bool {
        if case .beingWritten = ownContent(of: number) { return true }
        return false
    }

    /// - Returns: false if the file may be written to.
    private func moveContent(of number: InodeNumber, _ ingest: ObjectIngest) throws -> Bool {
        try gated(number) { () throws in
            switch ownContent(of: number) {
            case .beingWritten, .mapped: return false
            case nil: return true
            case .closed(let path):
                let content = try ingest.adopt(path)
                locked { $0.contentMoved(of: number, to: content) }
                return true
            }
        }
    }

    private func ownContent(of number: InodeNumber) -> OwnContent? {
        locked { state in
            guard let inode = state.find(number),
                case .regular(.own(let file)) = inode.body
            else { return nil }
            switch state.unsettledFile(of: inode) {
            case .open(let host): return .beingWritten(host)
            case .closed(let path): return .mapped(path: path)
            case nil: return .closed(path: file.path)
            }
        }
    }

    // MARK: - Strays

    /// Gives an inode a name in the table again that it has in the tree: it was known by names
    /// only that are gone, and its group dissolved.
    private func reattach(_ number: InodeNumber, at path: TreePath) throws {
        try perform { (state) throws(Interruption) in
            guard let inode = state.find(number), let last = path.last else { return }
            var parent = state.root
            for name in path.parent.names {
                guard let body = parent.directory,
                    let next = try state.child(LinkName(name), of: parent, body)
                else { return }
                parent = next
            }
            guard let body = parent.directory, body.links[LinkName(last)] == nil,
                let index = try state.lower(of: body)?.index(of: last)
            else { return }
            inode.addPlace(LinkName(last), in: parent)
            body.know(inode, as: LinkName(last), at: index)
        }
    }
}
