package import FileTree
internal import Glibc
package import ImageSpec
internal import LinuxIO

/// A cache directory that a step asks for.
package struct CacheMountRequest: Sendable {
    package enum Sharing: String, Hashable, Sendable {
        /// Many at a time.
        case shared
        /// Another one when it is in use.
        case `private`
        /// One at a time; others wait.
        case locked
    }

    /// What a new one is filled with.
    package struct Seed: Sendable {
        package var tree: Tree
        package var directories: any DirectorySource
        /// Of what counts of it: another content is another cache.
        package var digest: Digest

        package init(tree: Tree, directories: any DirectorySource, digest: Digest) {
            self.tree = tree
            self.directories = directories
            self.digest = digest
        }
    }

    package var id: String
    package var sharing: Sharing
    package var seed: Seed?
    /// Of a new one's directory; nil leaves it to the seed, or makes it 0755 and root's.
    package var permissions: UInt32?
    package var userID: UInt32?
    package var groupID: UInt32?

    package init(
        id: String, sharing: Sharing = .shared, seed: Seed? = nil, permissions: UInt32? = nil,
        userID: UInt32? = nil, groupID: UInt32? = nil
    ) {
        self.id = id
        self.sharing = sharing
        self.seed = seed
        self.permissions = permissions
        self.userID = userID
        self.groupID = groupID
    }

    /// The root of a new one, with what is in it.
    fileprivate var initialTree: Tree {
        let tree = seed?.tree ?? .empty
        var attributes = tree.attributes
        if let permissions { attributes.permissions = UInt16(permissions & 0o7777) }
        if let userID { attributes.userID = userID }
        if let groupID { attributes.groupID = groupID }
        if seed == nil {
            let now = FileTimestamp.now()
            attributes.modificationTime = NodeTime(
                seconds: now.seconds, nanoseconds: now.nanoseconds)
        }
        return Tree(attributes: attributes, directory: tree.directory)
    }
}

extension Store {
    /// The most private directories of one cache; more builds than that do not run at once.
    private static let maximumInstances = 1000
    /// Between two looks at a lock that another has.
    private static let pauseMicroseconds: UInt32 = 20_000

    /// Takes a cache's directory, and makes it where there is none.
    /// - Parameters:
    ///   - check: called again and again while it waits; what it throws ends the waiting.
    ///   - waiting: called once if it has to wait.
    package func holdCacheMount(
        _ request: CacheMountRequest, check: () throws -> Void = {}, waiting: () -> Void = {}
    ) throws -> CacheMountHold {
        let seed = request.seed?.digest
        guard request.sharing == .private else {
            let name = CacheMountName(id: request.id, seed: seed)
            let mode: DescriptorIO.LockMode = request.sharing == .locked ? .exclusive : .shared
            return try hold(name, request, mode) {
                if $0 { waiting() }
                try check()
                usleep(Self.pauseMicroseconds)
                return true
            } ?? failedToHold(name)
        }
        for instance in 0..<Self.maximumInstances {
            let name = CacheMountName(id: request.id, seed: seed, instance: instance)
            if let hold = try hold(name, request, .exclusive, busy: { _ in false }) { return hold }
        }
        return try failedToHold(CacheMountName(id: request.id, seed: seed))
    }

    private func failedToHold(_ name: CacheMountName) throws(StoreError) -> CacheMountHold {
        throw StoreError(
            .inUse, "the cache mount \(name) is in use", path: layout.cacheMount(name))
    }

    /// - Parameter busy: told whether it is the first time; returns whether to try again.
    /// - Returns: nil when it is in use and `busy` says so.
    private func hold(
        _ name: CacheMountName, _ request: CacheMountRequest, _ mode: DescriptorIO.LockMode,
        busy: (_ isFirst: Bool) throws -> Bool
    ) throws -> CacheMountHold? {
        let data = layout.cacheMountData(name)
        while true {
            let isThere = HostDirectory.exists(data)
            // Who makes it is alone.
            guard let lock = try lock(name, isThere ? mode : .exclusive, busy: busy) else {
                return nil
            }
            if !HostDirectory.exists(data) {
                if isThere { continue }  // removed meanwhile
                try fill(name, request)
            }
            if !isThere && mode == .shared { continue }
            return CacheMountHold(
                name: name, path: data, lockPath: layout.cacheMountLock(name), lock: lock)
        }
    }

    /// - Returns: the lock's file, which is still the one at its path; nil when `busy` gives up.
    func lock(
        _ name: CacheMountName, _ mode: DescriptorIO.LockMode,
        busy: (_ isFirst: Bool) throws -> Bool
    ) throws -> OwnedDescriptor? {
        let path = layout.cacheMountLock(name)
        var isFirst = true
        while true {
            do throws(Errno) {
                try HostDirectory.makeAll(layout.cacheMount(name), permissions: 0o700)
                let file = try OwnedDescriptor(
                    opening: path, [.readWrite, .create], permissions: 0o600)
                if try DescriptorIO.lock(file.rawValue, mode, waits: false) {
                    let own = try FileStatus(of: file.rawValue).inode
                    // Else it was removed between the two calls.
                    if try FileStatus(ofPath: path).inode == own { return file }
                    continue
                }
            } catch .notFound {
                continue  // the directory was removed meanwhile
            } catch {
                throw StoreError(
                    .inputOutput, "could not lock a cache mount", path: path, cause: error)
            }
            guard try busy(isFirst) else { return nil }
            isFirst = false
        }
    }

