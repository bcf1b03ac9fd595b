internal import FuseDriver
internal import Glibc
package import ImageSpec
internal import LinuxIO
internal import Sandbox
package import Store

extension Engine {
    /// Entries of the build cache, most recently used first.
    package func cacheEntries() throws -> [CacheRecord] { try store.cacheEntries() }

    /// The bytes of file content that an entry's step added or changed.
    package func sizeBytes(of entry: CacheRecord) throws -> UInt64 {
        try changedBytes(from: entry.parentTree, to: entry.tree)
    }

    package func removeCacheEntry(_ digits: String) throws -> CacheKey {
        let entry = try cacheEntry(digits)
        _ = try store.removeCacheEntry(entry.key)
        return entry.key
    }

    /// - Parameter measuresDisk: also what files take on the disk, which takes a look at each.
    package func usage(measuresDisk: Bool = false) throws -> StoreUsage {
        try StoreUsage(of: store, measuresDisk: measuresDisk)
    }

    package func collectGarbage(dryRun: Bool = false) throws -> CollectionReport {
        try Collector(store, ending: endRemains).run(dryRun: dryRun)
    }

    package func verify(readsContent: Bool = true) throws -> VerificationReport {
        var report = try Verifier(store).run(readsContent: readsContent)
        report.problems += try containerProblems()
        return report
    }

    /// A fact about this host or store, for `vitrine info`.
    package struct Fact: Sendable {
        package var name: String
        package var value: String
        /// What the value says, for programs; nil is the value itself.
        package var number: UInt64?

        /// The name as programs know it.
        package var key: String {
            name.split(separator: " ").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
                + (name == Self.freeSpace ? "Bytes" : "")
        }

        package var json: JSONValue { number.map { JSONValue($0) } ?? .string(value) }

        static let freeSpace = "Free space"

        init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }

        init(_ name: String, count: Int) {
            self.init(name, "\(count)")
            number = UInt64(count)
        }
    }

    /// - Parameter engine: nil where there is no store yet, at `root`.
    package static func info(_ engine: Engine?, root: String) throws -> [Fact] {
        let store = engine?.store
        var facts = [
            Fact("Version", version),
            Fact("Store", root),
            Fact("Images", count: try store?.images().count ?? 0),
            Fact("Containers", count: try store?.containers().count ?? 0),
            Fact("Volumes", count: try store?.volumes().count ?? 0),
            Fact("Cache entries", count: try store?.cacheEntries().count ?? 0),
            Fact("Kernel", firstLine("/proc/sys/kernel/osrelease") ?? "unknown"),
            Fact("FUSE", "\(MountAbility.current)"),
        ]
        if let engine {
            facts.append(Fact("Runtime of builds", engine.runtimeFact(for: .steps)))
            facts.append(Fact("Runtime of containers", engine.runtimeFact(for: .containers)))
        }
        facts.append(Fact("Idle CPUs", idleFact()))
        guard let bytes = try engine?.freeBytes() else { return facts }
        var space = Fact(Fact.freeSpace, HumanSize.decimal(Int64(clamping: bytes)))
        space.number = bytes
        facts.append(space)
        return facts
    }

    /// On the file system of the store.
    func freeBytes() throws -> UInt64 {
        let directory = try OwnedDescriptor(opening: root, [.readOnly, .directory])
        let room = try FileSystemRoom(of: directory.rawValue)
        return room.availableBlocks &* room.blockSizeBytes
    }

    /// Where idle CPUs halt at once, every round trip to a view waits for one to wake.
    private static func idleFact() -> String {
        guard let text = firstLine("/sys/module/haltpoll/parameters/guest_halt_poll_ns") else {
            return "the kernel has no guest halt polling; nothing to set"
        }
        if let value = Int(text), value >= 100_000 { return "poll for \(value) ns before halting" }
        if MountOptions.canKeepProcessorsAwake {
            return "halt at once (guest_halt_poll_ns is \(text)), but not while a view is busy"
        }
        return "halt at once (guest_halt_poll_ns is \(text)): views answer up to five times faster "
            + "with \"echo 200000 > /sys/module/haltpoll/parameters/guest_halt_poll_ns\""
    }

    static func firstLine(_ path: String) -> String? {
        guard let file = try? OwnedDescriptor(opening: path, .readOnly),
            let bytes = try? DescriptorIO.readAll(file.rawValue, limit: 4096)
        else { return nil }  // the fact is not to be had here
        return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    }
}
