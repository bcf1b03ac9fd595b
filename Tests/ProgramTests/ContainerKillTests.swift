import Foundation
import Glibc
import Testing

/// The process that serves a container's view is killed at random moments: what a program was told is
/// done is there.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct ContainerKillTests {
    /// More with VITRINE_KILLS=300.
    private static let kills = number("VITRINE_KILLS").map { Int($0) } ?? 12
    private static let seed = number("VITRINE_SEED") ?? .random(in: .min ... .max)

    private static func number(_ variable: String) -> UInt64? {
        ProcessInfo.processInfo.environment[variable].flatMap { UInt64($0) }
    }

    @Test(.timeLimit(.minutes(30)))
    func `kill -9 at random moments loses nothing of a container`() throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        let id = try program.run("create", "--name", "kept", "base").text
            .trimmingCharacters(in: .newlines)
        print("VITRINE_SEED=\(Self.seed)")
        var work = MirroredWork(
            mount: program.directory + "/m", mirror: program.directory + "/mirror",
            seed: Self.seed)
        try work.copyFirst(from: program.directory + "/rootfs")
        for round in 0..<Self.kills {
            let mounted = try program.run("mount", "kept", "m")
            #expect(mounted.status == 0, "round \(round): \(mounted.errors)")
            if round > 0 {
                let differences = try work.differences()
                #expect(differences == [], "round \(round)")
                if !differences.isEmpty { break }
            }
            let holder = try program.read("store/locks/container-\(id)")
            let server = try #require(holder.split(separator: "\n").first.flatMap { Int32($0) })
            let delay = UInt32.random(in: 1_000..<150_000)
            let killer = Thread {
                usleep(delay)
                kill(server, SIGKILL)
            }
            killer.start()
            while work.step() {}
            while !killer.isFinished { usleep(1000) }
            if round % 5 == 4 {
                let check = try program.run("gc")
                #expect(check.status == 0, "\(check.errors)")
            }
        }
        try program.run("umount", "--lazy", "m")
        try program.run("rm", "kept")
        try program.run("gc")
        #expect(try program.names(in: "store/containers") == [])
        #expect(try program.names(in: "store/locks") == ["index", "sweep"])
    }
}

/// Random work in a mount, each step of which is done in a plain directory once it is acknowledged.
private struct MirroredWork {
    private let mount: String
    private let mirror: String
    private var random: SeededNumbers
    /// The step that was under way when the mount died.
    private var last: Step?
    private var handles: [String: Int32] = [:]

    private enum Step {
        case write(String, offset: Int, bytes: [UInt8], isSynchronous: Bool)
        case truncate(String, Int)
        case replace(String, [UInt8])
        case rename(String, String)
        case link(String, String)
        case unlink(String)
        case makeDirectory(String)
        case removeDirectory(String)
        case symbolicLink(String)
        case changeMode(String, UInt32)
        case setAttribute(String, UInt8)
        case synchronize(String)
    }

    init(mount: String, mirror: String, seed: UInt64) {
        self.mount = mount
        self.mirror = mirror
        random = SeededNumbers(state: seed)
    }

    func copyFirst(from source: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/cp")
        process.arguments = ["-a", source, mirror]
        try process.run()
        process.waitUntilExit()
    }

    // MARK: - Steps

    private mutating func pick<T>(_ values: [T]) -> T {
        values[Int.random(in: 0..<values.count, using: &random)]
    }

    private mutating func path() -> String {
        let name = pick(["a", "b", "c", "1", "2", "3", "150"])
        return pick(["", "", "x/", "y/", "usr/share/data/", "etc/"]) + name
    }

    private mutating func bytes() -> [UInt8] {
        [UInt8](
            repeating: UInt8.random(in: 1...255, using: &random),
            count: pick([1, 10, 1000, 5000, 200_000]))
    }

