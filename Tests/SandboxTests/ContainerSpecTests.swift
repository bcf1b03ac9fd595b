import ImageSpec
import Testing

@testable import Sandbox

@Suite struct ContainerSpecTests {
    private func choice(
        _ kind: RuntimeChoice.Kind = .crun, _ groups: RuntimeChoice.ControlGroups = .disabled,
        filter: RuntimeChoice.Filter = .profile
    ) -> RuntimeChoice {
        RuntimeChoice(
            kind: kind, path: "/usr/bin/\(kind.rawValue)", version: "1", controlGroups: groups,
            needsPrivateCgroupMount: false, hasGroupNamespace: kind == .crun, filter: filter,
            milliseconds: 1, explanation: "")
    }

    private func request(_ change: (inout ContainerRequest) -> Void = { _ in }) -> ContainerRequest
    {
        var request = ContainerRequest(
            id: "c1", rootfs: "/r", arguments: ["true"],
            nameFiles: .init(resolver: [1], hosts: [2], hostname: nil))
        change(&request)
        return request
    }

    private func spec(
        _ choice: RuntimeChoice, _ request: ContainerRequest, network: String? = nil
    ) -> RuntimeSpec {
        ContainerSpec(
            request: request, choice: choice, bundlePath: "/b", networkPath: network
        ).document
    }

    @Test func `only files that are mounted are mount targets`() {
        let without = request().mountTargets.map(\.path)
        #expect(without == ["/proc", "/sys", "/dev", "/etc/resolv.conf", "/etc/hosts"])
        let with = request { $0.nameFiles.hostname = [3] }.mountTargets.map(\.path)
        #expect(with.last == "/etc/hostname")
    }

    @Test func `the defaults are Docker's`() {
        let json = spec(choice(), request()).json
        #expect(json["ociVersion"]?.stringValue == "1.0.2")
        #expect(json["root"]?.encoded == Array(#"{"path":"/r","readonly":false}"#.utf8))
        #expect(json["process"]?["cwd"]?.stringValue == "/")
        #expect(
            json["process"]?["env"]?[0]?.stringValue
                == "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        #expect(json["process"]?["capabilities"]?["effective"]?.arrayValue?.count == 14)
        #expect(json["process"]?["noNewPrivileges"]?.boolValue == false)
        #expect(json["hostname"]?.stringValue == "buildkitsandbox")
        #expect(json["linux"]?["seccomp"]?["defaultAction"] == "SCMP_ACT_ERRNO")
        #expect(json["linux"]?["maskedPaths"]?.arrayValue?.contains("/proc/kcore") == true)
        #expect(json["linux"]?["resources"] == nil)
        #expect(json["annotations"] == nil)
    }

    @Test func `a path in the environment stays the only one`() {
        let spec = spec(choice(), request { $0.environment = ["A=1", "PATH=/x"] })
        #expect(spec.process.environment == ["A=1", "PATH=/x"])
    }

