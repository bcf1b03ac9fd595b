import Store
import Testing

@testable import Commands

@Suite("Options of containers")
struct OptionParsingTests {
    private typealias Mount = ContainerSettings.ContainerMount

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : CleanedPath.absolute("/cwd/\(path)")
    }

    // MARK: - Volumes

    @Test(
        arguments: [
            ("/data", "anonymous", "/data", false, nil),
            ("/data/./x/", "anonymous", "/data/x", false, nil),
            ("name:/data", "volume name", "/data", false, nil),
            ("name:/data:ro", "volume name", "/data", true, nil),
            ("name:/data:z,rw", "volume name", "/data", false, nil),
            ("/h:/c", "bind /h", "/c", false, nil),
            ("/h:/c:ro,rslave", "bind /h", "/c", true, "rslave"),
            ("./h:/c", "bind /cwd/h", "/c", false, nil),
            (".:/c", "bind /cwd", "/c", false, nil),
            ("../h:/c", "bind /h", "/c", false, nil),
        ] as [(String, String, String, Bool, String?)])
    func `a volume is read as Docker reads it`(
        _ text: String, _ source: String, _ target: String, _ isReadOnly: Bool,
        _ propagation: String?
    ) throws {
        let mount = try VolumeOption(
            parsing: text, absolute: Self.absolute, newName: { "new" }
        ).mount
        #expect(Self.words(mount.source) == source)
        #expect(mount.target == target)
        #expect(mount.isReadOnly == isReadOnly)
        #expect(mount.propagation == propagation)
    }

    private static func words(_ source: ContainerSettings.ContainerMount.Source) -> String {
        switch source {
        case .bind(let path, _): "bind \(path)"
        case .volume(_, isAnonymous: true): "anonymous"
        case .volume(let name, _): "volume \(name)"
        case .memory(let size, let mode): "memory \(size ?? -1) \(mode ?? "-")"
        }
    }

    @Test(
        arguments: [
            ("", "invalid volume specification"), (":/x", "invalid volume specification"),
            ("data", "mount path must be absolute"), ("name:data", "must be absolute"),
            ("/x:/", "destination can't be '/'"), ("/x:ro", "a mode needs a source"),
            ("na/me:/x", "includes invalid characters"), ("a:/x", "two alphanumeric"),
            ("name:/x:rx", "invalid mode: rx"), ("name:/x:ro,rw", "two things at once"),
            ("name:/x:rslave", "paths of the host"), ("/h:/x:nocopy", "nocopy is for volumes"),
        ])
    func `what is no volume is refused`(_ text: String, _ reason: String) throws {
        let error = try #require(throws: OptionError.self) {
            try VolumeOption(parsing: text, absolute: Self.absolute)
        }
        #expect(error.reason.contains(reason), "\(error)")
    }

    // MARK: - Mounts

    @Test(
        arguments: [
            ("type=bind,source=/h,target=/c", "bind /h", "/c", false),
            ("type=bind,src=./h,dst=/c,ro", "bind /cwd/h", "/c", true),
            ("type=bind,src=/h,destination=/c,readonly=true", "bind /h", "/c", true),
            ("type=bind,src=/h,destination=/c,readonly=0", "bind /h", "/c", false),
            ("target=/c", "anonymous", "/c", false),
            ("type=volume,source=vol,target=/c,volume-nocopy", "volume vol", "/c", false),
            (
                "type=tmpfs,target=/c,tmpfs-size=1m,tmpfs-mode=0700", "memory 1048576 700", "/c",
                false
            ),
            ("TYPE=BIND,\"source=/a,b\",target=/c", "bind /a,b", "/c", false),
        ] as [(String, String, String, Bool)])
    func `a mount is read as Docker reads it`(
        _ text: String, _ source: String, _ target: String, _ isReadOnly: Bool
    ) throws {
        let mount = try MountOption(parsing: text, absolute: Self.absolute).mount
        #expect(Self.words(mount.source) == source)
        #expect(mount.target == target)
        #expect(mount.isReadOnly == isReadOnly)
    }

    @Test(
        arguments: [
            ("type=bind,sorce=/h,target=/c", "unexpected key 'sorce'", "source"),
            ("type=bnd,target=/c", "no type of mount", "bind"),
            ("type=bind,source=/h", "target is required", "target"),
            ("type=bind,target=/c", "source is required", "source"),
            ("type=bind,source=h,target=/c", "must be absolute", "./"),
            ("type=tmpfs,source=x,target=/c", "source must not be specified", ""),
            ("type=tmpfs,target=/c,volume-nocopy", "cannot mix 'volume-*'", ""),
            (
                "type=bind,source=/h,target=/c,bind-propagation=shred", "invalid propagation",
                "shared"
            ),
            ("type=volume,target=/c,volume-driver=nfs", "no volume driver", ""),
            ("type=bind,source=/h,target=/c,readonly=maybe", "invalid value for readonly", ""),
        ])
    func `what is no mount is refused with what would help`(
        _ text: String, _ reason: String, _ hint: String
    ) throws {
        let error = try #require(throws: OptionError.self) {
            try MountOption(parsing: text, absolute: Self.absolute)
        }
        #expect(error.reason.contains(reason), "\(error)")
        #expect(hint.isEmpty || error.hint?.contains(hint) == true, "\(error)")
    }

    @Test(
        arguments: [
            ("/run", "memory -1 -", []), ("/run:size=64m,mode=1777", "memory 67108864 1777", []),
            ("/run:rw,exec,size=50%", "memory -1 -", ["exec", "size=50%"]),
        ] as [(String, String, [String])])
    func `a directory in memory is read as Docker reads it`(
        _ text: String, _ source: String, _ options: [String]
    ) throws {
        let mount = try MemoryMountOption(parsing: text).mount
        #expect(Self.words(mount.source) == source)
        #expect(mount.options == options)
        #expect(throws: OptionError.self) { try MemoryMountOption(parsing: text + ":nope") }
    }

    // MARK: - Ports

    @Test(
        arguments: [
            ("80", ["*:0>80/tcp"]), ("8080:80", ["*:8080>80/tcp"]),
            ("8080:80/udp", ["*:8080>80/udp"]), ("8080:80/TCP", ["*:8080>80/tcp"]),
            ("127.0.0.1:8080:80", ["127.0.0.1:8080>80/tcp"]),
            ("127.0.0.1::80", ["127.0.0.1:0>80/tcp"]),
            ("[::1]:8080:80", ["::1:8080>80/tcp"]), ("::1:8080:80", ["::1:8080>80/tcp"]),
            ("0:80", ["*:0>80/tcp"]), ("8000-8001:80-81", ["*:8000>80/tcp", "*:8001>81/tcp"]),
            ("80-81", ["*:0>80/tcp", "*:0>81/tcp"]), ("8000-8005:80", ["*:8000-8005>80/tcp"]),
        ] as [(String, [String])])
    func `a port is read as Docker reads it`(_ text: String, _ expected: [String]) throws {
        let ports = try PortOption(parsing: text).ports.map { port in
            let last = port.lastHostPort.map { "-\($0)" } ?? ""
            return "\(port.hostAddress ?? "*"):\(port.hostPort)\(last)>\(port.containerPort)"
                + "/\(port.transport.rawValue)"
        }
        #expect(ports == expected)
    }

    @Test(
        arguments: [
            "", ":", "80:", "x", "80:x", "x:80", "70000", "80/icmp", "80/sctp", "1.2.3:80:80",
            "host:80:80", "8000-8002:80-81", "81-80", "-80", "+80", "8080:80:90/tcp/udp",
        ])
    func `what is no port is refused`(_ text: String) {
        #expect(throws: OptionError.self) { try PortOption(parsing: text) }
    }

    // MARK: - Others

    @Test(
        arguments: [
            ("no", .no, 0), ("always", .always, 0), ("unless-stopped", .unlessStopped, 0),
            ("on-failure", .onFailure, 0), ("on-failure:3", .onFailure, 3),
        ] as [(String, ContainerSettings.RestartPolicy.Kind, Int)])
    func `a restart policy is read`(
        _ text: String, _ kind: ContainerSettings.RestartPolicy.Kind, _ count: Int
    ) throws {
        #expect(
            try RestartOption(parsing: text).policy == .init(kind, maximumRetries: count))
    }

    @Test(arguments: ["", "alway", "always:3", "on-failure:x", "on-failure:-1", "no:1:2"])
    func `what is no restart policy is refused`(_ text: String) {
        #expect(throws: OptionError.self) { try RestartOption(parsing: text) }
    }

    @Test(
        arguments: [
            ("1.5", 1_500_000_000), ("0.01", 10_000_000), (".5", 500_000_000), ("2", 2_000_000_000),
            ("", nil), (".", nil), ("-1", nil), ("1.0000000001", nil), ("1e3", nil), ("1,5", nil),
        ] as [(String, Int64?)])
    func `a number of processors is exact`(_ text: String, _ expected: Int64?) {
        #expect(CPUCount.nanoCPUs(text) == expected)
    }

    @Test(
        arguments: [
            ("/dev/null", "/dev/null", "/dev/null", "rwm"),
            ("/dev/null:r", "/dev/null", "/dev/null", "r"),
            ("/dev/null:/dev/x", "/dev/null", "/dev/x", "rwm"),
            ("/dev/null:/dev/x:rw", "/dev/null", "/dev/x", "rw"),
        ])
    func `a device is read`(
        _ text: String, _ host: String, _ container: String, _ access: String
    ) throws {
        let device = try DeviceOption(parsing: text).device
        #expect(device.hostPath == host)
        #expect(device.containerPath == container)
        #expect(device.access == access)
    }

    @Test(arguments: ["", "null", "/dev/null:x", "/dev/null:/dev/x:rx", "/dev/null:/a:r:w", "/"])
    func `what is no device is refused`(_ text: String) {
        #expect(throws: OptionError.self) { try DeviceOption(parsing: text) }
    }

    @Test(arguments: [("0-2,7", true), ("0", true), ("", false), ("2-1", false), ("a", false)])
    func `a list of processors is told`(_ text: String, _ isOne: Bool) {
        #expect(ProcessorList.isValid(text) == isOne)
    }

    @Test(
        arguments: [
            ("net.core.somaxconn=1", true), ("kernel.shmmax=1", true),
            ("fs.mqueue.msg_max=1", true),
            ("kernel.panic=1", false), ("vm.swappiness=1", false), ("net.x", false),
            ("net/core=1", false), ("net...x=1", false),
        ])
    func `only parameters of namespaces are a container's`(_ text: String, _ isOne: Bool) {
        let parsed = try? KernelParameter.parse(text)
        #expect((parsed != nil) == isOne)
    }

    @Test func `a file of variables is read as Docker reads it`() throws {
        let text = "\u{FEFF}# c\n  A=1\r\n\nB=x y = z \nC\n#D=2\n"
        let file = try EnvironmentFile(
            parsing: Array(text.utf8), option: "--env-file", name: "f")
        #expect(file.variables == ["A=1", "B=x y = z ", "C"])
    }

    @Test(arguments: ["=x", "A B=1", "\u{0}=1", "A=\u{0}"])
    func `lines that name no variable are told by their number`(_ line: String) throws {
        let error = try #require(throws: OptionError.self) {
            try EnvironmentFile(
                parsing: Array("X=1\n\(line)\n".utf8), option: "--env-file", name: "f")
        }
        #expect(error.reason.contains("line 2"), "\(error)")
    }

    @Test func `bytes that are no text are refused`() {
        #expect(throws: OptionError.self) {
            try EnvironmentFile(parsing: [0x41, 0x3D, 0xFF], option: "--env-file", name: "f")
        }
    }
}
