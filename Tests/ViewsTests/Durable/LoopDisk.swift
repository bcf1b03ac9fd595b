import Foundation
import Glibc
import LinuxIO

/// An ext4 file system of its own in a file, whose power can be cut: what was not brought to the
/// "disk" is lost then.
final class LoopDisk {
    let mountPoint: String
    private let image: String

    struct Failure: Error { var message: String }

    /// Why there can be none here, or nil.
    static let obstacle: String? = {
        if geteuid() != 0 { return "mounting needs root" }
        for tool in ["/sbin/mkfs.ext4", "/bin/mount"] where !HostDirectory.exists(tool) {
            return "there is no \(tool)"
        }
        return nil
    }()

    init(sizeBytes: UInt64) throws {
        let directory = try TemporaryPath.make("vitrine-disk")
        image = directory + "/image"
        mountPoint = directory + "/mount"
        try HostDirectory.make(mountPoint)
        let file = try OwnedDescriptor(opening: image, [.readWrite, .create])
        try DescriptorIO.truncate(file.rawValue, to: sizeBytes)
        try Self.run("/sbin/mkfs.ext4", "-q", "-F", "-m", "0", image)
        try mount()
    }

    deinit {
        _ = unsafe umount2(mountPoint, Int32(MNT_DETACH))
        if let slash = image.lastIndex(of: "/") {
            try? HostDirectory.removeAll(String(image[..<slash]))
        }
    }

    /// Writable or not at all: while the loop device of the last mount goes, mount(8) would be content
    /// with reading.
    private func mount() throws {
        for _ in 0..<50 {
            if (try? Self.run("/bin/mount", "-o", "loop,rw", image, mountPoint)) != nil { return }
            usleep(20_000)
        }
        try Self.run("/bin/mount", "-o", "loop,rw", image, mountPoint)
    }

    /// From here on every write fails, and what only memory has is lost. Callable from any thread.
    static func cutPower(_ mountPoint: String) throws {
        let root = try OwnedDescriptor(opening: mountPoint, [.readOnly, .directory])
        /// EXT4_GOING_FLAGS_NOLOGFLUSH.
        var flags: UInt32 = 2
        /// EXT4_IOC_SHUTDOWN.
        guard unsafe ioctl(root.rawValue, 0x8004_587D, &flags) == 0 else {
            throw Failure(message: "the file system cannot be shut down: \(errno)")
        }
    }

    /// The file system as it is found after the power came back.
    func restart() throws {
        for _ in 0..<6000 {
            if unsafe umount2(mountPoint, 0) == 0 {
                try mount()
                if isAlive { return }
            }
            usleep(10_000)
        }
        throw Failure(message: "\(mountPoint) stays busy: \(errno)")
    }

    /// The mount namespaces of other tests' containers have copies of the mount: as long as one of them
    /// lives, it is the file system without power that is mounted again.
    private var isAlive: Bool {
        let probe = mountPoint + "/probe"
        guard (try? OwnedDescriptor(opening: probe, [.writeOnly, .create])) != nil else {
            return false
        }
        try? HostDirectory.unlink(probe)  // it is in nobody's way
        return true
    }

    private static func run(_ tool: String, _ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(filePath: tool)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(message: "\(tool) failed with \(process.terminationStatus)")
        }
    }
}
