import FileTree
import FuseDriver
import Glibc
import LinuxIO
import Store
import Testing
import VirtualFS

@testable import Views

/// A writable view, mounted, beside a directory of the host that has the same in it.
final class MountedPair {
    /// How the view serves content.
    enum Service: CaseIterable, Sendable {
        case passthrough
        /// As where the kernel has no passthrough, or the process no privilege.
        case daemon
    }

    let fixture: WorkingTreeFixture
    let view: String
    let disk: String
    private let service: Service
    private var session: FuseSession?

    /// Mounts, runs `body`, and leaves neither mount nor files behind, whatever happens.
    /// - Parameter isRich: begin with the player's tree, all of it in the lower tree; else empty.
    static func mounted(
        _ service: Service = .passthrough, isRich: Bool = true,
        _ body: (MountedPair) throws -> Void
    ) throws {
        let pair = try MountedPair(service)
        defer { pair.takeDown() }
        try pair.mount()
        if isRich {
            let outcome = try Player.run(["populate", pair.view, pair.disk])
            #expect(outcome.status == 0, "\(outcome.text)")
            try pair.reopen()
        }
        try body(pair)
    }

    private init(_ service: Service) throws {
        self.service = service
        fixture = try WorkingTreeFixture()
        view = fixture.directory + "/view"
        disk = fixture.directory + "/disk"
        for path in [view, disk] { try HostDirectory.make(path, permissions: 0o755) }
        // As the view is mounted.
        let flags = UInt(MS_BIND | MS_REMOUNT | MS_NODEV | MS_NOSUID | MS_NOATIME)
        guard unsafe Glibc.mount(disk, disk, nil, UInt(MS_BIND), nil) == 0,
            unsafe Glibc.mount(nil, disk, nil, flags, nil) == 0
        else { throw Player.Failure(message: "\(disk) cannot be mounted on itself: \(errno)") }
    }

    private func mount() throws {
        var options = MountOptions(source: "test")
        options.stopPatience = .milliseconds(100)
        session = try FuseSession.mount(fixture.tree, at: view, options: options)
        if service == .daemon { fixture.tree.locked { $0.offersBackings = false } }
    }

    private func unmount() {
        session?.stop()
        session?.wait()
        session = nil
    }

    private func takeDown() {
        unmount()
        unsafe umount2(disk, Int32(MNT_DETACH))
    }

    /// Freezes the view and goes on with a new one of what it was.
    func reopen() throws {
        unmount()
        try fixture.reopen(fixture.freeze())
        try mount()
    }
}
