package import ImageSpec

/// The names of everything the store keeps on disk; no other file builds one.
///
///     <root>/oci-layout, index.json, blobs/sha256/<hex>   an OCI image layout: manifests, configs
///            objects/sha256/<ab>/<cdef…>                  one read-only file per distinct content
///            state.sqlite                                 directories, layers, names, cache, leases
///            work/<lease>/…                               temporary and writable data of a process
///            run/<lease>/state, run/<lease>/bundles       containers of a process, while they run
///            locks/<lease>, locks/sweep, locks/index      flock(2) targets
///            locks/step-<key>                             held by who makes a cache entry
///            logs/<build>/<NN>.log                        what the steps of a build printed
///            logs/mounts.log                              what detached mounts print
///            context-cache/<digest>                       digests of a build context's files
///            containers/<id>/journal, containers/<id>/files/…  a container's changes, see docs/journal.md
///            containers/<id>/log, log.1                   what it printed
///            containers/<id>/control                      the socket of the process that runs it
///            volumes/<name>/data, lock                    directories that outlive containers
///            volumes/<name>/new, draft, filling           until it is filled
///            reserve                                      room that is kept for removals
///            runtime-probe.json                           which OCI runtime works here
///            cache-mounts/<name>/data, lock, id           directories of RUN --mount=type=cache
///            run/<lease>/memory-<n>/…                     a tmpfs: what never reaches the disk
package struct StoreLayout: Hashable, Sendable {
    /// Absolute, without a trailing slash.
    package let root: String
    package init(root: String) { self.root = root }

    package var ociLayout: String { root + "/oci-layout" }
    package var index: String { root + "/index.json" }
    /// SQLite takes paths of 512 bytes.
    static let maximumRootBytes = 490

    package var blobs: String { root + "/blobs/sha256" }
    package var objects: String { root + "/objects/sha256" }
    package var database: String { root + "/state.sqlite" }
    package var databaseLog: String { root + "/state.sqlite-wal" }
    var databaseMemory: String { root + "/state.sqlite-shm" }
    package var work: String { root + "/work" }
    package var run: String { root + "/run" }
    package var locks: String { root + "/locks" }
    package var logs: String { root + "/logs" }
    /// What background mounts print.
    package var mountLog: String { logs + "/mounts.log" }
    package var containers: String { root + "/containers" }
    package var sweepLock: String { locks + "/sweep" }
    package var indexLock: String { locks + "/index" }
    /// See ``Store/inodeKey()``.
    package var inodeKey: String { root + "/inode-key" }
    /// See ``RoomReserve``.
    var reserve: String { root + "/reserve" }
    package var contextCaches: String { root + "/context-cache" }
    /// What was found out about this host's OCI runtimes.
    package var runtimeProbe: String { root + "/runtime-probe.json" }
    /// The same of those that make control groups.
    package var containerRuntimeProbe: String { root + "/runtime-probe-containers.json" }
    /// The same of one that a container names.
    package func runtimeProbe(of program: String) -> String {
        root + "/runtime-probe-\(Digest(of: program.utf8).hex.prefix(12)).json"
    }
    /// Which program made the containers of a runtime's state, where it is not the usual one.
    package static func runtimeName(inState state: String) -> String { state + "/.runtime" }

    /// What may be in the root directory of a file system that is to be a store.
    static let harmlessNames: Set<String> = ["lost+found"]

    package func blob(_ digest: Digest) -> String { blobs + "/" + digest.hex }

    package func objectDirectory(_ index: UInt8) -> String {
        let hex = String(index, radix: 16)
        return objects + "/" + (hex.count == 1 ? "0" + hex : hex)
    }

    package func object(_ digest: Digest) -> String {
        objects + "/" + String(decoding: Self.objectName(digest), as: UTF8.self)
    }

    /// The object's path below ``objects``.
    static func objectName(_ digest: Digest) -> [UInt8] {
        var name = Array(digest.hex.utf8)
        name.insert(UInt8(ascii: "/"), at: 2)
        return name
    }

    /// The digest that an object's file name stands for.
    package func digest(ofObject name: String, in index: UInt8) -> Digest? {
        let prefix = objectDirectory(index).suffix(2)
        return Digest(hex: prefix + name)
    }

    package func leaseLock(_ lease: LeaseID) -> String { locks + "/" + lease.text }
    static let stepLockPrefix = "step-"
    func stepLock(_ key: CacheKey) -> String { locks + "/" + Self.stepLockPrefix + key.digest.hex }
    package func leaseWork(_ lease: LeaseID) -> String { work + "/" + lease.text }
    package func leaseRun(_ lease: LeaseID) -> String { run + "/" + lease.text }
    /// Where the OCI runtime keeps the state of a lease's containers.
    package func runtimeState(_ lease: LeaseID) -> String { leaseRun(lease) + "/state" }
    package func bundles(_ lease: LeaseID) -> String { leaseRun(lease) + "/bundles" }
    package func buildLogs(_ build: String) -> String { logs + "/" + build }
    package func buildLog(_ build: String, step: Int) -> String {
        "\(buildLogs(build))/\(step < 10 ? "0" : "")\(step).log"
    }
    package var cacheMounts: String { root + "/cache-mounts" }
    package func cacheMount(_ name: CacheMountName) -> String { cacheMounts + "/" + name.text }
    package func cacheMountData(_ name: CacheMountName) -> String { cacheMount(name) + "/data" }
    func cacheMountLock(_ name: CacheMountName) -> String { cacheMount(name) + "/lock" }
    /// The text that the name stands for.
    func cacheMountID(_ name: CacheMountName) -> String { cacheMount(name) + "/id" }
    /// While it is filled, and while it is removed: neither is ever taken for the data.
    func cacheMountDraft(_ name: CacheMountName) -> String { cacheMount(name) + "/draft" }
    func cacheMountRemains(_ name: CacheMountName) -> String { cacheMount(name) + "/remains" }

    /// Where a lease's tmpfs file systems are mounted.
    package func memory(_ lease: LeaseID, number: UInt64) -> String {
        "\(leaseRun(lease))/\(Self.memoryPrefix)\(number)"
    }
    package static let memoryPrefix = "memory-"
    /// Where the OCI runtime keeps its state when not even that may reach the disk.
    package static func runtimeState(inMemory path: String) -> String { path + "/state" }
    package static func bundles(inMemory path: String) -> String { path + "/bundles" }

    package func container(_ id: ContainerID) -> ContainerPlace {
        ContainerPlace(directory: containers + "/" + id.text)
    }
    package func containerLock(_ id: ContainerID) -> String {
        locks + "/" + Self.containerLockPrefix + id.text
    }
    static let containerLockPrefix = "container-"
    package var volumes: String { root + "/volumes" }
    package func volume(_ name: String) -> String { volumes + "/" + name }
    package func volumeData(_ name: String) -> String { volume(name) + "/data" }
    func volumeLock(_ name: String) -> String { volume(name) + "/lock" }
    /// Empty; there until the volume was filled.
    func volumeIsNew(_ name: String) -> String { volume(name) + "/new" }
    /// What it is filled with, while that is written, and when it is complete.
    func volumeDraft(_ name: String) -> String { volume(name) + "/draft" }
    func volumeFilling(_ name: String) -> String { volume(name) + "/filling" }
    package func contextCache(_ name: String) -> String { contextCaches + "/" + name }
}

