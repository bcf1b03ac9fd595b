import ImageSpec
import Testing

@testable import Sandbox

/// What containers have, and steps of builds do not.
@Suite struct ContainerSettingsSpecTests {
    private func spec(
        _ groups: RuntimeChoice.ControlGroups = .native,
        _ change: (inout ContainerRequest) -> Void
    ) -> RuntimeSpec {
        var request = ContainerRequest(
            id: "c1", rootfs: "/r", arguments: ["true"],
            nameFiles: .init(resolver: [1], hosts: nil, hostname: nil))
        change(&request)
        let choice = RuntimeChoice(
            kind: .runc, path: "/usr/bin/runc", version: "1", controlGroups: groups,
            needsPrivateCgroupMount: false, hasGroupNamespace: false, filter: .profile,
            milliseconds: 1, explanation: "")
        return ContainerSpec(request: request, choice: choice, bundlePath: "/b").document
    }

    @Test(
        arguments: [
            ([], [], 14), (["ALL"], [], 41), ([], ["all"], 0), (["ALL"], ["CAP_CHOWN"], 40),
            (["net_admin"], [], 15), ([], ["chown", "CAP_KILL"], 12), (["CHOWN"], ["ALL"], 1),
            (["chown"], ["chown"], 14),
        ] as [([String], [String], Int)])
    func `capabilities are summed up as Docker does it`(
        _ added: [String], _ dropped: [String], _ count: Int
    ) {
        #expect(Capability.sum(added: added, dropped: dropped).count == count)
    }

    @Test func `files of names are writable where they are kept`() {
        let kept = spec { $0.nameFiles.directory = "/k" }.mounts
            .first { $0.destination == "/etc/resolv.conf" }
        #expect(kept?.source == "/k/resolv.conf")
        #expect(kept?.options == ["rbind", "rprivate", "rw"])
    }

    @Test func `files of names are seen in what is mounted above them, if they can be`() {
        let covered = spec { request in
            request.nameFiles.directory = "/k"
            request.mounts = [.init(source: .host(path: "/tmp"), target: "/etc")]
        }.mounts.map(\.destination)
        #expect(covered.suffix(2) == ["/etc", "/etc/resolv.conf"])
        let missing = spec { request in
            request.nameFiles.directory = "/k"
            request.mounts = [
                .init(source: .host(path: "/none"), target: "/etc", isReadOnly: true)
            ]
        }.mounts.map(\.destination)
        #expect(missing.suffix(2) == ["/etc/resolv.conf", "/etc"])
    }

