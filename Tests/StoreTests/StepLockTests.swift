import FileTree
import Foundation
import ImageSpec
import LinuxIO
import Store
import Synchronization
import Testing

@Suite("Locks of steps", .timeLimit(.minutes(30)))
struct StepLockTests {
    private let key = CacheKey(Digest(of: [1]))

    private func locks(_ store: Store) throws -> [String] {
        try HostDirectory.names(ofPath: store.layout.locks)
            .map { String(decoding: $0, as: UTF8.self) }.filter { $0.hasPrefix("step-") }
    }

    private func lock(_ store: Store, waits: Bool = true) throws -> StepLock? {
        try store.lockStep(key, onWait: {}, isCancelled: { !waits })
    }

    @Test func `one at a time has the lock of a key, and no file stays`() throws {
        try withStore { store in
            let inside = Atomic(0)
            let most = Atomic(0)
            let key = key
            let failures = inParallel(8) { _ in
                for _ in 0..<20 {
                    let lock = try store.lockStep(key, onWait: {}, isCancelled: { false })
                    let count = inside.add(1, ordering: .sequentiallyConsistent).newValue
                    most.max(count, ordering: .sequentiallyConsistent)
                    usleep(50)
                    inside.subtract(1, ordering: .sequentiallyConsistent)
                    lock?.release()
                    // What another one has by now is not released by who had it before.
                    lock?.release()
                }
            }
            #expect(failures == [])
            #expect(most.load(ordering: .sequentiallyConsistent) == 1)
            let left = try locks(store)
            #expect(left == [])
        }
    }

    @Test func `who is cancelled gets none, and has not taken it from anybody`() throws {
        try withStore { store in
            let held = try #require(try lock(store))
            let asked = Atomic(0)
            let waited = Atomic(0)
            let second = try store.lockStep(key) {
                waited.add(1, ordering: .relaxed)
            } isCancelled: {
                asked.add(1, ordering: .relaxed).newValue > 3
            }
            #expect(second == nil)
            #expect(waited.load(ordering: .relaxed) == 1)
            #expect(try locks(store).count == 1)
            held.release()
            #expect(try lock(store) != nil)
        }
    }

    @Test func `the collector removes the locks that nobody has`() throws {
        try withStore { store in
            let held = try #require(try lock(store))
            let left = store.layout.locks + "/step-" + Digest(of: [2]).hex
            _ = try OwnedDescriptor(opening: left, [.writeOnly, .create])
            _ = try Collector(store).run()
            #expect(try locks(store) == ["step-" + key.digest.hex])
            held.release()
        }
    }
}