/// The name of a lease: `lease-` and 16 hex digits.
package struct LeaseID: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package init?(_ text: String) {
        guard text.hasPrefix("lease-"), text.utf8.count == 22,
            text.utf8.dropFirst(6).allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
        else { return nil }
        self.text = text
    }

    init(number: UInt64) {
        let hex = String(number, radix: 16)
        text = "lease-" + String(repeating: "0", count: 16 - hex.count) + hex
    }

    package var description: String { text }
}

/// Where what a container changed is kept.
package struct ContainerPlace: Hashable, Sendable {
    package let directory: String
    package init(directory: String) { self.directory = directory }

    package var journal: String { directory + "/journal" }
    /// A journal that is being made, and takes the place of the other when it is complete.
    package var newJournal: String { directory + "/journal.new" }
    /// The files that were written.
    package var files: String { directory + "/files" }
    /// What was changed, while nobody uses the container.
    package var draft: String { directory + "/draft" }
    package var newDraft: String { directory + "/draft.new" }
    /// Which blocks of large files were copied up, for copies of the store.
    package var blocks: String { directory + "/blocks" }
    package func file(_ number: UInt64) -> String { "\(files)/\(number)" }
    package var log: String { directory + "/log" }
    /// The part before, where a log was begun anew.
    package var olderLog: String { directory + "/log.1" }
    package static let controlName = "control"
    /// The socket of the process that runs the container.
    package var control: String { directory + "/" + Self.controlName }
}
