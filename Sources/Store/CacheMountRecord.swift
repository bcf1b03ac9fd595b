internal import LinuxIO

/// A directory of `RUN --mount=type=cache`, as it is found.
package struct CacheMountRecord: Sendable {
    package var name: CacheMountName
    /// As the Dockerfile has it.
    package var id: String
    /// What it takes on the disk.
    package var sizeBytes: UInt64
    var lastUsedAt: FileTimestamp
    package var isInUse: Bool

    /// The time of the last use since 1970.
    package var lastUsedNanoseconds: Int64 {
        lastUsedAt.seconds * 1_000_000_000 + Int64(lastUsedAt.nanoseconds)
    }
}

extension Store {
    /// All cache mounts, by name.
    package func cacheMountNames() throws(StoreError) -> [CacheMountName] {
        do throws(Errno) {
            return try HostDirectory.names(ofPath: layout.cacheMounts)
                .compactMap(CacheMountName.init(fileName:))
                .filter { HostDirectory.exists(layout.cacheMountData($0)) }.sorted()
        } catch .notFound {
            return []
        } catch {
            throw StoreError(
                .inputOutput, "could not list the cache mounts", path: layout.cacheMounts,
                cause: error)
        }
    }

    /// What is known of each, sizes included, which takes a walk through all of them.
    package func cacheMounts() throws(StoreError) -> [CacheMountRecord] {
        var records: [CacheMountRecord] = []
        for name in try cacheMountNames() {
            if let record = cacheMount(name) { records.append(record) }
        }
        return records
    }

    /// - Returns: nil for one that is not there, or was removed meanwhile.
    package func cacheMount(_ name: CacheMountName) -> CacheMountRecord? {
        guard let use = lastUse(of: name) else { return nil }
        var id = name.text
        if let text = try? OwnedDescriptor(opening: layout.cacheMountID(name), .readOnly),
            let bytes = try? DescriptorIO.readAll(text.rawValue, limit: 1 << 16)
        {
            id = String(decoding: bytes, as: UTF8.self)
        }
        var usage = DiskUsage()
        usage.add(layout.cacheMountData(name))
        return CacheMountRecord(
            name: name, id: id, sizeBytes: usage.bytes, lastUsedAt: use.time,
            isInUse: use.isNow)
    }

    /// Lets go of the lock at once: who wants it meanwhile takes the cache for one in use.
    private func lastUse(of name: CacheMountName) -> (time: FileTimestamp, isNow: Bool)? {
        // What vanishes while it is looked at is not there.
        guard let file = try? OwnedDescriptor(opening: layout.cacheMountLock(name), .readOnly),
            let status = try? FileStatus(of: file.rawValue),
            let isFree = try? DescriptorIO.lock(file.rawValue, .exclusive, waits: false)
        else { return nil }
        return (status.modificationTime, !isFree)
    }
}

/// What files take on the disk, each counted once.
private struct DiskUsage {
    private struct Identity: Hashable {
        var device: UInt64
        var inode: UInt64
    }

    private(set) var bytes: UInt64 = 0
    private var seen: Set<Identity> = []

    /// Adds a directory and what is below it. What cannot be read counts nothing: it may be going.
    mutating func add(_ path: String) {
        guard let root = try? OwnedDescriptor(opening: path, [.readOnly, .directory, .noFollow])
        else { return }
        add(root.rawValue)
    }

    private mutating func add(_ directory: Int32) {
        // As above.
        guard let names = try? HostDirectory.names(directory) else { return }
        for name in names {
            guard let status = try? FileStatus(of: name, in: directory) else { continue }
            if status.kind != .directory, status.linkCount > 1 {
                let identity = Identity(device: status.device, inode: status.inode)
                guard seen.insert(identity).inserted else { continue }
            }
            bytes += status.blocks * 512
            guard status.kind == .directory,
                let child = try? OwnedDescriptor(
                    opening: name, in: directory, [.readOnly, .directory, .noFollow])
            else { continue }
            add(child.rawValue)
        }
    }
}
