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
}