    @Test func `devices are nodes with a rule, or bound where nobody guards them`() {
        let device = ContainerRequest.Device(
            hostPath: "/dev/a", path: "/dev/b", access: "r", isBlock: true, major: 8, minor: 1)
        let guarded = spec { $0.devices = [device] }
        #expect(guarded.devices.map(\.path) == ["/dev/b"])
        #expect(
            guarded.resources.devices.last
                == .init(isAllowed: true, type: "b", major: 8, minor: 1, access: "r"))
        let bound = spec(.disabled) { $0.devices = [device] }
        #expect(bound.devices.isEmpty)
        let mount = bound.mounts.first { $0.destination == "/dev/b" }
        #expect(mount?.source == "/dev/a")
        #expect(mount?.options.contains("nodev") == false)
    }

    @Test func `namespaces of the host are not made`() {
        let spec = spec {
            ($0.processes, $0.interprocess, $0.names) = (.host, .host, .host)
            $0.sharedMemory = .host(path: "/dev/shm")
            $0.network = .joined(path: "/proc/7/ns/net")
        }
        #expect(spec.namespaces.map(\.kind) == [.mount, .network])
        #expect(spec.namespaces.last?.path == "/proc/7/ns/net")
        #expect(spec.hostname == nil)
        #expect(spec.mounts.contains { $0.destination == "/dev/shm" && $0.type == "bind" })
    }

    @Test func `namespaces of another container are joined`() {
        let spec = spec {
            $0.processes = .joined(path: "/proc/7/ns/pid")
            $0.interprocess = .joined(path: "/proc/7/ns/ipc")
            $0.sharedMemory = .host(path: "/w/shm-1")
        }
        #expect(spec.namespaces.map(\.kind) == [.pid, .mount, .ipc, .uts])
        #expect(
            spec.namespaces.map(\.path) == ["/proc/7/ns/pid", nil, "/proc/7/ns/ipc", nil])
        let memory = spec.mounts.first { $0.destination == "/dev/shm" }
        #expect(memory?.source == "/w/shm-1")
        #expect(memory?.options == ["rbind", "rprivate", "nosuid", "noexec", "nodev"])
        // The joined namespace's queues, not the host's.
        #expect(spec.mounts.contains { $0.destination == "/dev/mqueue" && $0.type == "mqueue" })
    }

    @Test func `a container may have no shared memory`() {
        let spec = spec { $0.sharedMemory = .none }
        #expect(!spec.mounts.contains { $0.destination == "/dev/shm" })
        #expect(spec.namespaces.contains { $0.kind == .ipc && $0.path == nil })
    }

    @Test func `limits, annotations and the group's place are the document's`() throws {
        let spec = spec {
            let device = RuntimeSpec.BlockLimits.Device(major: 8, minor: 1, figure: 5)
            $0.limits.blocks.weight = 10
            $0.limits.blocks.weights = [device]
            $0.limits.blocks.readBytes = [device]
            $0.limits.memorySwappiness = 0
            $0.limits.disablesMemoryKiller = true
            $0.limits.realtimeRuntimeMicroseconds = 3
            $0.deviceRules = [.init(isAllowed: true, type: "c", major: 9, access: "r")]
            $0.controlGroupParent = "/batch/night"
            $0.hasOwnControlGroups = true
            $0.memoryKillerScore = -7
            $0.annotations = ["a": "b"]
        }
        #expect(spec.cgroupsPath == "/batch/night/vitrine-c1")
        #expect(spec.namespaces.map(\.kind).contains(.cgroup))
        #expect(spec.resources.devices.last?.major == 9)
        let json = spec.json
        #expect(json["annotations"]?["a"]?.stringValue == "b")
        #expect(json["process"]?["oomScoreAdj"]?.integerValue == -7)
        let resources = json["linux"]?["resources"]
        #expect(resources?["memory"]?["swappiness"]?.integerValue == 0)
        #expect(resources?["memory"]?["disableOOMKiller"]?.boolValue == true)
        #expect(resources?["cpu"]?["realtimeRuntime"]?.integerValue == 3)
        let blocks = resources?["blockIO"]
        #expect(blocks?["weight"]?.integerValue == 10)
        #expect(blocks?["weightDevice"]?.arrayValue?.first?["weight"]?.integerValue == 5)
        #expect(blocks?["throttleReadBpsDevice"]?.arrayValue?.first?["rate"]?.integerValue == 5)
        #expect(blocks?["throttleWriteBpsDevice"] == nil)
    }

    @Test func `a relative group is below the usual one`() {
        #expect(self.spec { $0.controlGroupParent = "batch" }.cgroupsPath == "/batch/vitrine-c1")
        #expect(self.spec { _ in }.cgroupsPath == "/vitrine-c1")
    }

    @Test func `an init program runs the command`() {
        let spec = spec { $0.initProgram = "/usr/bin/catatonit" }
        #expect(spec.process.arguments == ["/sbin/docker-init", "--", "true"])
        #expect(spec.mounts.last?.source == "/usr/bin/catatonit")
    }

    @Test func `propagation reaches the root's mount`() {
        #expect(spec { _ in }.rootPropagation == nil)
        for (propagation, expected) in [("rshared", "shared"), ("rslave", "rslave")] {
            let spec = spec {
                var mount = ContainerRequest.Mount(source: .host(path: "/h"), target: "/m")
                mount.propagation = propagation
                mount.isRecursive = false
                $0.mounts = [mount]
            }
            #expect(spec.rootPropagation == expected)
            #expect(spec.mounts.last?.options == ["bind", propagation, "rw"])
        }
    }

    @Test func `the document says what was asked for`() throws {
        let json = spec {
            $0.hasNoNewPrivileges = true
            $0.kernelParameters = ["net.core.somaxconn": "9"]
            $0.limits.memoryReservationBytes = 4096
            $0.limits.memoryNodes = "0"
            $0.filter = .unconfined
            $0.showsSystemPaths = true
        }.json
        #expect(json["process"]?["noNewPrivileges"] == true)
        #expect(json["linux"]?["sysctl"]?["net.core.somaxconn"] == "9")
        #expect(json["linux"]?["resources"]?["memory"]?["reservation"] == 4096)
        #expect(json["linux"]?["resources"]?["cpu"]?["mems"] == "0")
        #expect(json["linux"]?["seccomp"] == nil)
        #expect(json["linux"]?["maskedPaths"] == nil)
    }

    // MARK: - Profiles

    private static let profile = """
        {"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1,
         "archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]}],
         "syscalls":[
          {"names":["read"],"action":"SCMP_ACT_ALLOW"},
          {"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]}},
          {"names":["clone"],"action":"SCMP_ACT_ALLOW","excludes":{"caps":["CAP_SYS_ADMIN"]},
           "args":[{"index":0,"value":2114060288,"op":"SCMP_CMP_MASKED_EQ"}]},
          {"names":["arm"],"action":"SCMP_ACT_ALLOW","includes":{"arches":["arm64"]}},
          {"name":"ptrace","action":"SCMP_ACT_ALLOW","includes":{"minKernel":"4.8"}}]}
        """

    @Test(
        arguments: [
            ([], "5.1", ["read", "clone", "ptrace"]), ([], "4.7", ["read", "clone"]),
            (["CAP_SYS_ADMIN"], "4.8", ["read", "mount", "ptrace"]),
        ] as [([String], String, [String])])
    func `of a profile the rules hold that are for this container`(
        _ capabilities: [String], _ kernel: String, _ expected: [String]
    ) throws {
        let document = try SeccompDocument(parsing: Array(Self.profile.utf8)).document(
            capabilities: capabilities, architecture: "amd64",
            kernel: try #require(SeccompDocument.KernelVersion(kernel)))
        let names = document["syscalls"]?.arrayValue?.compactMap { $0["names"]?[0]?.stringValue }
        #expect(names == expected)
        #expect(
            document["architectures"]?.arrayValue == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"])
    }

    @Test(
        arguments: [
            "", "[]", "{}", #"{"defaultAction":"ALLOW"}"#,
            #"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"name":"b","action":"SCMP_ACT_ALLOW"}]}"#,
            #"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"]}]}"#,
            #"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["a"],"archMap":[{}]}"#,
            #"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"SCMP_ACT_ALLOW","args":[{"index":0}]}]}"#,
        ])
    func `what is no profile is refused`(_ text: String) {
        #expect(throws: ImageSpecError.self) { try SeccompDocument(parsing: Array(text.utf8)) }
    }

    @Test func `a program with an interpreter is not taken for a static one`() {
        var head = [UInt8](repeating: 0, count: 256)
        head.replaceSubrange(0..<6, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
        (head[32], head[54], head[56], head[64]) = (64, 56, 1, 1)
        #expect(InitProgram.isStatic(head: head))
        head[64] = 3
        #expect(!InitProgram.isStatic(head: head))
        #expect(!InitProgram.isStatic(head: Array("#!/bin/sh".utf8)))
    }
}
