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
            name: name, id: id, sizeBytes: usage.diskBytes, lastUsedAt: use.time,
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
