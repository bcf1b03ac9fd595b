import Dockerfile
import Testing

@Suite("What a RUN --mount means")
struct RunMountTests {
    private func mount(_ text: String) throws -> RunMount {
        try RunMount(try MountOptions(parsing: text))
    }

    @Test("all options, and what they are by default")
    func options() throws {
        let bind = try mount("target=/t")
        #expect(bind.kind == .bind && bind.isReadOnly && bind.target == "/t")
        #expect(bind.from == nil && bind.source == "")
        let cache = try mount(
            "type=cache,id=go,destination=/g,sharing=LOCKED,mode=0700,uid=5,gid=6,from=a,src=/x")
        #expect(cache.kind == .cache && !cache.isReadOnly && cache.sharing == .locked)
        #expect(cache.id == "go" && cache.target == "/g" && cache.from == "a")
        #expect(cache.source == "/x" && cache.permissions == 0o700)
        #expect(cache.userID == 5 && cache.groupID == 6)
        #expect(try mount("type=cache,target=/c").sharing == .shared)
        #expect(try mount("type=cache,target=/c,ro").isReadOnly)
        #expect(try mount("type=tmpfs,target=/c,size=1.5k").sizeBytes == 1536)
        #expect(try mount("type=secret,id=a,env=").variable == "")
        #expect(try mount("type=secret,id=a,required").isRequired)
        #expect(try mount("type=ssh,required=false").isRequired == false)
    }

    @Test(
        "writing may be allowed and forbidden in several ways; the last one counts",
        arguments: [
            ("rw", false), ("readwrite=true", false), ("ro=0", false), ("rw,ro", true),
            ("readonly=T", true), ("rw=False", true),
        ])
    func access(_ option: String, _ isReadOnly: Bool) throws {
        #expect(try mount("target=/t,\(option)").isReadOnly == isReadOnly)
    }

    @Test(
        "what is wrong is told in BuildKit's words",
        arguments: [
            ("type=bin,target=/t", "unsupported mount type \"bin\"", "bin"),
            ("tipe=bind", "unexpected key 'tipe' in 'tipe=bind'", "tipe"),
            ("target", "invalid field 'target' must be a key=value pair", "target"),
            ("target=/t,ro=x", "invalid value for ro: x", "x"),
            ("target=/t,required", "unexpected key 'required' for mount type 'bind'", "required"),
            ("type=cache,target=/t,size=1", "unexpected key 'size' for mount type 'cache'", "size"),
            ("type=tmpfs,target=/t,size=1x", "invalid value for size: 1x", "1x"),
            ("type=cache,target=/t,mode=8", "invalid value 8 for mode", "8"),
            ("type=cache,target=/t,uid=root", "invalid value root for uid", "root"),
            ("target=/t,mode=0700", "mode not allowed for \"bind\" type mounts", "mode"),
            ("type=tmpfs,target=/t,gid=1", "gid not allowed for \"tmpfs\" type mounts", "gid"),
            ("target=/t,sharing=shared", "invalid cache sharing set for bind mount", "sharing"),
            ("type=cache,target=/t,sharing=x", "unsupported sharing value \"x\"", "x"),
            ("type=secret", "invalid secret mount. one of source, target required", "type=secret"),
            ("type=secret,id=a,source=b", "both source and id can't be set", "source"),
            ("type=secret,id=a,from=b", "secret mount should not have a from", "from"),
            ("type=ssh,source=b", "ssh does not support source", "source"),
        ])
    func errors(_ text: String, _ message: String, _ offending: String) {
        let error = #expect(throws: DockerfileError.self) { try mount(text) }
        #expect(error?.code == .invalidMount)
        #expect(error?.message == message)
        #expect(error?.offendingText == offending)
    }

    @Test(
        "a key that a mount does not have is told with the nearest of its type",
        arguments: [
            ("type=cache,target=/t,sharin=locked", "did you mean sharing?"),
            ("type=tmpfs,target=/t,sise=1", "did you mean size?"),
            ("type=secret,idd=a", "did you mean id?"),
            ("type=secret,requird", "did you mean required?"),
            ("tpye=cache,target=/t", "did you mean type?"),
            ("form=a,target=/t", "did you mean from?"),
            ("type=cache,target=/t,size=1", "mounts of type tmpfs have size"),
            ("type=cache,required", "mounts of type secret, ssh have required"),
            ("size=1,type=tmpfs", "type stands before size"),
            ("type=ssh,sharng=x", "did you mean sharing?"),
            ("type=bind,colour=x", nil),
        ] as [(String, String?)])
    func hints(_ text: String, _ hint: String?) {
        let error = #expect(throws: DockerfileError.self) { try mount(text) }
        #expect(error?.hint == hint)
        #expect(error?.expected?.hasPrefix("one of type, target") == true)
    }

    @Test("a mistake without variables is found where it stands before anything runs")
    func early() {
        let error = #expect(throws: DockerfileError.self) {
            try Dockerfile(parsing: Array("FROM a\nRUN --mount=type=cahce,target=/t x\n".utf8))
        }
        #expect(error?.code == .invalidMount)
        #expect(error?.range?.start.line == 2)
        #expect(error?.hint == "did you mean cache?")
        #expect(throws: Never.self) {
            try Dockerfile(parsing: Array("FROM a\nRUN --mount=type=$T,target=/t x\n".utf8))
        }
    }

    @Test(
        "sizes",
        arguments: [
            ("0", 0), ("512", 512), ("1b", 1), ("64m", 64 << 20), ("1 GiB", 1 << 30),
            ("1.5kb", 1536), ("2Ti", 2 << 40), ("", nil), ("m", nil), ("1.", nil), ("-1", nil),
            ("1mm", nil), ("99999999p", nil),
        ] as [(String, Int64?)])
    func sizes(_ text: String, _ bytes: Int64?) {
        #expect(ByteSize.parse(text) == bytes)
    }
}
