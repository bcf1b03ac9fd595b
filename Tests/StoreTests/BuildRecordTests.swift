import FileTree
import ImageSpec
import Store
import Testing

@Suite struct BuildRecordTests {
    @Test func `a build whose process ended without a word is interrupted`() throws {
        try withStore { store in
            let lease = try store.lease("build")
            try store.save(BuildRecord(id: "1", title: "app", lease: lease.id))
            #expect(try store.builds().map(\.status) == [.running])
            lease.end()
            #expect(try store.builds().map(\.status) == [.interrupted])
        }
    }

    @Test func `an ended build keeps its status without its lease`() throws {
        try withStore { store in
            let lease = try store.lease("build")
            var build = BuildRecord(id: "1", title: "app", lease: lease.id)
            try store.save(build)
            build.status = .done
            try store.save(build)
            lease.end()
            #expect(try store.builds().map(\.status) == [.done])
        }
    }

    @Test func `a build that runs is not forgotten for the many that ended since`() throws {
        try withStore { store in
            let lease = try store.lease("build")
            let entry = store.entry(1, tree: .empty)
            try store.save(BuildRecord(id: "long", title: "", lease: lease.id, startedAt: 1))
            for number in 0..<60 {
                try store.save(
                    BuildRecord(
                        id: "\(number)", title: "", lease: lease.id, startedAt: 2 + Int64(number),
                        status: .done))
            }
            try store.record(entry, build: "long", lease: lease)
            #expect(try store.builds().count == Store.rememberedBuilds + 1)
            #expect(try store.steps(ofBuild: "long").count == 1)
        }
    }

    @Test func `a cached step is a use of its entry, and its tree is held`() throws {
        try withStore { store in
            let maker = try store.lease("maker")
            let layer = try store.insertLayer(["a": "x"], lease: maker)
            let entry = store.entry(1, tree: layer.tree)
            try store.record(entry, lease: maker)
            let user = try store.lease("user")
            try store.save(BuildRecord(id: "2", title: "", lease: user.id))
            let step = BuildStepRecord(
                build: "2", number: 1, instruction: "RUN x", outcome: .cached, key: entry.key,
                tree: entry.tree, parentTree: entry.parentTree)
            let directories = PendingDirectories(base: store)
            try store.record([step], directories: directories, lease: user)
            #expect(try store.cacheEntry(entry.key)?.useCount == 1)
            #expect(try store.steps(ofBuild: "2") == [step])
            maker.end()
            #expect(try store.removeCacheEntry(entry.key))
            #expect(try Collector(store).run().objects == 0)
        }
    }

    @Test func `a cached step whose tree was collected is an error that records nothing`() throws {
        try withStore { store in
            let maker = try store.lease("maker")
            let layer = try store.insertLayer(["a": "x"], lease: maker)
            maker.end()
            _ = try Collector(store).run()
            let user = try store.lease("user")
            try store.save(BuildRecord(id: "2", title: "", lease: user.id))
            let step = BuildStepRecord(
                build: "2", number: 1, instruction: "RUN x", outcome: .cached,
                key: CacheKey(Digest(of: [1])), tree: layer.tree, parentTree: .empty)
            #expect {
                try store.record(
                    [step], directories: PendingDirectories(base: store), lease: user)
            } throws: {
                ($0 as? StoreError)?.code == .notFound
            }
            #expect(try store.steps(ofBuild: "2") == [])
        }
    }

    @Test func `a layer that was found late is not given to an entry that took the key`() throws {
        try withStore { store in
            let lease = try store.lease("build")
            let one = try store.insertLayer(["a": "1"], lease: lease)
            let two = try store.insertLayer(["a": "2"], lease: lease)
            try store.record(store.entry(1, tree: one.tree), lease: lease)
            let entry = store.entry(1, tree: two.tree)
            try store.record(entry, lease: lease)
            try store.setCacheLayer(
                entry.key, from: .empty, to: one.tree, one.diffID, tarSizeBytes: 1)
            #expect(try store.cacheEntry(entry.key)?.layer == nil)
            try store.setCacheLayer(
                entry.key, from: .empty, to: two.tree, two.diffID, tarSizeBytes: 2)
            #expect(try store.cacheEntry(entry.key)?.layer == two.diffID)
        }
    }
}
