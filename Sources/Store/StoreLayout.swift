package import ImageSpec

/// The names of everything the store keeps on disk; no other file builds one.
///
///     <root>/oci-layout, index.json, blobs/sha256/<hex>   an OCI image layout: manifests, configs
///            objects/sha256/<ab>/<cdef…>                  one read-only file per distinct content
///            state.sqlite                                 directories, layers, names, cache, leases
///            work/<lease>/…                               temporary and writable data of a process
///            run/<lease>/state, run/<lease>/bundles       containers of a process, while they run
///            locks/<lease>, locks/sweep, locks/index      flock(2) targets
///            logs/<build>/<NN>.log                        what the steps of a build printed
///            logs/mounts.log                              what detached mounts print
///            context-cache/<digest>                       digests of a build context's files
///            runtime-probe.json                           which OCI runtime works here
package struct StoreLayout: Hashable, Sendable {
    /// Absolute, without a trailing slash.
    package let root: String
    package init(root: String) { self.root = root }

    package var ociLayout: String { root + "/oci-layout" }
    package var index: String { root + "/index.json" }
    package var blobs: String { root + "/blobs/sha256" }
    package var objects: String { root + "/objects/sha256" }
    package var database: String { root + "/state.sqlite" }
    package var databaseLog: String { root + "/state.sqlite-wal" }
    package var work: String { root + "/work" }
    package var run: String { root + "/run" }
    package var locks: String { root + "/locks" }
    package var logs: String { root + "/logs" }
    /// What background mounts print.
    package var mountLog: String { logs + "/mounts.log" }
    package var sweepLock: String { locks + "/sweep" }
    package var indexLock: String { locks + "/index" }
    /// See ``Store/inodeKey()``.
    package var inodeKey: String { root + "/inode-key" }
    package var contextCaches: String { root + "/context-cache" }
    /// What was found out about this host's OCI runtimes.
    package var runtimeProbe: String { root + "/runtime-probe.json" }

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
    package func leaseWork(_ lease: LeaseID) -> String { work + "/" + lease.text }
    package func leaseRun(_ lease: LeaseID) -> String { run + "/" + lease.text }
    /// Where the OCI runtime keeps the state of a lease's containers.
    package func runtimeState(_ lease: LeaseID) -> String { leaseRun(lease) + "/state" }
    package func bundles(_ lease: LeaseID) -> String { leaseRun(lease) + "/bundles" }
    package func buildLogs(_ build: String) -> String { logs + "/" + build }
    package func buildLog(_ build: String, step: Int) -> String {
        "\(buildLogs(build))/\(step < 10 ? "0" : "")\(step).log"
    }
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