    /// Makes the directory; the caller has the lock alone.
    private func fill(_ name: CacheMountName, _ request: CacheMountRequest) throws {
        let draft = layout.cacheMountDraft(name)
        do throws(Errno) {
            try HostDirectory.removeAll(draft)
            try HostDirectory.make(draft, permissions: 0o700)
            try HostDirectory.replaceFile(
                layout.cacheMountID(name), with: Array(request.id.utf8), permissions: 0o600,
                durability: .deferred)
        } catch {
            throw StoreError(
                .inputOutput, "could not make a cache mount", path: draft, cause: error)
        }
        var writer = HostTreeWriter(self, directories: request.seed?.directories ?? self)
        try writer.write(request.initialTree, to: draft)
        // After a power cut a name without its content would be taken for the whole.
        if request.seed != nil { try synchronize(draft) }
        try rename(draft, to: layout.cacheMountData(name))
    }

    private func synchronize(_ path: String) throws(StoreError) {
        do throws(Errno) {
            let directory = try OwnedDescriptor(opening: path, [.readOnly, .directory])
            try DescriptorIO.synchronizeFileSystem(of: directory.rawValue)
        } catch {
            throw StoreError(
                .inputOutput, "could not write a cache mount out", path: path, cause: error)
        }
    }

    private func rename(_ source: String, to target: String) throws(StoreError) {
        do throws(Errno) {
            try HostDirectory.rename(source, to: target)
        } catch {
            throw StoreError(
                .inputOutput, "could not put a cache mount in place", path: target, cause: error)
        }
    }

    /// Takes a cache's directory as it is; waits while a step has it to itself.
    /// - Returns: nil for one that is not there.
    package func holdCacheMount(_ name: CacheMountName) throws -> CacheMountHold? {
        let data = layout.cacheMountData(name)
        guard HostDirectory.exists(data) else { return nil }
        let lock = try lock(name, .shared) { _ in
            usleep(Self.pauseMicroseconds)
            return true
        }
        guard let lock, HostDirectory.exists(data) else { return nil }
        return CacheMountHold(
            name: name, path: data, lockPath: layout.cacheMountLock(name), lock: lock)
    }

    // MARK: - Filling and removing

    /// Gives a cache a content, in place of the one that it has.
    /// - Throws: `inUse` when a step has it.
    package func replaceCacheMount(
        id: String, with tree: Tree, directories: any DirectorySource
    ) throws -> CacheMountName {
        let name = CacheMountName(id: id)
        guard let lock = try lock(name, .exclusive, busy: { _ in false }) else {
            _ = try failedToHold(name)
            return name
        }
        defer { withExtendedLifetime(lock) {} }
        try moveAway(name)
        let seed = CacheMountRequest.Seed(
            tree: tree, directories: directories, digest: tree.id.digest)
        try fill(name, CacheMountRequest(id: id, seed: seed))
        return name
    }

    /// Removes a cache with what it holds.
    /// - Throws: `inUse` when a step has it, `notFound`.
    package func removeCacheMount(_ name: CacheMountName) throws {
        guard HostDirectory.exists(layout.cacheMount(name)) else {
            throw StoreError(.notFound, "there is no cache mount \(name)")
        }
        guard let lock = try lock(name, .exclusive, busy: { _ in false }) else {
            _ = try failedToHold(name)
            return
        }
        defer { withExtendedLifetime(lock) {} }
        try moveAway(name)
        do throws(Errno) {
            try HostDirectory.removeAll(layout.cacheMountDraft(name))
            for path in [layout.cacheMountID(name), layout.cacheMountLock(name)] {
                do throws(Errno) { try HostDirectory.unlink(path) } catch .notFound {}
            }
            // Another process may be about to make it anew.
            do throws(Errno) {
                try HostDirectory.removeEmpty(layout.cacheMount(name))
            } catch .notEmpty {}
        } catch {
            throw StoreError(
                .inputOutput, "could not remove a cache mount", path: layout.cacheMount(name),
                cause: error)
        }
    }

    /// The data goes out of sight in one step, so that a part of it is never taken for the whole.
    private func moveAway(_ name: CacheMountName) throws(StoreError) {
        let remains = layout.cacheMountRemains(name)
        do throws(Errno) {
            try HostDirectory.removeAll(remains)
            do throws(Errno) {
                try HostDirectory.rename(layout.cacheMountData(name), to: remains)
            } catch .notFound {
                return
            }
            try HostDirectory.removeAll(remains)
        } catch {
            throw StoreError(
                .inputOutput, "could not remove a cache mount", path: remains, cause: error)
        }
    }
}
