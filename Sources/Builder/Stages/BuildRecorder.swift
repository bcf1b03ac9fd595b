internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store
internal import Synchronization

/// Tells the store, and so the gallery, how a build goes. Thread-safe.
final class BuildRecorder: Sendable {
    let id: String
    let title: String
    private let store: Store
    private let lease: Lease
    private let begun: BuildRecord
    private let hasFailed = Atomic<Bool>(false)

    /// - Parameter title: the first tag, or the context's name.
    init(id: String, title: String, lease: Lease, store: Store) throws {
        self.id = id
        self.store = store
        self.lease = lease
        self.title = title
        let record = BuildRecord(id: id, title: title, lease: lease.id)
        begun = record
        try store.save(record)
        do throws(Errno) {
            try HostDirectory.makeAll(store.layout.buildLogs(id), permissions: 0o700)
        } catch {
            throw StoreError(
                .inputOutput, "could not make the directory for the build's logs",
                path: store.layout.buildLogs(id), cause: error)
        }
    }

    /// `20260501-120301-ab12cd`: the second it began, in UTC, and six random digits.
    static func newID(
        now: FileTimestamp = .now(), random: UInt32 = .random(in: 0..<(1 << 24))
    ) -> String {
        let text = Timestamp(unixSeconds: now.seconds)?.description ?? "19700101T000000"
        let digits = text.filter(\.isNumber)
        let hex = String(random, radix: 16)
        let padded = String(repeating: "0", count: max(0, 6 - hex.count)) + hex
        return "\(digits.prefix(8))-\(digits.dropFirst(8).prefix(6))-\(padded)"
    }

    func logPath(_ step: Int) -> String {
        store.layout.buildLog(id, step: step)
    }

    /// Records a step, with the cache entries that it made, and has the lease keep its tree. Of steps
    /// that fail at the same time only the first is kept: a build has one failure.
    /// - Throws: ``StoreError`` `notFound` when the collector took a cached step's tree.
    func add(
        _ step: BuildStep, _ outcome: BuildStepRecord.Outcome, key: CacheKey?, parent: Tree,
        tree: Tree, directories: PendingDirectories, entries: [CacheRecord] = []
    ) throws(StoreError) {
        if outcome == .failed, hasFailed.exchange(true, ordering: .relaxed) { return }
        let record = BuildStepRecord(
            build: id, number: step.number, instruction: step.instruction, outcome: outcome,
            key: key, tree: tree, parentTree: parent, place: step.place,
            explanation: step.explanation)
        try store.record(
            [record], entries: entries, directories: directories, lease: lease)
    }

    func end(_ status: BuildRecord.Status, image: ImageID? = nil) throws {
        var ended = begun
        ended.status = status
        ended.image = image
        ended.endedAt = Store.now()
        try store.save(ended)
    }
}
