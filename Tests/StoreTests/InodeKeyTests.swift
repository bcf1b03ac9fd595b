import LinuxIO
import Store
import Testing

@Suite struct InodeKeyTests {
    @Test func `all who open a store have one key, another store has another`() throws {
        try withStore { store in
            let key = try store.inodeKey()
            #expect(try store.inodeKey() == key)
            #expect(try Store(root: store.layout.root).inodeKey() == key)
            let other = try withStore { other in try other.inodeKey() }
            #expect(other != key)
        }
    }

    @Test func `a damaged key is made anew`() throws {
        try withStore { store in
            _ = try store.inodeKey()
            try HostDirectory.replaceFile(store.layout.inodeKey, with: [])
            let key = try store.inodeKey()
            #expect(try store.inodeKey() == key)
        }
    }
}
