import Dockerfile
import FileTree
import Foundation
import ImageSpec
import Layers
import LinuxIO
import Store
import Testing

@testable import Builder

@Suite("Build contexts")
struct ContextTests {
    private func fixture() throws -> BuildFixture {
        let fixture = try BuildFixture()
        try fixture.write("a.txt", "A")
        try fixture.write("dir/b", "B")
        return fixture
    }

    /// A tar of these files.
    private func tar(
        _ files: [(path: String, text: String)], owner: UInt32 = 0
    ) throws -> [UInt8] {
        var bytes: [UInt8] = []
        for file in files {
            let isDirectory = file.path.hasSuffix("/")
            let entry = TarEntry(
                path: Array(file.path.utf8), kind: isDirectory ? .directory : .regular,
                mode: isDirectory ? 0o750 : 0o640, uid: owner, gid: owner,
                sizeBytes: Int64(file.text.utf8.count), modified: TarTime(seconds: 42))
            bytes += try TarWriter.header(for: entry)
            bytes += Array(file.text.utf8)
            bytes += TarWriter.padding(after: Int64(file.text.utf8.count))
        }
        return bytes + TarWriter.endMarker
    }

    private func compressed(_ bytes: [UInt8], _ format: Compression) throws -> [UInt8] {
        final class Collector: ByteSink {
            var bytes: [UInt8] = []
            func write(_ span: Span<UInt8>) throws {
                for index in span.indices { bytes.append(span[index]) }
            }
        }
        let collector = Collector()
        var writer = try CompressingWriter(collector, settings: CompressionSettings(format))
        try writer.write(bytes.span)
        _ = try writer.finish()
        return collector.bytes
    }

    /// Builds with a stream as context.
    private func build(
        _ fixture: BuildFixture, stream bytes: [UInt8], _ dockerfile: DockerfileLocation
    ) throws -> BuildFixture.Outcome {
        try fixture.write("stream", bytes: bytes)
        let file = try OwnedDescriptor(opening: fixture.context + "/stream", .readOnly)
        return try fixture.build("", context: .stream(file.rawValue)) {
            $0.dockerfile = dockerfile
        }
    }

    @Test(
        "the Dockerfile is found in the context, by other names too",
        arguments: [
            ("Dockerfile", DockerfileLocation.inContext("Dockerfile")),
            ("dockerfile", .inContext("Dockerfile")), ("sub/x.df", .inContext("sub/x.df")),
        ])
    func dockerfiles(_ path: String, _ location: DockerfileLocation) throws {
        let fixture = try fixture()
        try fixture.write(path, "FROM scratch\nCOPY a.txt /")
        let built = try fixture.build("") { $0.dockerfile = location }
        #expect(try fixture.listing(built.tree) == ["/a.txt 644 0:0 A"])
    }

    @Test("a Dockerfile or a context that is not there says so")
    func missing() throws {
        let fixture = try fixture()
        let error = try fixture.failure("") { $0.dockerfile = .inContext("Dockerfile") }
        #expect(error.code == .invalidDockerfile)
        #expect(error.message == "there is no Dockerfile at \"Dockerfile\"")
        do {
            try fixture.build("FROM scratch", context: .directory(fixture.context + "/none"))
            Issue.record("the build did not fail")
        } catch let error as BuildError {
            #expect(error.code == .contextUnreadable)
            #expect(error.message.hasSuffix("/none\": No such file or directory"))
        }
    }

