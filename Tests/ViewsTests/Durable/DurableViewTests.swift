import FileTree
import Glibc
import LinuxIO
import Store
import Testing
import VirtualFS

@testable import Views

/// What a durable view does at its borders: shared files, synchronous handles, discarded files.
@Suite
struct DurableViewTests {
    private func code(_ body: () throws(FileSystemError) -> Void) -> FileSystemError? {
        do throws(FileSystemError) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    @Test func `an fsync of a committed file writes nothing to the journal`() throws {
        let fixture = try DurableFixture()
        let calls = SimpleCalls(fixture.tree)
        let journal = try #require(fixture.tree.durability?.journal)
        try calls.write("file", [1])
        #expect(journal.committed < journal.appended)
        try calls.synchronize("file")
        #expect(journal.committed == journal.appended)
        let before = journal.appended
        for value in 0..<20 {
            try calls.write("file", [UInt8(value)], at: UInt64(value) * 5000)
            _ = try calls.attributes("file")
            try calls.synchronize("file")
        }
        #expect(journal.appended == before)
        try calls.changeMode("file", 0o600)
        try calls.synchronize("file")
        // The change and its commit.
        #expect(journal.appended == before + 2)
    }

    @Test func `a view of a build step has nothing to fsync and no journal`() throws {
        let fixture = try WorkingTreeFixture()
        #expect(fixture.tree.durability == nil)
        let calls = SimpleCalls(fixture.tree)
        try calls.write("file", [1])
        #expect(
            code { () throws(FileSystemError) in try calls.synchronize("file") } == .notImplemented)
    }

    @Test func `a synchronous handle commits its file`() throws {
        let fixture = try DurableFixture()
        let journal = try #require(fixture.tree.durability?.journal)
        try SimpleCalls(fixture.tree).write("file", [1, 2], flags: [.readWrite, .synchronous])
        #expect(journal.committed == journal.appended)
        try fixture.reboot(as: "boot-2")
        #expect(try SimpleCalls(fixture.tree).read("file") == [1, 2])
    }

    @Test func `what was not committed is gone after a boot, and not before`() throws {
        let fixture = try DurableFixture()
        try SimpleCalls(fixture.tree).write("kept", [1])
        try SimpleCalls(fixture.tree).synchronize("kept")
        try SimpleCalls(fixture.tree).write("lost", [2])
        try SimpleCalls(fixture.tree).unlink("kept")
        try fixture.reopen()
        #expect(try ViewListing.names(fixture.tree, .root) == [Array("lost".utf8)])
        try fixture.reboot(as: "boot-2")
        #expect(try ViewListing.names(fixture.tree, .root) == [Array("kept".utf8)])
        #expect(try SimpleCalls(fixture.tree).read("kept") == [1])
        // The file of the lost one goes with the next commit.
        try fixture.tree.commit(whole: true)
        #expect(fixture.ownFiles.count == 1)
    }

    @Test func `a removed file's bytes stay until the removal is committed`() throws {
        let fixture = try DurableFixture()
        try SimpleCalls(fixture.tree).write("file", [1])
        // So that nobody knows the file.
        try fixture.reopen()
        let calls = SimpleCalls(fixture.tree)
        try calls.synchronize("")
        try calls.unlink("file")
        #expect(fixture.ownFiles.count == 1)
        try calls.synchronize("")
        #expect(fixture.ownFiles == [])
    }

    @Test func `an own file that is an object as well is copied before it is written to`() throws {
        let fixture = try DurableFixture()
        let content = [UInt8](repeating: 7, count: 5000)
        try SimpleCalls(fixture.tree).write("file", content)
        let ingest = try fixture.store.ingest(fixture.lease)
        let file = try #require(fixture.ownFiles.first)
        let object = try ingest.share(fixture.place.files + "/" + file)
        // As after a freeze that did not come to its end.
        try fixture.reopen()
        let inode = try SimpleCalls(fixture.tree).attributes("file").serialNumber
        try SimpleCalls(fixture.tree).write("file", [8], at: 10)
        var expected = content
        expected[10] = 8
        #expect(try SimpleCalls(fixture.tree).read("file") == expected)
        #expect(try SimpleCalls(fixture.tree).attributes("file").serialNumber == inode)
        let stored = try OwnedDescriptor(
            opening: fixture.store.layout.object(object.digest), .readOnly)
        #expect(try DescriptorIO.readAll(stored.rawValue, limit: 10_000) == content)
        try fixture.reopen()
        #expect(try SimpleCalls(fixture.tree).read("file") == expected)
    }

    @Test func `a container leans on both trees until its journal is on the new one`() throws {
        let fixture = try DurableFixture { try SimpleCalls($0).write("lower", [1]) }
        try SimpleCalls(fixture.tree).write("file", [2])
        // So that nobody can have it mapped.
        try fixture.reopen()
        let before = try fixture.store.trees(of: fixture.record.id)
        let (tree, directories) = try fixture.freeze()
        #expect(try fixture.store.trees(of: fixture.record.id) == [tree])
        #expect(before != [tree])
        // A freeze that ended after the row and before the journal.
        try #require(fixture.tree.durability?.container)
            .addBase(before[0], directories: directories)
        #expect(try fixture.store.trees(of: fixture.record.id).count == 2)
        try fixture.reopen()
        #expect(try fixture.store.trees(of: fixture.record.id) == [tree])
        #expect(try SimpleCalls(fixture.tree).read("file") == [2])
        #expect(fixture.ownFiles == [])
    }

