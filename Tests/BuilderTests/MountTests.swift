import Builder
import FileTree
import ImageSpec
import Sandbox
import Store
import Synchronization
import Testing

@Suite("RUN --mount")
struct MountTests {
    private func request(_ fixture: BuildFixture) throws -> StepRequest {
        try #require(fixture.executor.requests.withLock { $0 }.last)
    }

    /// What a mount that is a view shows.
    private func listing(_ mount: StepMount, _ fixture: BuildFixture) throws -> [String] {
        guard case .tree(let tree, let directories, _) = mount.source else { return [] }
        return try directories.directory(tree.directory.id).entries.map { "\($0.name)" }
    }

    @Test("a bind shows the context without what .dockerignore leaves out")
    func context() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        try fixture.write("a/f", "1")
        try fixture.write("a/secret", "2")
        try fixture.write(".dockerignore", "**/secret\n")
        try fixture.build("FROM base\nRUN --mount=target=/src --mount=source=a/f,target=/f,rw x")
        let mounts = try request(fixture).surroundings.mounts
        #expect(mounts.map(\.target) == ["/f", "/src"])
        #expect(mounts.map(\.isReadOnly) == [false, true])
        #expect(try listing(mounts[0], fixture) == ["f"])
        #expect(try listing(mounts[1], fixture) == [".dockerignore", "a"])
        let error = try fixture.failure("FROM base\nRUN --mount=source=a/secret,target=/f x")
        #expect(error.code == .sourceNotFound)
        #expect(error.message == "\"/a/secret\" is not in the build context")
        #expect(error.offendingText == "a/secret")
        #expect(
            error.hint == ".dockerignore leaves it out: \"**/secret\" on line 1")
    }

    @Test("the key changes when what is exposed changes, and for nothing else")
    func key() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        try fixture.write("used/f", "1")
        try fixture.write("other", "1")
        let file = "FROM base\nRUN --mount=source=used,target=/u x"
        func build(_ text: String? = nil) throws { try fixture.build(text ?? file) }
        func runs() -> Int { fixture.executor.commands.count }
        try build()
        #expect(runs() == 1)
        try fixture.write("other", "2")
        try fixture.setTime("used/f", 1_700_000_000)
        try build()
        #expect(runs() == 1)
        try fixture.write("used/f", "2")
        try build()
        #expect(runs() == 2)
        try fixture.write("used/f", "2", mode: 0o755)
        try build()
        #expect(runs() == 3)
        try build("FROM base\nRUN --mount=source=used,target=/v x")
        #expect(runs() == 4)
        // Another source with the same content is the same.
        try fixture.write("same/f", "2", mode: 0o755)
        try build("FROM base\nRUN --mount=source=same,target=/v x")
        #expect(runs() == 4)
    }

    @Test("a bind of a stage counts by what it exposes of it")
    func stage() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        func build(_ other: String, _ used: String) throws {
            try fixture.build(
                """
                FROM base AS one
                RUN write /d/used \(used) && write /other \(other)
                FROM base
                RUN --mount=from=one,source=/d,target=/d true
                """)
        }
        try build("1", "1")
        try build("2", "1")
        #expect(fixture.executor.commands.filter { $0 == "true" }.count == 1)
        try build("2", "2")
        #expect(fixture.executor.commands.filter { $0 == "true" }.count == 2)
        #expect(try request(fixture).surroundings.mounts.map(\.target) == ["/d"])
    }

    @Test("variables are filled in, and targets are relative to the working directory")
    func expansion() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        try fixture.build(
            """
            FROM base
            ARG where=sub/../cache
            WORKDIR /w
            RUN --mount=type=cache,target=$where,id=${where}-x --mount=type=tmpfs,size=1k x
            """)
        let mounts = try request(fixture).surroundings.mounts
        #expect(mounts.map(\.target) == ["/w", "/w/cache"])
        guard case .cache(let cache) = mounts[1].source else {
            Issue.record("no cache")
            return
        }
        #expect(cache.id == "sub/../cache-x")
        guard case .memory(let size) = mounts[0].source else {
            Issue.record("no tmpfs")
            return
        }
        #expect(size == 1024)
        let error = try fixture.failure("FROM base\nRUN --mount=type=cache,target=/a/.. x")
        #expect(error.code == .invalidDestination)
        #expect(error.message == "invalid mount target \"/a/..\"")
    }

    @Test("a cache's id is its clean target, and its content counts for nothing")
    func cache() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base", files: ["/seed/f": "1"])
        try fixture.build("FROM base\nRUN --mount=type=cache,target=/a//b/,sharing=locked x")
        guard case .cache(let cache) = try request(fixture).surroundings.mounts[0].source else {
            Issue.record("no cache")
            return
        }
        #expect(cache.id == "/a/b" && cache.sharing == .locked && cache.seed == nil)
        try fixture.build(
            "FROM base\nRUN --mount=type=cache,target=/c,from=base,source=seed,mode=0700,uid=3 x")
        guard case .cache(let seeded) = try request(fixture).surroundings.mounts[0].source else {
            Issue.record("no cache")
            return
        }
        #expect(seeded.seed?.tree.directory.entryCount == 1)
        #expect(seeded.permissions == 0o700 && seeded.userID == 3 && seeded.groupID == nil)
        let error = try fixture.failure(
            "FROM base\nRUN --mount=type=cache,target=/c,from=base,source=seed/f x")
        #expect(error.code == .sourceNotFound)
    }

    @Test("secrets reach the step, and neither the key nor the history")
    func secrets() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        let file = """
            FROM base
            RUN --mount=type=secret,id=a --mount=type=secret,id=b,target=/b,mode=0444,uid=7 \
            --mount=type=secret,id=a,env=TOKEN --mount=type=secret,id=c,env= \
            --mount=type=secret,id=none x
            """
        func build(_ value: String) throws -> BuildFixture.Outcome {
            try fixture.build(file) { options in
                options.run.secrets = ["a", "b", "c"].map {
                    SecretSource(id: $0, origin: .value(Array("\(value)-\($0)".utf8)))
                }
            }
        }
        let built = try build("first")
        let surroundings = try request(fixture).surroundings
        #expect(surroundings.secretEnvironment == ["TOKEN=first-a", "c=first-c"])
        #expect(surroundings.mounts.map(\.target) == ["/b", "/run/secrets/a"])
        let secrets = surroundings.mounts.compactMap { mount -> StepSecret? in
            if case .secret(let secret) = mount.source { secret } else { nil }
        }
        #expect(secrets.map(\.content) == [Array("first-b".utf8), Array("first-a".utf8)])
        #expect(secrets.map(\.permissions) == [0o444, 0o400])
        #expect(secrets.map(\.userID) == [7, 0])
        #expect(!built.history.joined().contains("first"))
        #expect(try fixture.store.cacheEntries().allSatisfy { !$0.inputs.contains("first") })
        #expect(try build("second").observer.outcomes == ["done", "cached"])
    }

    @Test("a required secret or agent that was not given is an error with a way out")
    func required() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        let secret = try fixture.failure("FROM base\nRUN --mount=type=secret,id=a,required x")
        #expect(secret.code == .sourceNotFound)
        #expect(secret.message == "secret a: not found")
        #expect(
            secret.hint == "give it with --secret id=a,src=FILE or --secret id=a,env=NAME")
        let agent = try fixture.failure("FROM base\nRUN --mount=type=ssh,required=true x")
        #expect(agent.message == "unset ssh forward key default")
        let gone = try fixture.failure("FROM base\nRUN --mount=type=secret,id=a x") {
            $0.run.secrets = [SecretSource(id: "a", origin: .file(path: "/nowhere/at/all"))]
        }
        #expect(gone.code == .sourceNotFound)
        let binary = try fixture.failure("FROM base\nRUN --mount=type=secret,id=a,env=A x") {
            $0.run.secrets = [SecretSource(id: "a", origin: .value([0xFF, 0]))]
        }
        #expect(binary.code == .invalidArgument)
        #expect(fixture.executor.commands.isEmpty)
    }

    @Test("agents get numbered sockets, and the first one its variable")
    func agents() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        func run(_ lines: String) throws -> StepRequest {
            try fixture.build("FROM base\n\(lines)") {
                $0.run.agents = [
                    AgentSource(id: "default", paths: ["/s"]), AgentSource(id: "k", paths: ["/k"]),
                ]
            }
            return try request(fixture)
        }
        let two = try run("RUN --mount=type=ssh --mount=type=ssh,id=k,uid=5 x")
        #expect(
            two.surroundings.mounts.map(\.target) == [
                "/run/buildkit/ssh_agent.0", "/run/buildkit/ssh_agent.1",
            ])
        #expect(two.environment.last == "SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0")
        let own = try run("ENV SSH_AUTH_SOCK=/mine\nRUN --mount=type=ssh,target=/a x")
        #expect(own.surroundings.mounts.map(\.target) == ["/a"])
        #expect(own.environment.last == "SSH_AUTH_SOCK=/mine")
    }

    @Test("an insecure step has to be allowed, and is another step than a secure one")
    func insecure() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        let file = "FROM base\nRUN --security=insecure x"
        #expect(try fixture.failure(file).message == "security.insecure is not allowed")
        try fixture.build(file) { $0.run.allowsInsecure = true }
        #expect(try request(fixture).surroundings.isPrivileged)
        try fixture.build("FROM base\nRUN x") { $0.run.allowsInsecure = true }
        #expect(fixture.executor.commands == ["x", "x"])
    }

    @Test("limits, memory and hosts reach the step and count, addresses of hosts do not")
    func limits() throws {
        let fixture = try BuildFixture()
        try fixture.makeImage("base")
        func build(_ text: String) throws {
            let limit = try ResourceLimitOption(parsing: "nofile=5:6")
            let host = try ExtraHost(parsing: text)
            try fixture.build("FROM base\nRUN x") {
                $0.run.resourceLimits = [limit]
                $0.run.sharedMemoryBytes = 1 << 20
                $0.run.extraHosts = [host]
            }
        }
        try build("a:1.2.3.4")
        try build("a:1.2.3.5")
        #expect(fixture.executor.commands.count == 1)
        try build("b:1.2.3.5")
        #expect(fixture.executor.commands.count == 2)
        let surroundings = try request(fixture).surroundings
        #expect(surroundings.resourceLimits.map(\.type) == ["RLIMIT_NOFILE"])
        #expect(surroundings.sharedMemoryBytes == 1 << 20)
        #expect(surroundings.extraHosts.map(\.name) == ["b"])
    }

    @Test(
        "limits are written as Docker writes them",
        arguments: [
            ("nofile=1:2", 1, 2), ("core=0", 0, 0), ("memlock=-1", .max, .max),
            ("cpu=1:-1", 1, .max),
        ] as [(String, UInt64, UInt64)])
    func limit(_ text: String, _ soft: UInt64, _ hard: UInt64) throws {
        let limit = try ResourceLimitOption(parsing: text)
        #expect(limit.soft == soft && limit.hard == hard)
    }

    @Test(
        "what is no limit is refused",
        arguments: ["nofile", "files=1", "nofile=2:1", "nofile=x", "nofile=1:2:3", "nofile=-2"])
    func wrongLimit(_ text: String) {
        let error = #expect(throws: BuildError.self) { try ResourceLimitOption(parsing: text) }
        #expect(error?.code == .invalidArgument)
    }

    @Test(
        "hosts",
        arguments: [
            ("a:1.2.3.4", "a", "1.2.3.4"), ("a=1.2.3.4", "a", "1.2.3.4"), ("b:::1", "b", "::1"),
            ("b=[fd00::1]", "b", "fd00::1"), ("h:host-gateway", "h", "127.0.0.1"),
        ])
    func host(_ text: String, _ name: String, _ address: String) throws {
        let host = try ExtraHost(parsing: text)
        #expect(host.name == name)
        #expect(host.address(on: .host) == address)
        if text.hasSuffix("gateway") { #expect(host.address(on: .isolated) == nil) }
    }

    @Test("what is no host is refused", arguments: ["a", ":1.2.3.4", "a:b", "a b:1.2.3.4", "a="])
    func wrongHost(_ text: String) {
        let error = #expect(throws: BuildError.self) { try ExtraHost(parsing: text) }
        #expect(error?.code == .invalidArgument)
    }
}
