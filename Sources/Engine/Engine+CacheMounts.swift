internal import Glibc
internal import ImageSpec
internal import Layers
internal import LinuxIO
package import Store

extension Engine {
    /// The directories of `RUN --mount=type=cache`, by name.
    package func cacheMounts() throws -> [CacheMountRecord] { try store.cacheMounts() }

    /// Those that an id means, the ones of single builds and with a first content among them; or the
    /// one of that name.
    private func cacheMounts(_ text: String) throws -> [CacheMountName] {
        let all = try store.cacheMounts()
        let found = all.filter { $0.name.text == text }.map(\.name)
        let named = found.isEmpty ? all.filter { $0.id == text }.map(\.name) : found
        guard !named.isEmpty else {
            throw EngineError(
                .notFound, "there is no cache mount \"\(text.visible)\"",
                hint: "\"vitrine cache mounts\" lists them")
        }
        return named
    }

    /// - Throws: ``EngineError`` `inUse`, `notFound`.
    package func removeCacheMounts(_ text: String) throws -> [CacheMountName] {
        let names = try cacheMounts(text)
        for name in names {
            do {
                try store.removeCacheMount(name)
            } catch let error as StoreError where error.code == .inUse {
                throw EngineError(.inUse, "the cache mount \(name) is in use by a build")
            }
        }
        return names
    }

    /// What became of unused cache mounts.
    struct CacheMountPruning {
        var removed = 0
        var freedBytes: UInt64 = 0
        /// In use.
        var kept: [CacheMountName] = []
    }

    /// - Parameter limit: nanoseconds since 1970: only those not used since; nil removes all.
    func pruneCacheMounts(unusedSince limit: Int64?) throws -> CacheMountPruning {
        var pruning = CacheMountPruning()
        for mount in try store.cacheMounts() {
            if let limit, mount.lastUsedNanoseconds >= limit { continue }
            do {
                try store.removeCacheMount(mount.name)
                pruning.removed += 1
                pruning.freedBytes += mount.sizeBytes
            } catch let error as StoreError where error.code == .inUse {
                pruning.kept.append(mount.name)
            } catch let error as StoreError where error.code == .notFound {
                continue  // another was quicker
            }
        }
        return pruning
    }

    /// Writes a cache's content as a tar.
    /// - Parameter path: of a file; nil is standard output.
    package func exportCacheMount(_ text: String, to path: String?) throws {
        let names = try cacheMounts(text)
        guard names.count == 1, let name = names.first else {
            throw EngineError(
                .ambiguous, "there are \(names.count) cache mounts with the id \"\(text.visible)\"",
                hint: "give one of the names "
                    + names.map(\.text).joined(separator: ", "))
        }
        guard let hold = try store.holdCacheMount(name) else {
            throw EngineError(.notFound, "the cache mount \(name) was removed meanwhile")
        }
        defer { hold.end() }
        var export = HostDirectoryExport()
        guard let path else {
            var sink = FileDescriptorSink(STDOUT_FILENO)
            return try export.write(hold.path, to: &sink)
        }
        let file = try OwnedDescriptor(
            opening: path, [.writeOnly, .create, .truncate], permissions: 0o666)
        var sink = FileDescriptorSink(file.rawValue)
        try export.write(hold.path, to: &sink)
    }

    /// Gives a cache the content of a tar.
    /// - Parameter path: of a file; nil is standard input.
    /// - Throws: ``EngineError`` `inUse` when a build has it.
    package func importCacheMount(_ id: String, from path: String?) throws -> CacheMountName {
        let lease = try store.lease("import the cache mount \(id)")
        defer { lease.end() }
        let input: ArchiveInput =
            path.map { .path($0) }
            ?? .descriptor(
                STDIN_FILENO, name: "standard input")
        let options = ImportOptions(created: Timestamp(nanosecondsSinceEpoch: Store.now()))
        let read = try RootFileSystemImport(store, lease: lease, options: options)
            .readTree(input)
        do {
            return try store.replaceCacheMount(
                id: id, with: read.tree, directories: read.directories)
        } catch let error as StoreError where error.code == .inUse {
            throw EngineError(.inUse, "the cache mount \"\(id.visible)\" is in use by a build")
        }
    }
}