    @Test func `mounts come in the order in which they cover each other`() {
        let request = request {
            $0.mounts = [
                .init(source: .host(path: "/h"), target: "/data", isReadOnly: true),
                .init(source: .memory(sizeBytes: 4096), target: "/tmp", options: ["mode=1777"]),
            ]
        }
        let mounts = spec(choice(), request).mounts
        #expect(
            mounts.map(\.destination) == [
                "/.", "/proc", "/dev", "/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                "/dev/urandom", "/dev/tty", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys",
                "/sys/fs/cgroup", "/sys/fs/cgroup", "/etc/resolv.conf", "/etc/hosts", "/data",
                "/tmp",
            ])
        #expect(
            mounts.last { $0.destination == "/sys/fs/cgroup" }?.options
                == ["bind", "remount", "nosuid", "noexec", "nodev", "ro"])
        #expect(mounts.last?.options == ["nosuid", "nodev", "rw", "mode=1777", "size=4096"])
        #expect(mounts.suffix(2).first?.options == ["rbind", "rprivate", "ro", "nodev"])
    }

    @Test func `with control groups a device controller stands guard`() {
        let spec = spec(choice(.runc, .native), request { $0.limits.memoryBytes = 1 << 20 })
        #expect(!spec.mounts.contains { $0.destination == "/." || $0.destination == "/dev/null" })
        #expect(spec.resources.devices.first == .init(isAllowed: false, access: "rwm"))
        #expect(spec.resources.memoryBytes == 1 << 20)
        #expect(spec.cgroupsPath == "/vitrine-c1")
        #expect(!spec.namespaces.contains { $0.kind == .cgroup })
    }

    /// With runc, containers saw the control groups of the whole host, and privileged ones could
    /// write to them.
    @Test func `where version 2 is alone a container sees its own group as the root`() {
        var choice = choice(.runc, .native)
        choice.hasGroupNamespace = true
        let spec = spec(choice, request())
        #expect(
            spec.namespaces.filter { $0.kind == .cgroup } == [.init(kind: .cgroup, path: nil)])
        // Of a group without a parent of its own systemd takes the limits away.
        #expect(spec.cgroupsPath == "/vitrine/vitrine-c1")
        #expect(RuntimeChoice(json: choice.json) == choice)
    }

    @Test(
        arguments: [
            (Network.host, nil, false, nil), (Network.none, nil, true, nil),
            (Network.isolated, "/n", true, "/n"),
        ] as [(Network, String?, Bool, String?)])
    func `the network decides on the namespace`(
        _ network: Network, _ path: String?, _ isOwn: Bool, _ expected: String?
    ) {
        let spec = spec(choice(), request { $0.network = network }, network: path)
        let namespace = spec.namespaces.first { $0.kind == .network }
        #expect((namespace != nil) == isOwn)
        #expect(namespace?.path == expected)
    }

    @Test func `who is not root holds no capability`() {
        let user = UserSpecification.Resolved(uid: 5, gid: 6, additionalGroups: [7])
        let process = spec(choice(), request { $0.user = user }).process
        #expect(process.capabilities.bounding.count == 14)
        #expect(process.capabilities.effective.isEmpty)
        #expect(process.capabilities.permitted.isEmpty)
        #expect(process.user.additionalGroups == [6, 7])
    }

    @Test(arguments: [0, 5] as [UInt32])
    func `nobody inherits capabilities, and who is not root holds none, even where all are there`(
        uid: UInt32
    ) {
        let user = UserSpecification.Resolved(uid: uid, gid: 6, additionalGroups: [])
        for isPrivileged in [false, true] {
            let spec = spec(
                choice(),
                request {
                    $0.user = user
                    if isPrivileged { $0.security = .privileged }
                })
            let names = isPrivileged ? Capability.all : Capability.standard
            let capabilities = spec.process.capabilities
            #expect(capabilities.bounding == names)
            #expect(capabilities.effective == (uid == 0 ? names : []))
            #expect(capabilities.permitted == (uid == 0 ? names : []))
            #expect(capabilities.ambient.isEmpty)
            #expect(spec.json["process"]?["capabilities"]?["inheritable"] == nil)
        }
    }

    @Test func `an insecure step is privileged, and keeps all capabilities as any user`() {
        let user = UserSpecification.Resolved(uid: 5, gid: 6, additionalGroups: [])
        let spec = spec(
            choice(),
            request {
                $0.user = user
                $0.security = .insecure
            })
        #expect(spec.process.capabilities.effective == Capability.all)
        #expect(spec.process.capabilities.ambient == Capability.all)
        #expect(spec.maskedPaths.isEmpty && spec.seccomp == nil)
    }

    @Test func `a privileged container is neither masked nor filtered`() {
        let spec = spec(choice(), request { $0.security = .privileged })
        #expect(spec.maskedPaths.isEmpty && spec.readonlyPaths.isEmpty)
        #expect(spec.seccomp == nil)
        #expect(spec.process.capabilities.effective.contains("CAP_SYS_ADMIN"))
        #expect(!spec.mounts.contains { $0.destination == "/." })
    }

    @Test func `a translated filter stands in for the default profile only`() {
        let translated = choice(filter: .program([1, 2, 3, 4, 5, 6, 7, 8]))
        let standard = spec(translated, request())
        #expect(standard.annotations == ["run.oci.seccomp_bpf_data": "AQIDBAUGBwg="])
        #expect(standard.seccomp == nil)
        let more = spec(
            translated, request { $0.security = .standard(capabilities: ["CAP_SYS_ADMIN"]) })
        #expect(more.annotations.isEmpty)
        #expect(more.seccomp != nil)
        #expect(spec(choice(filter: .none), request()).seccomp == nil)
    }

    @Test(
        arguments: [
            ("", "/r", ["x"], "/"), ("a/b", "/r", ["x"], "/"), ("..", "/r", ["x"], "/"),
            ("ok", "r", ["x"], "/"), ("ok", "/r", [], "/"), ("ok", "/r", [""], "/"),
            ("ok", "/r", ["a\0b"], "/"), ("ok", "/r", ["x"], "w"),
        ] as [(String, String, [String], String)])
    func `a malformed request is refused`(
        _ id: String, _ rootfs: String, _ arguments: [String], _ directory: String
    ) throws {
        let request = ContainerRequest(
            id: id, rootfs: rootfs, arguments: arguments, workingDirectory: directory,
            nameFiles: .init(resolver: nil, hosts: nil, hostname: nil))
        let error = try #require(throws: SandboxError.self) { try request.validate() }
        #expect(error.code == .invalidRequest)
    }

    @Test func `only capabilities that are held are passed on`() throws {
        let held = try #require(
            Capability.held(
                status: Array(
                    "Name:\tx\nCapPrm:\t0000000000000003\nCapBnd:\t0000000000000021\n".utf8)))
        #expect(held == ["CAP_CHOWN"])
        #expect(Capability.held(status: []) == nil)
        let document = ContainerSpec(
            request: request(), choice: choice(), bundlePath: "/b", networkPath: nil,
            heldCapabilities: held
        ).document
        #expect(document.process.capabilities.bounding == ["CAP_CHOWN"])
    }

    @Test func `what builds call a network is known`() {
        #expect(Network.forBuild("default") == .host)
        #expect(Network.forBuild("none") == Network.none)
        #expect(Network.forBuild("bridge") == nil)
    }

    @Test func `a call is allowed with the capability that stands for it`() throws {
        func verdict(_ call: String, _ capabilities: [String]) throws -> String? {
            let profile = try #require(
                SeccompProfile.document(capabilities: capabilities, architecture: "amd64"))
            return profile["syscalls"]?.arrayValue?.first { rule in
                rule["names"]?.arrayValue?.contains(.string(call)) == true && rule["args"] == nil
            }?["action"]?.stringValue
        }
        #expect(try verdict("openat", []) == "SCMP_ACT_ALLOW")
        #expect(try verdict("mount", []) == "SCMP_ACT_ERRNO")
        #expect(try verdict("mount", ["CAP_SYS_ADMIN"]) == "SCMP_ACT_ALLOW")
        #expect(try verdict("bpf", ["CAP_BPF"]) == "SCMP_ACT_ALLOW")
        #expect(try verdict("io_uring_setup", Capability.all) == "SCMP_ACT_ERRNO")
        #expect(try verdict("clone3", []) == nil)
        #expect(SeccompProfile.document(capabilities: [], architecture: "pdp11") == nil)
    }

    @Test(arguments: [0, 1, 2, 3, 4, 5, 255])
    func `base 64 is read and written`(_ count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 251) }
        #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        #expect(Base64.encode(Array("Man".utf8)) == "TWFu")
        #expect(Base64.encode(Array("Ma".utf8)) == "TWE=")
        #expect(Base64.decode("TWE") == nil)
        #expect(Base64.decode("T===") == nil)
        #expect(Base64.decode("TWF=") == nil)
    }

    @Test func `a runtime without a filter does not win by being faster`() {
        func choice(_ filter: RuntimeChoice.Filter, _ milliseconds: Double) -> RuntimeChoice {
            var choice = self.choice(filter: filter)
            choice.milliseconds = milliseconds
            return choice
        }
        let (fast, slow) = (choice(.none, 3), choice(.none, 9))
        let (filtered, translated) = (choice(.profile, 40), choice(.program([1]), 20))
        #expect(RuntimeProbe.best(of: [fast, filtered, translated]) == translated)
        #expect(RuntimeProbe.best(of: [slow, fast]) == fast)
        #expect(RuntimeProbe.best(of: []) == nil)
    }

    @Test func `a choice survives its file`() {
        for filter in [RuntimeChoice.Filter.none, .profile, .program([1, 2, 3])] {
            let value = choice(filter: filter)
            #expect(RuntimeChoice(json: value.json) == value)
        }
        #expect(RuntimeChoice(json: [:]) == nil)
    }

    @Test(arguments: [
        (
            #"{"msg":"executable file `x` not found in $PATH: No such file or directory","level":"error"}"#,
            StartFailure.Kind.commandNotFound
        ),
        (#"{"msg":"open executable: Permission denied","level":"error"}"#, .commandNotExecutable),
        (
            #"{"msg":"exec container process `/x`: Exec format error","level":"error"}"#,
            .commandNotExecutable
        ),
        (
            #"{"level":"error","msg":"runc run failed: unable to start container process: exec: \"x\": executable file not found in $PATH"}"#,
            .commandNotFound
        ),
        (
            #"{"level":"error","msg":"runc run failed: unable to start container process: exec: \"/etc\": permission denied"}"#,
            .commandNotExecutable
        ),
        (#"{"msg":"cannot stat `/r`: No such file or directory","level":"error"}"#, .runtime),
    ])
    func `the runtime's words tell why a command did not start`(
        _ line: String, _ kind: StartFailure.Kind
    ) throws {
        let warning = #"{"msg":"x","level":"warning"}"# + "\nplain text\n"
        #expect(StartFailure(log: Array(warning.utf8)) == nil)
        let failure = try #require(StartFailure(log: Array((warning + line + "\n").utf8)))
        #expect(failure.kind == kind)
    }
}
