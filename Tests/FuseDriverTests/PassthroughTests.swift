import CFuse
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

        @Test(.enabled(if: geteuid() == 0))
        func `whether the kernel has it is known without a mount`() throws {
            try MountFixture.mounted(.writable) { fixture in
                let offered = fixture.session.capabilities.passthrough == .available
                switch MountAbility.current {
                case .direct: #expect(offered)
                case .directWithoutPassthrough: #expect(!offered)
                case let other: #expect(!offered, "\(other)")
                }
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

        @Test func `content that moved is served under another inode, with the same number`() throws
        {
            try mounted { fixture in
                let path = fixture.path("a")
                #expect(Host.put(pattern(100_000), at: path) == 0)
                let old = try Host.open(path, O_RDONLY)
                defer { close(old) }
                // The content is elsewhere from now on.
                let elsewhere = try Host.open(
                    fixture.directory + "/host/elsewhere", O_RDWR | O_CREAT, mode: 0o600)
                defer { close(elsewhere) }
                #expect(Host.write(pattern(100_000, seed: 2), to: elsewhere) == 0)
                fixture.fileSystem.hooks.withLock {
                    $0.open = { file in
                        var file = file
                        file.backing = .init(descriptor: elsewhere, identity: 1_000_000)
                        return file
                    }
                }
                let new = try Host.open(path, O_RDWR)
                defer { close(new) }
                #expect(fixture.fileSystem.calls("renew") == 1)
                #expect(Host.read(new, at: 0, 100_000) == pattern(100_000, seed: 2))
                #expect(Host.mapped(new, 100_000) == pattern(100_000, seed: 2))
                #expect(Host.write([9], to: new, at: 0) == 0)
                #expect(Host.read(old, at: 0, 100_000) == pattern(100_000))
                #expect(Host.mapped(old, 100_000) == pattern(100_000))
                #expect(Host.status(of: new)?.st_ino == Host.status(of: old)?.st_ino)
            }
        }

        /// How two opens that are alive together may be answered.
        enum Kind: CaseIterable {
            case cached, discarding, direct, backed, observed

            func answer(_ file: OpenedFile) -> OpenedFile {
                var file = file
                switch self {
                case .backed: break
                case .observed: file.backing?.isObserved = true
                case .cached: file.backing = nil
                case .discarding: (file.backing, file.caching) = (nil, .discard)
                case .direct: (file.backing, file.caching) = (nil, .direct)
                }
                return file
            }

            var hasBacking: Bool { self == .backed || self == .observed }
        }

        private static let pairs = Kind.allCases.flatMap { first in
            Kind.allCases.map { (first, $0) }
        }.filter { first, second in first != .backed || second.hasBacking }

        @Test(arguments: pairs)
        func `no two kinds of open fail together`(first: Kind, second: Kind) throws {
            try mounted { fileSystem in
                fileSystem.add("a", mode: 0o100644)
            } body: { fixture in
                let path = fixture.path("a")
                fixture.fileSystem.hooks.withLock { $0.open = { first.answer($0) } }
                let left = try Host.open(path, O_RDWR)
                fixture.fileSystem.hooks.withLock { $0.open = { second.answer($0) } }
                let right = try Host.open(path, O_RDWR)
                #expect(Host.write(pattern(9000, seed: 5), to: left) == 0)
                #expect(Host.read(right, at: 0, 9000) == pattern(9000, seed: 5))
                #expect(Host.write([7], to: right, at: 4000) == 0)
                #expect(Host.read(left, at: 4000, 1) == [7])
                #expect(Host.mapped(left, 9000)?[4000] == 7)
                #expect(Host.mapped(right, 9000)?[4000] == 7)
                close(left)
                fixture.fileSystem.hooks.withLock { $0.open = { $0 } }
                let third = try Host.open(path, O_RDWR)
                #expect(Host.read(third, at: 4000, 1) == [7])
                close(right)
                let fourth = try Host.open(path, O_RDWR)
                #expect(Host.read(fourth, at: 4000, 1) == [7])
                close(third)
                close(fourth)
                #expect(fixture.fileSystem.calls("renew") == 0)
            }
        }

        @Test func `opens and closes of one file race without an error`() throws {
            try mounted { fileSystem in
                fileSystem.add("a", mode: 0o100644)
                let kinds = [Kind.backed, .observed]
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
    }
}

/// A counter that closures share.
private final class Turn: Sendable {
    private let value = Atomic(0)
    func next() -> Int { value.add(1, ordering: .relaxed).newValue }
}
