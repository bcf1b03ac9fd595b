import Testing

@testable import ImageSpec

private let emptyLayer = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

/// As BuildKit writes it.
private let buildKitConfig =
    #"{"architecture":"amd64","config":{"ExposedPorts":{"53/udp":{},"80/tcp":{}},"#
    + #""Env":["PATH=/usr/bin:/bin","A=1"],"Entrypoint":["/entry"],"Cmd":["a","b"],"#
    + #""Volumes":{"/data":{}},"WorkingDir":"/w","Labels":{"a":"1","b":"2"},"#
    + #""StopSignal":"SIGINT","ArgsEscaped":true,"Healthcheck":{"Test":["CMD","true"],"#
    + #""Interval":30000000000,"Retries":3},"OnBuild":["RUN x"],"Shell":["/bin/bash","-c"]},"#
    + #""created":"2024-05-31T12:00:00.5Z","history":[{"created":"2024-05-31T12:00:00Z","#
    + #""created_by":"RUN a \u0026\u0026 b","comment":"buildkit.dockerfile.v0"},"#
    + #"{"created_by":"CMD [\"a\"]","empty_layer":true}],"moby.buildkit.buildinfo.v1":"x","#
    + #""os":"linux","rootfs":{"type":"layers","diff_ids":["\#(emptyLayer)"]},"variant":"v2"}"#

@Suite struct ImageConfigTests {
    @Test func `a config of BuildKit's is written back byte for byte`() throws {
        let config = try ImageConfig(bytes: Array(buildKitConfig.utf8))
        #expect(String(decoding: config.encoded, as: UTF8.self) == buildKitConfig)
        #expect(config.imageID == ImageID(Digest(of: Array(buildKitConfig.utf8))))
    }

    @Test func `every field has its value`() throws {
        let config = try ImageConfig(bytes: Array(buildKitConfig.utf8))
        #expect(config.platform.description == "linux/amd64/v2")
        #expect(config.config.exposedPorts == ["80/tcp", "53/udp"])
        #expect(config.config.environmentValue("A") == "1")
        #expect(config.config.environmentValue("B") == nil)
        #expect(config.config.entrypoint == ["/entry"])
        #expect(config.config.command == ["a", "b"])
        #expect(config.config.volumes == ["/data"])
        #expect(config.config.workingDirectory == "/w")
        #expect(config.config.labels == ["a": "1", "b": "2"])
        #expect(config.config.stopSignal == "SIGINT")
        #expect(config.config.healthCheck?.interval == .seconds(30))
        #expect(config.config.healthCheck?.retries == 3)
        #expect(config.config.onBuild == ["RUN x"])
        #expect(config.config.shell == ["/bin/bash", "-c"])
        #expect(config.diffIDs.map(\.description) == [emptyLayer])
        #expect(config.history.map(\.createdBy) == ["RUN a && b", #"CMD ["a"]"#])
        #expect(config.layerHistory.map { $0?.createdBy } == ["RUN a && b"])
        #expect(config.warnings.isEmpty)
    }

    @Test func `fields of Docker's builder survive a change`() throws {
        let text =
            #"{"architecture":"amd64","config":{"Hostname":"","Tty":false,"Image":"sha256:1"},"#
            + #""container":"c1","container_config":{"Cmd":["x"]},"docker_version":"20.10","id":"i","#
            + #""os":"linux","rootfs":{"type":"layers","diff_ids":["\#(emptyLayer)"]}}"#
        var config = try ImageConfig(bytes: Array(text.utf8))
        #expect(config.dockerVersion == "20.10")
        #expect(config.containerConfig?["Cmd"]?[0]?.stringValue == "x")
        config.config.setEnvironment("A", "1")
        config.author = "me"
        let changed = String(decoding: config.encoded, as: UTF8.self)
        #expect(
            changed
                == #"{"architecture":"amd64","author":"me","config":{"Env":["A=1"],"Hostname":"","#
                + #""Tty":false,"Image":"sha256:1"},"container":"c1","container_config":{"Cmd":["x"]},"#
                + #""docker_version":"20.10","id":"i","os":"linux","#
                + #""rootfs":{"type":"layers","diff_ids":["\#(emptyLayer)"]}}"#)
    }

