import CFuse
import Synchronization
import Testing
import VirtualFS

@testable import FuseDriver

@Suite struct OpenFileModesTests {
    /// Records what is registered with a kernel that is not there.
    private final class Recorder: Sendable {
        let registered = Mutex<[Int32: Int32]>([:])
        private let last = Atomic<Int32>(0)

        func modes(refusing refused: Int32? = nil) -> OpenFileModes {
            OpenFileModes(
                kernel: OpenFileModes.Kernel(
                    open: { [self] descriptor in
                        guard descriptor != refused else { return nil }
                        let id = last.add(1, ordering: .relaxed).newValue
                        registered.withLock { $0[id] = descriptor }
                        return id
                    },
                    close: { [self] id in registered.withLock { $0[id] = nil } }))
        }

        var descriptors: [Int32] { registered.withLock { $0.values.sorted() } }
    }

    private static let inode = InodeNumber(7)

    private static func file(
        _ caching: OpenedFile.Caching = .keep, backing: Int32? = nil, isObserved: Bool = false,
        isLasting: Bool = false
    ) -> OpenedFile {
        OpenedFile(
            handle: FileHandle(1), caching: caching,
            backing: backing.map {
                OpenedFile.Backing(
                    descriptor: $0, identity: UInt64($0), isObserved: isObserved,
                    isLasting: isLasting)
            })
    }

    /// What is open already, what is asked for, the answer's flags, and whether an id comes along.
    private static let table: [(OpenedFile?, OpenedFile, UInt32, Bool)] = [
        (nil, file(), VITRINE_FOPEN_KEEP_CACHE, false),
        (nil, file(.discard), 0, false),
        (nil, file(.direct), VITRINE_FOPEN_DIRECT_IO, false),
        (nil, file(backing: 5), VITRINE_FOPEN_PASSTHROUGH, true),
        (nil, file(backing: 5, isObserved: true), VITRINE_FOPEN_KEEP_CACHE, false),
        (file(), file(backing: 5), VITRINE_FOPEN_KEEP_CACHE, false),
        (file(.direct), file(backing: 5), VITRINE_FOPEN_KEEP_CACHE, false),
        (file(backing: 5), file(backing: 5), VITRINE_FOPEN_PASSTHROUGH, true),
        (
            file(backing: 5), file(backing: 5, isObserved: true),
            VITRINE_FOPEN_PASSTHROUGH | VITRINE_FOPEN_DIRECT_IO, true
        ),
    ]

    @Test(arguments: table.indices)
    func `answers as the kernel's rules for one inode want`(row: Int) throws {
        let (present, asked, flags, hasBacking) = Self.table[row]
        let modes = Recorder().modes()
        if let present { _ = modes.open(Self.inode, present) }
        let answer = try #require(modes.open(Self.inode, asked))
        #expect(answer.open_flags == flags)
        #expect((answer.backing_id > 0) == hasBacking)
        #expect(answer.fh == 1)
        // Another inode is not concerned.
        #expect(modes.open(InodeNumber(8), Self.file())?.open_flags == VITRINE_FOPEN_KEEP_CACHE)
    }

    @Test(arguments: [file(backing: 6), file(backing: 6, isObserved: true), file(), file(.direct)])
    func `what is not the present backing is a conflict, and does not count`(asked: OpenedFile) {
        let recorder = Recorder()
        let modes = recorder.modes()
        _ = modes.open(Self.inode, Self.file(backing: 5))
        #expect(modes.open(Self.inode, asked)?.fh == nil)
        modes.close(Self.inode)
        #expect(recorder.descriptors == [])
    }

    @Test func `a backing stays registered until its last open is closed`() {
        let recorder = Recorder()
        let modes = recorder.modes()
        for backing in [Int32(5), 5, 5] { _ = modes.open(Self.inode, Self.file(backing: backing)) }
        #expect(recorder.descriptors == [5])
        modes.close(Self.inode)
        modes.close(Self.inode)
        #expect(recorder.descriptors == [5])
        modes.close(Self.inode)
        #expect(recorder.descriptors == [])
        _ = modes.open(Self.inode, Self.file(backing: 6))
        #expect(recorder.descriptors == [6])
    }

    @Test func `a lasting backing stays registered for the next open, on whatever inode`() {
        let recorder = Recorder()
        let modes = recorder.modes()
        let first = modes.open(Self.inode, Self.file(backing: 5, isLasting: true))
        modes.close(Self.inode)
        #expect(recorder.descriptors == [5])
        let second = modes.open(InodeNumber(8), Self.file(backing: 5, isLasting: true))
        #expect(second?.backing_id == first?.backing_id)
        // In use: another inode with the same content has a registration of its own.
        let third = modes.open(Self.inode, Self.file(backing: 5, isLasting: true))
        #expect(third?.backing_id != first?.backing_id)
        #expect(recorder.descriptors == [5, 5])
    }

    @Test func `of lasting backings that nobody uses, the latest 64 stay registered`() {
        let recorder = Recorder()
        let modes = recorder.modes()
        for backing in Int32(100)..<200 {
            _ = modes.open(Self.inode, Self.file(backing: backing, isLasting: true))
            modes.close(Self.inode)
        }
        #expect(recorder.descriptors == Array(136..<200))
    }

    @Test func `passthrough is possible again once ordinary opens are closed`() {
        let modes = Recorder().modes()
        _ = modes.open(Self.inode, Self.file())
        _ = modes.open(Self.inode, Self.file(backing: 5))
        modes.close(Self.inode)
        modes.close(Self.inode)
        let answer = modes.open(Self.inode, Self.file(backing: 5))
        #expect(answer?.open_flags == VITRINE_FOPEN_PASSTHROUGH)
    }

    @Test func `a backing that the kernel refuses becomes an ordinary open`() {
        let modes = Recorder().modes(refusing: 5)
        let answer = modes.open(Self.inode, Self.file(.discard, backing: 5))
        #expect(answer?.open_flags == 0)
        modes.close(Self.inode)
        let other = modes.open(Self.inode, Self.file(backing: 6))
        #expect(other?.open_flags == VITRINE_FOPEN_PASSTHROUGH)
    }

    @Test func `closing what is not open changes nothing`() {
        let modes = Recorder().modes()
        modes.close(Self.inode)
        #expect(modes.open(Self.inode, Self.file(backing: 5))?.backing_id == 1)
    }
}
