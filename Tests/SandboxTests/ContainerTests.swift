import Glibc
import LinuxIO
import Sandbox
import Testing

@Suite(
    .serialized, .enabled(if: SandboxFixture.canRun, SandboxFixture.requirement),
    .timeLimit(.minutes(30)))
struct ContainerTests {
    @Test func `a command's code and words come back`() async throws {
        try await SandboxFixture.with { fixture in
            let run = try fixture.shell("echo out; echo err >&2; exit 7")
            #expect(run.outcome == .exited(7))
            #expect(run.output == "out\n")
            #expect(run.error == "err\n")
            #expect(try fixture.run(["true"]).outcome == .exited(0))
            #expect(try fixture.shell("kill -9 $$; sleep 1").outcome == .exited(0))
            #expect(try fixture.shell("sh -c 'kill -9 $$'; exit $?").outcome == .exited(137))
        }
    }

    @Test func `the command has its surroundings`() async throws {
        try await SandboxFixture.with { fixture in
            var request = fixture.request([
                "sh", "-c", "pwd; id; hostname; echo $A; cat /etc/hostname; ulimit -n",
            ])
            request.environment = ["A=1 2"]
            request.workingDirectory = "/work"
            request.user = .init(uid: 1000, gid: 1001, additionalGroups: [44])
            request.hostname = "box"
            request.resourceLimits = [.init(type: "RLIMIT_NOFILE", soft: 100, hard: 200)]
            let run = try fixture.run(request)
            #expect(
                run.output
                    == "/work\nuid=1000 gid=1001 groups=44,1001\nbox\n1 2\nbox\n100\n"
                    || run.output
                        == "/work\nuid=1000 gid=1001 groups=1001,44\nbox\n1 2\nbox\n100\n"
            )
            #expect(run.outcome == .exited(0))
        }
    }

    @Test func `standard input is empty or the caller's`() async throws {
        try await SandboxFixture.with { fixture in
            #expect(try fixture.run(["cat"]).outcome == .exited(0))
            let pipe = try ChildProcess.Pipe()
            try DescriptorIO.writeAll(pipe.writing.rawValue, Array("hello".utf8))
            let reading = pipe.keepReading()
            let capture = try ChildProcess.Capture()
            let container = try Container.start(
                fixture.request(["cat"]), with: fixture.runtime,
                streams: .init(input: reading.rawValue, output: capture.descriptor))
            #expect(container.wait() == .exited(0))
            #expect(capture.content() == Array("hello".utf8))
        }
    }

    @Test(
        arguments: [
            (["nonexistent"], StartFailure.Kind.commandNotFound),
            (["/nonexistent/x"], .commandNotFound), (["/etc"], .commandNotExecutable),
            (["/plain"], .commandNotExecutable),
        ] as [([String], StartFailure.Kind)])
    func `a command that does not start is told from one that fails`(
        _ arguments: [String], _ kind: StartFailure.Kind
    ) async throws {
        try await SandboxFixture.with { fixture in
            let file = try OwnedDescriptor(
                opening: "\(fixture.rootfs)/plain", [.writeOnly, .create], permissions: 0o644)
            try DescriptorIO.writeAll(file.rawValue, Array("words".utf8))
            let run = try fixture.run(arguments)
            guard case .notStarted(let failure) = run.outcome else {
                Issue.record("\(run.outcome)")
                return
            }
            #expect(failure.kind == kind)
        }
    }

    @Test func `a root filesystem that is not there is the runtime's failure`() async throws {
        try await SandboxFixture.with { fixture in
            var request = fixture.request(["true"])
            request.rootfs = "/nonexistent"
            guard case .notStarted(let failure) = try fixture.run(request).outcome else {
                Issue.record("it started")
                return
            }
            #expect(failure.kind == .runtime)
        }
    }

    @Test func `the networks are the host's, none, or one of its own`() async throws {
        try await SandboxFixture.with { fixture in
            func interfaces(_ network: Network) throws -> [Substring] {
                var request = fixture.request(["sh", "-c", "ls /sys/class/net; ip addr show lo"])
                request.network = network
                let output = try fixture.run(request).output
                #expect(output.contains("127.0.0.1"))
                return output.split(separator: "\n").prefix { !$0.contains(":") }
            }
            let names = try HostDirectory.names(ofPath: "/sys/class/net")
                .map { String(decoding: $0, as: UTF8.self) }
            #expect(try interfaces(.host).map(String.init).sorted() == names.sorted())
            #expect(try interfaces(.none) == ["lo"])
            #expect(throws: SandboxError.self) { try interfaces(.isolated) }
        }
    }

    private static let helpers = [NetworkHelper.Kind.pasta, .slirp4netns].filter {
        HostDirectory.exists("/usr/bin/\($0.rawValue)")
    }

    @Test(
        .enabled(if: !ContainerTests.helpers.isEmpty, "neither passt nor slirp4netns is installed"),
        arguments: ContainerTests.helpers)
    func `an isolated network has an interface of the helper's`(
        _ kind: NetworkHelper.Kind
    ) async throws {
        try await SandboxFixture.with { fixture in
            let helper = NetworkHelper(kind: kind, path: "/usr/bin/\(kind.rawValue)")
            let runtime = ContainerRuntime(
                choice: fixture.runtime.choice, stateRoot: fixture.runtime.stateRoot,
                bundleRoot: fixture.runtime.bundleRoot, networkHelper: helper)
            var request = fixture.request(["ls", "/sys/class/net"])
            request.network = .isolated
            let capture = try ChildProcess.Capture()
            let container = try Container.start(
                request, with: runtime, streams: .init(output: capture.descriptor))
            #expect(container.wait() == .exited(0))
            let names = String(decoding: capture.content(), as: UTF8.self).split(separator: "\n")
            #expect(names.count == 2 && names.contains("lo"))
        }
    }

    @Test(
        .enabled(if: !ContainerTests.helpers.isEmpty, "neither passt nor slirp4netns is installed"))
    func `a helper is found by trying`() async throws {
        try await SandboxFixture.with { fixture in
            let bundles = fixture.runtime.bundleRoot
            let found = NetworkHelper.working(in: ["/usr/bin"], directory: bundles)
            #expect(found?.kind == Self.helpers.first)
            #expect(NetworkHelper.working(in: ["/nowhere"], directory: bundles) == nil)
        }
    }

    @Test func `a command cannot change the files that names are looked up in`() async throws {
        try await SandboxFixture.with { fixture in
            let run = try fixture.shell(
                "echo x >> /etc/hosts; echo x >> /etc/resolv.conf; cat /etc/resolv.conf")
            #expect(
                run.error.split(separator: "\n").count { $0.hasSuffix("Read-only file system") }
                    == 2)
            #expect(run.output == "nameserver 192.0.2.1\n")
        }
    }

    @Test func `a runtime that is killed while the command runs is told from a failed start`()
        async throws
    {
        try await SandboxFixture.with { fixture in
            let request = fixture.request(["sh", "-c", "touch /started; sleep 912000"])
            let container = try Container.start(request, with: fixture.runtime, streams: .init())
            while !HostDirectory.exists(fixture.rootfs + "/started") { usleep(5000) }
            let runtime = try #require(try runtimeProcess(of: request.id))
            kill(runtime, SIGKILL)
            #expect(container.wait() == .runtimeKilled(signal: 9))
        }
    }

    /// The process that runs the container of that name.
    private func runtimeProcess(of id: String) throws -> Int32? {
        for name in try HostDirectory.names(ofPath: "/proc") {
            let text = String(decoding: name, as: UTF8.self)
            guard let number = Int32(text),
                let file = try? OwnedDescriptor(opening: "/proc/\(text)/cmdline", .readOnly),
                let bytes = try? DescriptorIO.readAll(file.rawValue, limit: 1 << 20)
            else { continue }
            if bytes.split(separator: 0).last.map(Array.init) == Array(id.utf8) { return number }
        }
        return nil
    }

    @Test func `mounts of the caller are there and leave when it ends`() async throws {
        try await SandboxFixture.with { fixture in
            try HostDirectory.makeAll(fixture.directory + "/host")
            var request = fixture.request([
                "sh", "-c", "echo x > /cache/f; echo y > /ro/g; grep -c ' /mem ' /proc/mounts",
            ])
            request.mounts = [
                .init(source: .host(path: fixture.directory + "/host"), target: "/cache"),
                .init(
                    source: .host(path: fixture.directory + "/host"), target: "/ro",
                    isReadOnly: true),
                .init(source: .memory(sizeBytes: 65536), target: "/mem"),
            ]
            let run = try fixture.run(request)
            #expect(run.output == "1\n")
            #expect(run.error.contains("Read-only file system"))
            let names = try HostDirectory.names(ofPath: fixture.directory + "/host")
            #expect(names == [Array("f".utf8)])
        }
    }

    @Test func `the runtime makes the mount targets that are told`() async throws {
        try await SandboxFixture.with { fixture in
            var request = fixture.request(["true"])
            request.mounts = [.init(source: .memory(sizeBytes: nil), target: "/a/b")]
            let before = try paths(fixture.rootfs)
            #expect(try fixture.run(request).outcome == .exited(0))
            let made = try paths(fixture.rootfs).subtracting(before)
            let told = Set(request.mountTargets.map(\.path) + ["/a"])
            #expect(made.isSubset(of: told), "\(made.subtracting(told))")
            #expect(made.contains("/a/b") && made.contains("/proc"))
        }
    }

    private func paths(_ directory: String, prefix: String = "") throws -> Set<String> {
        var found: Set<String> = []
        for name in try HostDirectory.names(ofPath: directory) {
            let text = String(decoding: name, as: UTF8.self)
            found.insert("\(prefix)/\(text)")
            if try FileStatus(ofPath: "\(directory)/\(text)", followsLinks: false).kind
                == .directory
            {
                found.formUnion(try paths("\(directory)/\(text)", prefix: "\(prefix)/\(text)"))
            }
        }
        return found
    }

    @Test func `the host's devices and kernel are out of reach`() async throws {
        try await SandboxFixture.with { fixture in
            let run = try fixture.shell(
                """
                mknod /null c 1 3 && ls /null
                echo x > /null && echo opened
                mknod /dev/mine c 1 3; echo x > /dev/mine && echo opened
                echo x > /dev/null && echo null
                echo 1 > /proc/sys/kernel/panic || echo kept
                unshare -m true || echo refused
                mount -t tmpfs none /tmp || echo refused
                grep Seccomp: /proc/self/status
                """)
            let groups = fixture.runtime.choice.controlGroups
            let lines = run.output.split(separator: "\n").filter {
                groups == .disabled || $0 != "opened"
            }
            #expect(
                lines == [
                    "/null", "null", "kept", "refused", "refused",
                    fixture.runtime.choice.filter == .none ? "Seccomp:\t0" : "Seccomp:\t2",
                ], "\(run.output) \(run.error)")
        }
    }

    @Test func `a privileged container may mount`() async throws {
        try await SandboxFixture.with { fixture in
            var request = fixture.request(["mount", "-t", "tmpfs", "none", "/tmp"])
            request.security = .privileged
            let run = try fixture.run(request)
            #expect(run.outcome == .exited(0), "\(run.error)")
        }
    }

    @Test func `limits need control groups`() async throws {
        try await SandboxFixture.with { fixture in
            guard fixture.runtime.choice.controlGroups == .disabled else { return }
            var request = fixture.request(["true"])
            request.limits.processes = 10
            let error = try #require(throws: SandboxError.self) { try fixture.run(request) }
            #expect(error.code == .invalidRequest)
        }
    }

    @Test func `limits hold, and no control group is left`() async throws {
        try await SandboxFixture.with(limits: true) { fixture in
            var request = fixture.request([
                "sh", "-c", "sleep 9 & sleep 9 & sleep 9 & sleep 9 & echo unlimited",
            ])
            request.limits.processes = 3
            let run = try fixture.run(request)
            #expect(run.error.contains("can't fork"), "\(run.output) \(run.error)")
            #expect(!run.output.contains("unlimited"))
            let groups = try controlGroups("/sys/fs/cgroup", depth: 2)
            #expect(!groups.contains { $0.hasPrefix("vitrine-test") }, "\(groups)")
        }
    }

    private func controlGroups(_ directory: String, depth: Int) throws -> [String] {
        guard depth > 0 else { return [] }
        return try HostDirectory.names(ofPath: directory).flatMap { name in
            let text = String(decoding: name, as: UTF8.self)
            let path = "\(directory)/\(text)"
            guard try FileStatus(ofPath: path, followsLinks: false).kind == .directory else {
                return [String]()
            }
            return try [text] + controlGroups(path, depth: depth - 1)
        }
    }

    @Test func `devices are shut off by the device controller, too`() async throws {
        try await SandboxFixture.with(limits: true) { fixture in
            let run = try fixture.shell(
                "mknod /null c 1 3; echo x > /null && echo null; mknod /k c 1 11; cat /k; echo $?")
            // /dev/null may be used under any name, /dev/kmsg under none.
            #expect(run.output == "null\n1\n", "\(run.error)")
        }
    }
}