    private mutating func next() -> Step {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<30:
            .write(
                path(), offset: pick([0, 0, 10, 4096, 100_000]), bytes: bytes(),
                isSynchronous: pick([false, false, false, true]))
        case 30..<36: .truncate(path(), pick([0, 1, 3000, 50_000]))
        case 36..<46: .replace(path(), bytes())
        case 46..<58: .rename(pick([path(), path(), "x", "usr/share/data"]), pick([path(), "y"]))
        case 58..<66: .link(path(), path())
        case 66..<74: .unlink(path())
        case 74..<78: .makeDirectory(pick(["x", "y", "x/a", "y/b"]))
        case 78..<80: .removeDirectory(pick(["x", "y", "x/a"]))
        case 80..<83: .symbolicLink(path())
        case 83..<90: .changeMode(path(), UInt32.random(in: 0...0o777, using: &random))
        case 90..<94: .setAttribute(path(), UInt8.random(in: 0...255, using: &random))
        default: .synchronize(path())
        }
    }

    /// - Returns: false once the mount is dead.
    mutating func step() -> Bool {
        let step = next()
        last = step
        let error = perform(step, in: mount)
        if [ENOTCONN, ECONNABORTED, EIO].contains(error) { return false }
        let expected = perform(step, in: mirror)
        if expected != error {
            Issue.record("\(step): \(error) instead of \(expected)")
            return false
        }
        last = nil
        return true
    }

    private func perform(_ step: Step, in root: String) -> Int32 {
        func done(_ result: some SignedInteger) -> Int32 { result < 0 ? errno : 0 }
        func path(_ name: String) -> String { root + "/" + name }
        func withFile(_ name: String, _ flags: Int32, _ body: (Int32) -> Int32) -> Int32 {
            let file = unsafe open(path(name), flags | O_CLOEXEC | O_NOFOLLOW, 0o644)
            if file < 0 { return errno }
            let error = body(file)
            return close(file) == 0 ? error : errno
        }
        switch step {
        case .write(let name, let offset, let bytes, let isSynchronous):
            return withFile(name, O_RDWR | O_CREAT | (isSynchronous ? O_DSYNC : 0)) {
                unsafe done(pwrite($0, bytes, bytes.count, offset))
            }
        case .truncate(let name, let size): return unsafe done(truncate(path(name), size))
        case .replace(let name, let bytes):
            let error = withFile("new", O_WRONLY | O_CREAT | O_TRUNC) {
                unsafe done(write($0, bytes, bytes.count))
            }
            return error != 0 ? error : unsafe done(rename(path("new"), path(name)))
        case .rename(let name, let target): return unsafe done(rename(path(name), path(target)))
        case .link(let name, let target): return unsafe done(link(path(name), path(target)))
        case .unlink(let name): return unsafe done(unlink(path(name)))
        case .makeDirectory(let name): return unsafe done(mkdir(path(name), 0o755))
        case .removeDirectory(let name): return unsafe done(rmdir(path(name)))
        case .symbolicLink(let name): return unsafe done(symlink("somewhere", path(name)))
        case .changeMode(let name, let mode):
            return withFile(name, O_RDONLY) { fchmod($0, mode) == 0 ? 0 : errno }
        case .setAttribute(let name, let value):
            return withFile(name, O_RDONLY) {
                unsafe done(fsetxattr($0, "user.v", [value], 1, 0))
            }
        case .synchronize(let name): return withFile(name, O_RDONLY) { done(fsync($0)) }
        }
    }

    // MARK: - Comparing

    /// What the mount has otherwise than the mirror; the step that was under way may be done or not.
    mutating func differences() throws -> [String] {
        var expected = try lines(mirror)
        let found = try lines(mount)
        defer { last = nil }
        guard expected != found, let step = last else {
            return expected == found ? [] : difference(expected, found)
        }
        switch step {
        case .write(let name, _, _, _), .replace(let name, _):
            // In part, and "new" may still have its name.
            _ = perform(step, in: mirror)
            try synchronizeMirror(["new", name])
        default:
            _ = perform(step, in: mirror)
        }
        expected = try lines(mirror)
        return expected == found ? [] : difference(expected, found)
    }

    private func synchronizeMirror(_ names: [String]) throws {
        for name in names {
            _ = unsafe unlink(mirror + "/" + name)
            let process = Process()
            // Not into what is there, where it is a directory.
            process.executableURL = URL(filePath: "/bin/cp")
            process.arguments = ["-aT", mount + "/" + name, mirror + "/" + name]
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
        }
    }

    private func difference(_ expected: [String], _ found: [String]) -> [String] {
        let (missing, surplus) = (
            Set(expected).subtracting(found), Set(found).subtracting(expected)
        )
        return missing.sorted().map { "- \($0)" } + surplus.sorted().map { "+ \($0)" }
            + ["under way: \(String("\(String(describing: last))".prefix(200)))"]
    }

    private func lines(_ root: String) throws -> [String] {
        var lines: [String] = []
        var pending = [""]
        while let directory = pending.popLast() {
            for name in try FileManager.default.contentsOfDirectory(atPath: root + "/" + directory)
            {
                let path = directory + "/" + name
                var status = stat()
                guard unsafe lstat(root + path, &status) == 0 else {
                    lines.append("\(path): \(errno)")
                    continue
                }
                let isDirectory = status.st_mode & S_IFMT == S_IFDIR
                var value = [UInt8](repeating: 0, count: 16)
                let count = unsafe lgetxattr(root + path, "user.v", &value, 16)
                var line = "\(path) \(String(status.st_mode, radix: 8)) \(status.st_nlink)"
                if !isDirectory { line += " \(status.st_size)" }
                if count > 0 { line += " v=\(value[0])" }
                if status.st_mode & S_IFMT == S_IFREG {
                    let content = FileManager.default.contents(atPath: root + path) ?? Data()
                    line += " \(content.hashValueOfBytes)"
                }
                lines.append(line)
                if isDirectory { pending.append(path) }
            }
        }
        return lines.sorted()
    }
}

extension Data {
    /// The same for the same bytes, in one run.
    fileprivate var hashValueOfBytes: Int {
        var hasher = Hasher()
        for byte in self { hasher.combine(byte) }
        return hasher.finalize()
    }
}

/// Calls of sys/xattr.h, which Swift's view of glibc is without.
@_silgen_name("fsetxattr")
private func fsetxattr(
    _ file: Int32, _ name: UnsafePointer<CChar>, _ value: UnsafePointer<UInt8>, _ size: Int,
    _ flags: Int32
) -> Int32

@_silgen_name("lgetxattr")
private func lgetxattr(
    _ path: UnsafePointer<CChar>, _ name: UnsafePointer<CChar>,
    _ value: UnsafeMutablePointer<UInt8>, _ size: Int
) -> Int
