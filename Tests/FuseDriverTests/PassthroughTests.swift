import CLinux
import FuseDriver
import Glibc
import Synchronization
import Testing
import VirtualFS

extension RealMounts {
    @Suite
    struct PassthroughTests {
        /// Runs `body` where the kernel gives passthrough; elsewhere there is nothing to see.
        private func mounted(
            prepare: (MemoryFileSystem) -> Void = { _ in }, body: (MountFixture) throws -> Void
        ) throws {
            try MountFixture.mounted(.writable, prepare: prepare) { fixture in
                guard fixture.session.capabilities.passthrough == .available else { return }
                try body(fixture)
            }
        }

        @Test func `content goes by the file system, both ways`() throws {
            try mounted { fixture in
                let text = pattern(3_000_000)
                #expect(Host.put(text, at: fixture.path("a")) == 0)
                #expect(Host.contents(fixture.directory + "/host/2") == text)
                let descriptor = try Host.open(fixture.path("a"), O_RDWR)
                defer { close(descriptor) }
                #expect(Host.read(descriptor, at: 1000, 5000) == Array(text[1000..<6000]))
                #expect(Host.mapped(descriptor, text.count) == text)
                #expect(Host.write([1, 2, 3], to: descriptor, at: 3_000_000) == 0)
                #expect(Host.status(of: descriptor)?.st_size == 3_000_003)
                #expect(fixture.fileSystem.calls("read") == 0)
                #expect(fixture.fileSystem.calls("write") == 0)
            }
        }

        @Test func `many opens of one inode share its backing`() throws {
            try mounted { fixture in
                #expect(Host.put([1, 2, 3], at: fixture.path("a")) == 0)
                let descriptors = try (0..<50).map { _ in try Host.open(fixture.path("a"), O_RDWR) }
                for descriptor in descriptors {
                    #expect(Host.read(descriptor, at: 0, 10) == [1, 2, 3])
                    close(descriptor)
                }
                #expect(fixture.fileSystem.calls("read") == 0)
            }
        }

        @Test func `an open with another backing is answered by the file system`() throws {
            try mounted { fixture in
                #expect(Host.put(pattern(100_000), at: fixture.path("a")) == 0)
                let first = try Host.open(fixture.path("a"), O_RDWR)
                defer { close(first) }
                fixture.fileSystem.hooks.withLock {
                    $0.open = { file in
                        var file = file
                        file.backing?.identity += 1_000_000
                        return file
                    }
                }
                let second = try Host.open(fixture.path("a"), O_RDWR)
                defer { close(second) }
                #expect(Host.read(second, at: 0, 100_000) == pattern(100_000))
                #expect(fixture.fileSystem.calls("read") > 0)
                #expect(Host.write([9], to: second, at: 0) == 0)
                #expect(fixture.fileSystem.calls("write") == 1)
                #expect(Host.read(first, at: 0, 1) == [9])
                #expect(Host.mapped(second, 100_000)?.first == 9)
            }
        }

        /// How two opens that are alive together may be answered.
        enum Kind: CaseIterable {
            case cached, discarding, direct, backed, otherwiseBacked

            func answer(_ file: OpenedFile) -> OpenedFile {
                var file = file
                switch self {
                case .backed: return file
                case .otherwiseBacked: file.backing?.identity += 1_000_000
                case .cached: file.backing = nil
                case .discarding: (file.backing, file.caching) = (nil, .discard)
                case .direct: (file.backing, file.caching) = (nil, .direct)
                }
                return file
            }
        }

        @Test(arguments: Kind.allCases, Kind.allCases)
        func `no two kinds of open fail together`(first: Kind, second: Kind) throws {
            try mounted { fileSystem in
                fileSystem.add("a", mode: 0o100644)
            } body: { fixture in
                let path = fixture.path("a")
                for (one, other) in [(first, second), (second, first)] {
                    fixture.fileSystem.hooks.withLock { $0.open = { one.answer($0) } }
                    let left = try Host.open(path, O_RDWR)
                    fixture.fileSystem.hooks.withLock { $0.open = { other.answer($0) } }
                    let right = try Host.open(path, O_RDWR)
                    #expect(Host.write(pattern(9000, seed: 5), to: left) == 0)
                    #expect(Host.read(right, at: 0, 9000) == pattern(9000, seed: 5))
                    #expect(Host.write([7], to: right, at: 4000) == 0)
                    #expect(Host.read(left, at: 4000, 1) == [7])
                    #expect(Host.mapped(left, 9000)?[4000] == 7)
                    #expect(Host.mapped(right, 9000)?[4000] == 7)
                    close(left)
                    let third = try Host.open(path, O_RDWR)
                    #expect(Host.read(third, at: 4000, 1) == [7])
                    close(right)
                    let fourth = try Host.open(path, O_RDWR)
                    #expect(Host.read(fourth, at: 4000, 1) == [7])
                    close(third)
                    close(fourth)
                }
            }
        }

        @Test func `opens and closes of one file race without an error`() throws {
            try mounted { fileSystem in
                fileSystem.add("a", mode: 0o100644)
                let kinds = Kind.allCases
                fileSystem.hooks.withLock {
                    $0.open = { [turn = Turn()] file in
                        kinds[turn.next() % kinds.count].answer(file)
                    }
                }
            } body: { fixture in
                let path = fixture.path("a")
                let loop = "i=0; while [ $i -lt 400 ]; do i=$((i+1)); : <> \(path) || exit 1; done"
                let children = (0..<4).map { _ in ShellCommand.start(loop) }
                for child in children { #expect(ShellCommand.wait(child) == 0) }
            }
        }

        @Test func `a program runs from a mount, and another over it`() throws {
            try MountFixture.mounted(.writable) { _ in
            } body: { fixture in
                #expect(ShellCommand.run("cp /bin/true \(fixture.path("t"))") == 0)
                #expect(ShellCommand.run(fixture.path("t")) == 0)
            }
        }

        @Test func `a file with set ids is written through the file system`() throws {
            try mounted { fileSystem in
                fileSystem.add("a", mode: 0o104777)
            } body: { fixture in
                let descriptor = try Host.open(fixture.path("a"), O_WRONLY)
                defer { close(descriptor) }
                #expect(Host.write([1], to: descriptor) == 0)
                #expect(fixture.fileSystem.calls("write") == 1)
            }
        }
    }
}

/// A counter that closures share.
private final class Turn: Sendable {
    private let value = Atomic(0)
    func next() -> Int { value.add(1, ordering: .relaxed).newValue }
}