    @Test func `an image from nothing has a fixed form`() {
        let config = ImageConfig(platform: Platform(os: "linux", architecture: "arm"))
        let expected =
            #"{"architecture":"arm","config":{},"os":"linux","#
            + #""rootfs":{"type":"layers","diff_ids":[]},"variant":"v7"}"#
        #expect(String(decoding: config.encoded, as: UTF8.self) == expected)
    }

    @Test func `a history that does not fit the layers is a warning`() throws {
        var config = try ImageConfig(bytes: Array(buildKitConfig.utf8))
        config.history.append(HistoryEntry(createdBy: "RUN c"))
        #expect(config.warnings.count == 1)
        config.history = []
        #expect(config.warnings.isEmpty)
        #expect(config.layerHistory == [nil])
    }

    @Test(
        arguments: [
            (#"[]"#, ImageSpecError.Code.wrongType, ""),
            (#"{}"#, .missingField, "rootfs"),
            (#"{"rootfs":[]}"#, .wrongType, "rootfs"),
            (#"{"rootfs":{"type":"zip"}}"#, .wrongType, "rootfs.type"),
            (#"{"rootfs":{"diff_ids":["sha256:1"]}}"#, .invalidDigest, "sha256:1"),
            (#"{"rootfs":{"diff_ids":["sha512:1"]}}"#, .unsupportedDigest, "sha512:1"),
            (#"{"rootfs":{"diff_ids":[7]}}"#, .wrongType, "rootfs.diff_ids[0]"),
            (#"{"rootfs":{},"config":{"Env":"x"}}"#, .wrongType, "config.Env"),
            (#"{"rootfs":{},"config":{"Env":["x",{}]}}"#, .wrongType, "config.Env[1]"),
            (#"{"rootfs":{},"config":{"Labels":{"a":1}}}"#, .wrongType, "config.Labels.a"),
            (
                #"{"rootfs":{},"config":{"Healthcheck":{"Interval":1.5}}}"#, .wrongType,
                "config.Healthcheck.Interval"
            ),
            (#"{"rootfs":{},"history":[{"created":"now"}]}"#, .invalidTimestamp, "now"),
            (#"{"rootfs":{},"os":5}"#, .wrongType, "os"),
        ] as [(String, ImageSpecError.Code, String)])
    func `a malformed config is refused with its place`(
        _ text: String, _ code: ImageSpecError.Code, _ subject: String
    ) throws {
        let error = try #require(throws: ImageSpecError.self) {
            try ImageConfig(bytes: Array(text.utf8))
        }
        #expect(error.code == code)
        #expect(error.subject == subject)
    }

    @Test func `nulls count as absent`() throws {
        let text =
            #"{"architecture":"amd64","config":{"Env":null,"Cmd":null,"Labels":null,"Volumes":null},"#
            + #""os":"linux","history":null,"rootfs":{"type":"layers","diff_ids":null}}"#
        let config = try ImageConfig(bytes: Array(text.utf8))
        #expect(config == ImageConfig(platform: Platform(os: "linux", architecture: "amd64")))
    }

    @Test(arguments: [
        (["A=1", "B=2"], ["B=3", "C=4"], ["A=1", "B=3", "C=4"]),
        (["A"], ["A=1"], ["A=1"]), (["A=1=2"], ["A=x=y"], ["A=x=y"]),
        ([], ["A=1", "A=2"], ["A=2"]),
    ])
    func `variables are set in their place`(
        _ base: [String], _ changes: [String], _ expected: [String]
    ) {
        #expect(ContainerConfig.merging(base, with: changes) == expected)
    }
}