    @Test("the ignore file decides what COPY sees; the Dockerfile is read all the same")
    func ignore() throws {
        let fixture = try fixture()
        try fixture.write("Dockerfile", "FROM scratch\nCOPY . /")
        try fixture.write("node_modules/x/y", "1")
        try fixture.write("node_modules/keep/z", "2")
        try fixture.write(
            ".dockerignore", "Dockerfile\n.dockerignore\nnode_modules\n!node_modules/keep\ndir")
        let built = try fixture.build("") { $0.dockerfile = .inContext("Dockerfile") }
        #expect(
            try fixture.listing(built.tree) == [
                "/a.txt 644 0:0 A", "/node_modules/ 755 0:0", "/node_modules/keep/ 755 0:0",
                "/node_modules/keep/z 644 0:0 2",
            ])
    }

    @Test(
        "a Dockerfile that is a link is read inside the context, and never outside",
        arguments: [
            ("sub/real", true), ("../secret", false), ("/etc/passwd", false),
            ("sub/../../secret", false),
        ])
    func linkedDockerfile(_ target: String, _ isInside: Bool) throws {
        let fixture = try fixture()
        try fixture.write("sub/real", "FROM scratch\nLABEL a=b")
        try fixture.write("../secret", "FROM scratch\nLABEL secret=1")
        try fixture.link("Dockerfile", to: target)
        for location in [
            DockerfileLocation.inContext("Dockerfile"), .onHost(fixture.context + "/Dockerfile"),
        ] {
            if isInside {
                let built = try fixture.build("") { $0.dockerfile = location }
                #expect(built.config.config.labels == ["a": "b"])
            } else {
                let error = try fixture.failure("") { $0.dockerfile = location }
                #expect(error.code == .contextUnreadable)
                #expect(
                    error.message
                        == "\"Dockerfile\" is a symbolic link that leads out of the build context")
            }
        }
        // Who names a file outside gets it.
        let outside = try fixture.build("") {
            $0.dockerfile = .onHost(fixture.context + "/../secret")
        }
        #expect(outside.config.config.labels == ["secret": "1"])
    }

    @Test("a pipe called .dockerignore is refused, not waited for")
    func ignorePipe() throws {
        let fixture = try fixture()
        #expect(unsafe mkfifo(fixture.context + "/.dockerignore", 0o644) == 0)
        let error = try fixture.failure("FROM scratch")
        #expect(error.code == .contextUnreadable)
        #expect(error.message == "\".dockerignore\" of the build context is no regular file")
    }

    @Test(
        "a cancellation ends the wait for a stream that says nothing",
        arguments: [true, false])
    func silentStream(_ isContext: Bool) throws {
        let fixture = try fixture()
        let pipe = try ChildProcess.Pipe()
        let cancellation = Cancellation()
        var options = BuildOptions(dockerfile: .stream(pipe.reading.rawValue))
        var context = ContextLocation.directory(fixture.context)
        if isContext {
            options.dockerfile = .inContext("Dockerfile")
            context = .stream(pipe.reading.rawValue)
        }
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(50)) {
            cancellation.cancel()
        }
        let error = try #require(throws: BuildError.self) {
            try Builder(store: fixture.store, executor: fixture.executor).build(
                options, context: context, observer: QuietProgress(), cancellation: cancellation)
        }
        #expect(error.code == .cancelled)
    }

    @Test("a directory that became a link while it was looked at is not followed")
    func swappedDirectory() throws {
        let fixture = try fixture()
        try fixture.write("../outside/b", "secret")
        let reader = try HostFileReader(
            root: fixture.context, cache: StatCache(path: nil))
        let status = try FileStatus(ofPath: fixture.context + "/dir/b")
        try HostDirectory.rename(fixture.context + "/dir", to: fixture.context + "/gone")
        try fixture.link("dir", to: "../outside")
        let lease = try fixture.store.lease("test")
        defer { lease.end() }
        let ingest = try fixture.store.ingest(lease)
        let error = try #require(throws: BuildError.self) {
            try reader.read(Array("dir/b".utf8), status, into: ingest)
        }
        #expect(error.message.hasSuffix("changed while it was read"))
    }

    @Test("an ignore file of the Dockerfile's own goes first")
    func ownIgnoreFile() throws {
        let fixture = try fixture()
        try fixture.write("x.df", "FROM scratch\nCOPY . /")
        try fixture.write("x.df.dockerignore", "x.*\n.dockerignore\ndir")
        try fixture.write(".dockerignore", "a.txt")
        let built = try fixture.build("") { $0.dockerfile = .inContext("x.df") }
        #expect(try fixture.listing(built.tree) == ["/a.txt 644 0:0 A"])
    }

    @Test("an ignore file that is wrong is shown")
    func wrongIgnoreFile() throws {
        let fixture = try fixture()
        try fixture.write(".dockerignore", "ok\n!\n")
        let error = try fixture.failure("FROM scratch")
        #expect(error.rendered().hasPrefix(".dockerignore:2:1: illegal exclusion pattern: \"!\""))
    }

    @Test(
        "a tar in any compression is a context, with the tar's owners",
        arguments: [
            Compression.none, .gzip, .zstd,
        ])
    func archives(_ format: Compression) throws {
        let fixture = try BuildFixture()
        let bytes = try compressed(
            try tar(
                [
                    ("./", ""), ("./Dockerfile", "FROM scratch\nCOPY . /"), ("./d/", ""),
                    ("./d/f", "F"), ("./skip", "S"), ("./.dockerignore", "skip\nDockerfile\n.d*"),
                ], owner: 1000), format)
        let built = try build(fixture, stream: bytes, .inContext("Dockerfile"))
        #expect(try fixture.listing(built.tree) == ["/d/ 750 1000:1000", "/d/f 640 1000:1000 F"])
        #expect(
            try fixture.node("d/f", in: built.tree)?.attributes.modificationTime
                == NodeTime(seconds: 42))
    }

    @Test("a Dockerfile alone on a stream builds without context")
    func dockerfileStream() throws {
        let fixture = try BuildFixture()
        let built = try build(
            fixture, stream: Array("FROM scratch\nLABEL a=b".utf8), .inContext("Dockerfile"))
        #expect(built.config.config.labels == ["a": "b"])
        #expect(throws: BuildError.self) {
            try self.build(
                fixture, stream: Array("FROM scratch\nCOPY x /".utf8), .inContext("Dockerfile"))
        }
    }

    @Test("a cut tar is an error", arguments: [700, 1500])
    func cutArchive(_ count: Int) throws {
        let fixture = try BuildFixture()
        let bytes = try tar([("Dockerfile", "FROM scratch"), ("x", "y")])
        do {
            _ = try build(fixture, stream: Array(bytes.prefix(count)), .inContext("Dockerfile"))
            Issue.record("the build did not fail")
        } catch let error as BuildError {
            #expect(error.code == .contextUnreadable)
        }
    }

    @Test(
        "an archive beyond the limits is no context, and is not unpacked by ADD",
        arguments: ["ratio", "entries", "metadata", "none"])
    func bombs(_ limit: String) throws {
        var limits = ArchiveLimits()
        switch limit {
        case "ratio": limits.ratioGraceBytes = 1 << 20
        case "entries": limits.layerEntries = 1
        case "metadata": limits.layerMetadataBytes = 8
        default: break
        }
        let zeros = String(repeating: "\0", count: 16 << 20)
        let bytes = try tar([("zeros", zeros), ("empty", "")])
        let fixture = try BuildFixture()
        try fixture.write("bomb", bytes: try compressed(bytes, .zstd))
        let lease = try fixture.store.lease("test")
        let directories = PendingDirectories(base: fixture.store)
        let file = try OwnedDescriptor(opening: fixture.context + "/bomb", .readOnly)
        let context = Result {
            try TarContext.read(
                descriptor: file.rawValue, store: fixture.store, lease: lease,
                directories: directories, cancellation: Cancellation(), limits: limits)
        }
        let ingest = try fixture.store.ingest(lease)
        let archive = try ingest.insert(try compressed(bytes, .zstd))
        let added = Result {
            try ArchiveUnpacker(ingest: ingest, owner: nil, limits: limits).unpack(
                archive, of: fixture.store, into: .root,
                of: TreeEditor(base: .empty, directories: directories))
        }
        guard limit != "none" else {
            _ = try context.get()
            return try added.get()
        }
        let wrapped = #expect(throws: BuildError.self) { try context.get() }
        #expect(wrapped?.code == .contextUnreadable)
        #expect((wrapped?.cause as? LayerError)?.code == .tooLarge)
        let error = #expect(throws: LayerError.self) { try added.get() }
        #expect(error?.code == .tooLarge)
    }

    @Test(
        "ADD unpacks a tar of the context, into what is there",
        arguments: [
            Compression.none, .gzip, .zstd,
        ])
    func unpacking(_ format: Compression) throws {
        let fixture = try fixture()
        try fixture.makeImage(
            "base", files: ["d/old": "o", "d/f": "old", "real/": ""], links: ["l": "real"])
        try fixture.write(
            "x.tar",
            bytes: try compressed(
                try tar(
                    [("d/", ""), ("d/f", "F"), ("l/in", "I"), ("/up", "U"), ("new/x", "X")],
                    owner: 9), format))
        let built = try fixture.build("FROM base\nADD x.tar a.txt /")
        #expect(
            try fixture.listing(built.tree) == [
                "/a.txt 644 0:0 A", "/d/ 750 9:9", "/d/f 640 9:9 F", "/d/old 644 0:0 o",
                "/l 777 0:0 -> real", "/new/ 755 0:0", "/new/x 640 9:9 X", "/real/ 755 0:0",
                "/real/in 640 9:9 I", "/up 640 9:9 U",
            ])
    }

    @Test("links of and below an archive's directory do not lead out of it")
    func confinement() throws {
        let fixture = try BuildFixture()
        let link = TarEntry(
            path: Array("own".utf8), kind: .symbolicLink, linkTarget: Array("/etc".utf8),
            mode: 0o777)
        let header = try TarWriter.header(for: link)
        try fixture.write(
            "x.tar", bytes: header + (try tar([("own/a", "A"), ("theirs/b", "B"), ("up/c", "C")])))
        try fixture.makeImage(
            "base", files: ["to/real/": ""],
            links: ["to/theirs": "/real", "to/up": "../../real"])
        let built = try fixture.build("FROM base\nADD x.tar /to")
        #expect(
            try fixture.listing(built.tree) == [
                "/to/ 755 0:0", "/to/etc/ 755 0:0", "/to/etc/a 640 0:0 A",
                "/to/own 777 0:0 -> /etc", "/to/real/ 755 0:0", "/to/real/b 640 0:0 B",
                "/to/real/c 640 0:0 C", "/to/theirs 777 0:0 -> /real",
                "/to/up 777 0:0 -> ../../real",
            ])
    }

    @Test("a directory of an archive keeps a link to a directory; a link entry is about its file")
    func mergedDirectories() throws {
        let fixture = try BuildFixture()
        let link = TarEntry(
            path: Array("h".utf8), kind: .hardLink, linkTarget: Array("lib/f".utf8), mode: 0o600,
            uid: 7, gid: 7, modified: TarTime(seconds: 9))
        let files = try tar([("lib/", ""), ("lib/f", "F")])
        let header = try TarWriter.header(for: link)
        let bytes = Array(files.dropLast(TarWriter.endMarker.count)) + header
        try fixture.write("x.tar", bytes: bytes + TarWriter.endMarker)
        try fixture.makeImage("base", files: ["usr/lib/old": "o"], links: ["lib": "usr/lib"])
        let built = try fixture.build("FROM base\nADD --chmod=777 x.tar /")
        #expect(
            try fixture.listing(built.tree) == [
                "/h 600 7:7 F", "/lib 777 0:0 -> usr/lib", "/usr/ 755 0:0", "/usr/lib/ 750 0:0",
                "/usr/lib/f 600 7:7 F", "/usr/lib/old 644 0:0 o",
            ])
        #expect(try fixture.node("h", in: built.tree)?.hardLink?.count == 2)
    }

    @Test("an archive that points out of its directory is refused")
    func escape() throws {
        let fixture = try BuildFixture()
        try fixture.write("x.tar", bytes: try tar([("../up", "U")]))
        let error = try fixture.failure("FROM scratch\nADD x.tar /d/")
        #expect(
            error.message == "could not unpack \"../up\" of the archive: "
                + "\"../up\": the path leaves the root directory")
    }

    @Test("ADD of other things copies them; COPY unpacks nothing")
    func notUnpacking() throws {
        let fixture = try fixture()
        let archive = try tar([("f", "F")])
        try fixture.write("x.tar", bytes: archive)
        try fixture.write("x.gz", bytes: try compressed(Array("text".utf8), .gzip))
        let built = try fixture.build(
            "FROM scratch\nADD x.gz /gz\nADD dir /dir\nCOPY x.tar /tar\nADD --chown=3 x.tar /to")
        #expect(
            try fixture.listing(built.tree).filter { !$0.hasPrefix("/gz") && !$0.hasPrefix("/tar") }
                == [
                    "/dir/ 755 0:0", "/dir/b 644 0:0 B", "/to/ 755 3:3", "/to/f 640 3:3 F",
                ])
        #expect(try fixture.node("gz", in: built.tree)?.isDirectory == false)
        #expect(try fixture.node("tar", in: built.tree)?.isDirectory == false)
    }

    @Test("pipes of the context are copied, sockets become empty files")
    func specialFiles() throws {
        let fixture = try fixture()
        #expect(unsafe mkfifo(fixture.context + "/dir/pipe", 0o644) == 0)
        #expect(unsafe mknod(fixture.context + "/dir/socket", S_IFSOCK | 0o600, 0) == 0)
        #expect(unsafe chmod(fixture.context + "/dir/socket", 0o750) == 0)
        try fixture.setTime("dir/socket", 1_234_567_890)
        let text = "FROM scratch\nCOPY dir /\nCOPY dir/socket /x"
        let built = try fixture.build(text)
        #expect(
            try fixture.listing(built.tree) == [
                "/b 644 0:0 B", "/pipe 644 0:0 special", "/socket 750 0:0 \"\"", "/x 750 0:0 \"\"",
            ])
        let node = try #require(try fixture.node("x", in: built.tree))
        #expect(node.attributes.modificationTime.seconds == 1_234_567_890)
        #expect(try fixture.build(text).observer.outcomes == ["cached", "cached"])
        let other = try fixture.build("FROM scratch\nADD dir/so* /y/")
        #expect(try fixture.listing(other.tree) == ["/y/ 755 0:0", "/y/socket 750 0:0 \"\""])
    }

    @Test("a large context is read by several threads, to the same result")
    func many() throws {
        let fixture = try BuildFixture()
        for directory in 0..<40 {
            for file in 0..<10 {
                try fixture.write("t/\(directory)/\(file)", "\(directory) \(file)")
            }
        }
        let built = try fixture.build("FROM scratch\nCOPY t /")
        #expect(built.tree.directory.entryCount == 440)
        #expect(try fixture.node("39/9", in: built.tree) != nil)
        let again = try fixture.build("FROM scratch\nCOPY t /")
        #expect(again.result.image == built.result.image)
        #expect(again.observer.outcomes == ["cached"])
    }
}
