import Glibc
import LinuxIO
import Synchronization
import Testing

@testable import Sandbox

/// A root filesystem with busybox, directories for the runtime's state, and the runtime that works
/// here; removed when the body ends.
struct SandboxFixture {
    let directory: String
    let runtime: ContainerRuntime
    var rootfs: String { directory + "/rootfs" }

    static let isRoot = geteuid() == 0

    private static let busybox = ["/bin/busybox", "/usr/bin/busybox"]
        .first(where: HostDirectory.exists)

    static var canRun: Bool { isRoot && busybox != nil }
    static let requirement: Comment = "containers need root, busybox-static, and crun or runc"

    private static let counter = Atomic(0)
    private static let chosen = Mutex<[Bool: RuntimeChoice]>([:])

    /// The choice is made once for all tests.
    private static func choice(_ directory: String, limits: Bool) throws -> RuntimeChoice {
        try chosen.withLock { chosen in
            if let choice = chosen[limits] { return choice }
            let probe = RuntimeProbe(
                stateRoot: directory + "/state", bundleRoot: directory + "/bundles",
                cachePath: nil)
            let choice = limits ? try limiting(probe) : try probe.choose()
            print("runtime: \(choice.explanation)")
            chosen[limits] = choice
            return choice
        }
    }

    /// The first that works with control groups.
    private static func limiting(_ probe: RuntimeProbe) throws -> RuntimeChoice {
        for candidate in probe.candidates(probe.runtimes())
        where candidate.controlGroups == .native {
            if case .works(let choice) = Trial(candidate, probe).result() { return choice }
        }
        throw SandboxError(.noRuntime, "no runtime works here with control groups")
    }

    static func with<R>(
        limits: Bool = false, _ body: (SandboxFixture) async throws -> R
    ) async throws -> R {
        let number = counter.wrappingAdd(1, ordering: .relaxed).newValue
        let directory = "/tmp/vitrine-sandbox-\(getpid())-\(number)"
        try makeRootfs(directory)
        defer { try? HostDirectory.removeAll(directory) }
        let choice = try choice(directory, limits: limits)
        let fixture = SandboxFixture(
            directory: directory,
            runtime: ContainerRuntime(
                choice: choice, stateRoot: directory + "/state",
                bundleRoot: directory + "/bundles", foreignMounts: viewsOfOtherTests))
        let result = try await body(fixture)
        try fixture.expectNothingLeft()
        return result
    }

    /// They wait for the end of their mounts.
    @Sendable private static func viewsOfOtherTests() -> [String] {
        guard let file = try? OwnedDescriptor(opening: "/proc/self/mounts", .readOnly),
            let table = try? DescriptorIO.readAll(file.rawValue, limit: 1 << 24)
        else { return [] }
        return String(decoding: table, as: UTF8.self).split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            return fields.count > 2 && fields[2] == "fuse.vitrine" ? String(fields[1]) : nil
        }
    }

    private static func makeRootfs(_ directory: String) throws {
        for name in ["state", "bundles", "rootfs/bin", "rootfs/etc", "rootfs/tmp", "rootfs/work"] {
            try HostDirectory.makeAll("\(directory)/\(name)")
        }
        guard let busybox else { return }
        let source = try OwnedDescriptor(opening: busybox, .readOnly)
        let target = try OwnedDescriptor(
            opening: directory + "/rootfs/bin/busybox", [.writeOnly, .create],
            permissions: 0o755)
        try DescriptorIO.copyContent(from: source.rawValue, to: target.rawValue)
        let names = [
            "sh", "true", "cat", "echo", "id", "env", "pwd", "sleep", "ls", "ip", "mknod", "dd",
            "hostname", "unshare", "head", "touch", "mount", "grep", "kill",
        ]
        for name in names {
            let status = unsafe symlink("busybox", directory + "/rootfs/bin/\(name)")
            try #require(status == 0)
        }
    }

    private func expectNothingLeft() throws {
        for name in ["state", "bundles"] {
            let names = try HostDirectory.names(ofPath: "\(directory)/\(name)")
                .filter { $0.first != UInt8(ascii: ".") }
            #expect(names.isEmpty, "\(name) has leftovers")
        }
    }

    func request(_ arguments: [String]) -> ContainerRequest {
        let number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
        return ContainerRequest(
            id: "test-\(getpid())-\(number)", rootfs: rootfs, arguments: arguments,
            nameFiles: .init(
                resolver: Array("nameserver 192.0.2.1\n".utf8),
                hosts: HostsFile.content(hostname: "box"), hostname: Array("box\n".utf8)))
    }

    struct Run {
        let outcome: Container.Outcome
        let output: String
        let error: String
    }

    func run(_ request: ContainerRequest) throws -> Run {
        let output = try ChildProcess.Capture()
        let error = try ChildProcess.Capture()
        let container = try Container.start(
            request, with: runtime,
            streams: .init(output: output.descriptor, error: error.descriptor))
        let outcome = container.wait()
        return Run(
            outcome: outcome, output: String(decoding: output.content(), as: UTF8.self),
            error: String(decoding: error.content(), as: UTF8.self))
    }

    func run(_ arguments: [String]) throws -> Run { try run(request(arguments)) }
    func shell(_ script: String) throws -> Run { try run(["sh", "-c", script]) }
}