    @Test func `a file that lost its bytes is told, and nothing is changed`() throws {
        let fixture = try DurableFixture()
        try SimpleCalls(fixture.tree).write("file", [1])
        try fixture.tree.commit(whole: true)
        let file = try #require(fixture.ownFiles.first)
        try HostDirectory.unlink(fixture.place.files + "/" + file)
        do {
            try fixture.reopen()
            Issue.record("it is opened")
        } catch let error as JournalError {
            #expect(error.code == .damaged)
            #expect(error.message.contains("\(fixture.place.files)/\(file)"))
        }
        #expect(HostDirectory.exists(fixture.place.journal))
    }

    @Test func `a small write to a large file of the image is found again block by block`() throws {
        let content = (0..<(2 << 20)).map { UInt8($0 >> 12 & 0xFF) }
        let fixture = try DurableFixture { try SimpleCalls($0).write("big", content) }
        var expected = content
        for offset in [5, 300_000, 1_500_000] {
            try SimpleCalls(fixture.tree).write("big", [255, 254], at: UInt64(offset))
            expected.replaceSubrange(offset..<(offset + 2), with: [255, 254])
            try fixture.reopen()
            #expect(try SimpleCalls(fixture.tree).read("big") == expected)
        }
        // Cut and grown again, it has none of the old bytes.
        try SimpleCalls(fixture.tree).truncate("big", to: 1_000_000)
        try SimpleCalls(fixture.tree).truncate("big", to: 1_200_000)
        expected = Array(expected[..<1_000_000]) + [UInt8](repeating: 0, count: 200_000)
        try fixture.reopen()
        #expect(try SimpleCalls(fixture.tree).read("big") == expected)
        try fixture.reboot(as: "boot-2")
        #expect(try SimpleCalls(fixture.tree).read("big") == expected)
    }

    @Test func `a longer journal than its state is worth is written anew`() throws {
        let fixture = try DurableFixture()
        let calls = SimpleCalls(fixture.tree)
        try calls.write("file", [1])
        let journal = try #require(fixture.tree.durability?.journal)
        // Looked at each time: a commit by time rewrites what is long.
        for mode in 0..<60_000 where !journal.isLong {
            try calls.changeMode("file", UInt32(mode % 0o777))
        }
        #expect(journal.isLong)
        let before = try FileStatus(ofPath: fixture.place.journal).sizeBytes
        fixture.tree.compact()
        #expect(try FileStatus(ofPath: fixture.place.journal).sizeBytes < before / 100)
        #expect(!journal.isLong)
        let lines = try ViewListing.lines(fixture.tree)
        try fixture.reboot(as: "boot-2")
        #expect(try ViewListing.lines(fixture.tree) == lines)
    }
}

/// A disk that is full, or fails.
@Suite(.serialized, .enabled(if: LoopDisk.obstacle == nil, "\(LoopDisk.obstacle ?? "")"))
struct DurableDiskTests {
    private func error(_ body: () throws(FileSystemError) -> Void) -> FileSystemError? {
        do throws(FileSystemError) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    @Test func `a full disk refuses changes before they are made, not removals`() throws {
        let disk = try LoopDisk(sizeBytes: 64 << 20)
        let fixture = try DurableFixture(in: disk.mountPoint)
        let calls = SimpleCalls(fixture.tree)
        for number in 0..<100 { try calls.makeDirectory("d\(number)") }
        let filler = disk.mountPoint + "/filler"
        do {
            let file = try OwnedDescriptor(opening: filler, [.writeOnly, .create])
            let bytes = [UInt8](repeating: 1, count: 1 << 16)
            // Until there is no more room.
            while (try? DescriptorIO.writeAll(file.rawValue, bytes)) != nil {}
        }
        var made = 100
        var refusal: FileSystemError?
        while refusal == nil && made < 20_000 {
            refusal = error { () throws(FileSystemError) in try calls.makeDirectory("d\(made)") }
            if refusal == nil { made += 1 }
        }
        #expect(refusal == .noSpace)
        #expect(made > 100)
        #expect(try ViewListing.names(fixture.tree, .root).count == made)
        // What was refused did not happen, and removing goes on.
        for number in 0..<50 {
            let place = try calls.place("d\(number)")
            try fixture.tree.removeDirectory(place.name, in: place.parent)
        }
        let lines = try ViewListing.lines(fixture.tree)
        try HostDirectory.unlink(filler)
        try fixture.reopen()
        #expect(try ViewListing.lines(fixture.tree) == lines)
        try SimpleCalls(fixture.tree).makeDirectory("again")
        fixture.close()
    }

    @Test func `a disk that fails makes the view read-only, and it does not pretend later`() throws
    {
        let disk = try LoopDisk(sizeBytes: 64 << 20)
        let fixture = try DurableFixture(in: disk.mountPoint)
        let calls = SimpleCalls(fixture.tree)
        try calls.write("file", [1])
        try calls.synchronize("file")
        try LoopDisk.cutPower(disk.mountPoint)
        #expect(
            error { () throws(FileSystemError) in try calls.makeDirectory("new") } == .inputOutput)
        #expect(
            error { () throws(FileSystemError) in try calls.makeDirectory("other") } == .readOnly)
        for _ in 0..<2 {
            #expect(
                error { () throws(FileSystemError) in try calls.synchronize("file") }
                    == .inputOutput)
        }
        #expect(try calls.attributes("file").sizeBytes == 1)
        fixture.close()
        try disk.restart()
        try fixture.reboot(as: "boot-2")
        #expect(try ViewListing.names(fixture.tree, .root) == [Array("file".utf8)])
        #expect(try SimpleCalls(fixture.tree).read("file") == [1])
        fixture.close()
    }
}
