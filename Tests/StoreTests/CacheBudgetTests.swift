import FileTree
import Foundation
import ImageSpec
import Store
import Testing

@Suite("What the cache's budget is about")
struct CacheBudgetTests {
    @Test func `what a running build has is not evicted`() throws {
        try withStore { store in
            let lease = try store.lease("build")
            let layer = try store.insertLayer(["a": "1"], lease: lease)
            let entry = store.entry(1, tree: layer.tree)
            try store.record(entry, lease: lease)
            #expect(try store.evict(try store.cacheHoldings()) == [])
            #expect(try store.cacheEntry(entry.key) != nil)
            var build = try #require(try store.builds().first)
            build.status = .done
            build.endedAt = Store.now()
            try store.save(build)
            lease.end()
            let removed = try store.evict(try store.cacheHoldings())
            #expect(
                Set(removed.map(\.subject)) == [.entry(entry.key), .build("build")])
            #expect(try store.cacheEntries() == [])
            #expect(try store.builds() == [])
        }
    }

    @Test func `an entry that was used since is not evicted`() throws {
        try withStore { store in
            let lease = try store.lease("build")
            defer { lease.end() }
            let other = try store.lease("other")
            let layer = try store.insertLayer(["a": "1"], lease: other)
            let entry = store.entry(1, tree: layer.tree)
            try store.record(entry, build: "one", lease: other)
            other.end()
            let seen = try store.cacheHoldings().filter { $0.subject == .entry(entry.key) }
            try store.record(
                [
                    BuildStepRecord(
                        build: "one", number: 2, instruction: "RUN x", outcome: .cached,
                        key: entry.key, tree: entry.tree, parentTree: .empty)
                ], directories: PendingDirectories(base: store), lease: lease)
            lease.end()
            #expect(try store.evict(seen) == [])
        }
    }

    @Test func `contents are counted once, whatever trees have them`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            defer { lease.end() }
            let one = try store.insertLayer(["a": "12345", "b": "12345"], lease: lease)
            let two = try store.insertLayer(["c": "12345", "d": "678"], lease: lease)
            var counter = ContentCounter(store)
            #expect(try counter.add(one.tree) == 5)
            #expect(try counter.add(two.tree) == 3)
            #expect(try counter.add(two.tree) == 0)
            #expect(counter.bytes == 8)
        }
    }

    @Test func `an explanation is kept with its step`() throws {
        try withStore { store in
            let lease = try store.lease("build")
            defer { lease.end() }
            try store.save(BuildRecord(id: "b", title: "t", lease: lease.id))
            let explanation = CacheExplanation(
                .changed, build: "a", key: CacheKey(Digest(of: [7])),
                changes: [
                    .init("argument V", old: "1", new: nil, text: "argument V removed, was 1")
                ])
            let step = BuildStepRecord(
                build: "b", number: 1, instruction: "RUN x", outcome: .failed, key: nil,
                tree: .empty, parentTree: .empty, place: "stage-0 1", explanation: explanation)
            try store.record([step], directories: PendingDirectories(base: store), lease: lease)
            #expect(try store.steps(ofBuild: "b") == [step])
            #expect(
                step.summary == [
                    "#1 [stage-0 1] RUN x", "    failed",
                    "    not cached: argument V removed, was 1",
                ])
        }
    }
}
