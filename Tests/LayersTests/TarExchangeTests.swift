import Foundation
import Testing

@testable import Layers

/// Archives of GNU tar, Python's tarfile and bsdtar, read by us; ours, read by them.
@Suite struct TarExchangeTests {
    static let long = String(repeating: "l", count: 150)
    static let deep = String(repeating: "d", count: 90) + "/" + String(repeating: "e", count: 90)

    /// A small tree with one of everything that needs no privilege.
    static let tree = """
        mkdir -p tree/sub \(deep); mv \(deep.prefix(90)) tree/
        printf hello > tree/hello; chmod 4711 tree/hello
        printf 'x%.0s' $(seq 1000) > tree/\(long)
        printf deep > tree/\(deep)/file
        ln -s hello tree/link; ln -s /\(long) tree/longlink
        ln tree/hello tree/sub/hard; mkfifo tree/fifo
        : > tree/empty; printf utf > "$(printf 'tree/\\303\\244')"; printf raw > "$(printf 'tree/\\377')"
        touch -d @1700000000.5 tree/hello; touch -d @-1.5 tree/empty
        chmod 1777 tree/sub
        """

    @Test(
        "GNU tar's archives are read in each of its formats",
        arguments: ["oldgnu", "gnu", "ustar", "pax", "posix", "v7"])
    func gnuTar(format: String) throws {
        try Self.withTree { directory in
            // v7 and ustar have no room for the longest names; tar says so and goes on.
            let archive = try Self.archive(
                "tar --create --file=- --format=\(format) --sort=name tree || test $? = 2",
                in: directory)
            try Self.checkTree(
                archive, nanoseconds: format == "pax" || format == "posix",
                longNames: format != "v7" && format != "ustar")
        }
    }

    @Test(
        "Python's archives are read in each of its formats",
        arguments: ["USTAR_FORMAT", "GNU_FORMAT", "PAX_FORMAT"])
    func python(format: String) throws {
        try Self.withTree { directory in
            let script = """
                import tarfile, sys, os
                out = tarfile.open("out.tar", "w", format=tarfile.\(format))
                for top, directories, files in os.walk("tree"):
                    for name in [""] + files:
                        try: out.add(os.path.join(top, name).rstrip("/"), recursive=False)
                        except ValueError: pass  # too long for ustar
                out.close()
                """
            try TarTool.run("python3", ["-c", script], in: directory)
            let archive = [UInt8](
                try Data(contentsOf: directory.appendingPathComponent("out.tar")))
            try Self.checkTree(
                archive, nanoseconds: format == "PAX_FORMAT", longNames: format != "USTAR_FORMAT")
        }
    }

    @Test(
        "bsdtar's archives are read in each of its formats",
        .enabled(if: TarTool.isInstalled("bsdtar")),
        arguments: ["pax", "gnutar", "ustar", "v7"])
    func bsdtar(format: String) throws {
        try Self.withTree { directory in
            let archive = try Self.archive(
                "bsdtar -c -f - --format=\(format) tree || test $? = 1", in: directory)
            try Self.checkTree(
                archive, nanoseconds: format == "pax",
                longNames: format != "v7" && format != "ustar", byLibarchive: true)
        }
    }

    @Test(
        "sparse files of GNU tar are read in each of its versions",
        arguments: [
            "--format=gnu", "--format=posix --sparse-version=0.0",
            "--format=posix --sparse-version=0.1", "--format=posix --sparse-version=1.0",
        ])
    func sparse(options: String) throws {
        try TarTool.withDirectory { directory in
            try TarTool.shell(
                """
                truncate -s 40M hole; truncate -s 40M islands
                for i in $(seq 0 39); do
                    printf "island $i" | dd of=islands bs=1 seek=$((i * 1048576)) conv=notrunc
                done
                """, in: directory)
            let archive = try Self.archive("tar -c --sparse \(options) hole islands", in: directory)
            let (recording, _) = try TarRecording.read(archive)
            #expect(recording.stream == archive)
            #expect(recording.entries.map(\.pathText) == ["hole", "islands"])
            for (entry, body) in zip(recording.entries, recording.bodies) {
                #expect(entry.sizeBytes == 40 << 20)
                #expect(Int64(body.count) == entry.storedSizeBytes)
                let file = directory.appendingPathComponent(entry.pathText)
                #expect(try Self.expand(entry, body) == [UInt8](Data(contentsOf: file)))
            }
            #expect(recording.bodies[1].count < 1 << 20)
        }
    }

    @Test func `GNU tar's extended attributes and ACLs are read`() throws {
        let archive = try TarTool.withDirectory { directory -> [UInt8]? in
            do {
                try TarTool.shell(
                    """
                    : > file; mkdir dir
                    setfattr -n user.plain -v value file
                    setfattr -n user.a=b%25 -v 0x00ff0a file
                    setfacl -m u:1234:r-x,g:77:rw- file; setfacl -d -m u:1234:rwx dir
                    """, in: directory)
            } catch is TarTool.Failure {
                // The tools or the file system's support are missing here.
                return nil
            }
            return try Self.archive(
                "tar -c --format=posix --numeric-owner --xattrs --xattrs-include='*' --acls file dir",
                in: directory)
        }
        guard let archive else { return }
        let (recording, _) = try TarRecording.read(archive)
        let file = recording.entries[0]
        #expect(file.attribute("user.plain") == Array("value".utf8))
        #expect(file.attribute("user.a=b%25") == [0, 0xFF, 0x0A])
        #expect(file.ignoredRecords == [])
        let access = try #require(file.attribute("system.posix_acl_access"))
        #expect(access.count == 4 + 6 * 8)
        #expect(Array(access[12..<20]) == [2, 0, 5, 0, 0xD2, 4, 0, 0])
        #expect(recording.entries[1].attribute("system.posix_acl_default")?.count == 4 + 5 * 8)
    }

    @Test func `our archives say to Python what they say to us`() throws {
        try Self.withVariety { archive, directory in
            let script = """
                import tarfile, os
                for m in tarfile.open("ours.tar", "r:"):
                    x = m.pax_headers
                    print(os.fsencode(m.name).hex(), m.type.decode(), oct(m.mode), m.uid, m.gid, m.size,
                          x.get("mtime", m.mtime), os.fsencode(m.linkname).hex(),
                          m.devmajor, m.devminor, sorted(k for k in x if "xattr" in k))
                """
            let printed = try TarTool.run("python3", ["-c", script], in: directory)
            let lines = String(decoding: printed, as: UTF8.self).split(separator: "\n")
                .map(String.init)
            #expect(lines == TarWriterTests.variety.map(Self.pythonLine))
        }
    }

    @Test func `our archives are listed as they are`() throws {
        try Self.withVariety { archive, directory in
            let options = ["--quoting-style=literal", "-tf", "ours.tar"]
            let listed = try TarTool.run("tar", options, in: directory)
            let expected: [UInt8] = TarWriterTests.variety.flatMap { entry in entry.path + [10] }
            #expect(listed == expected)
        }
    }

    @Test(
        "our archives are unpacked as they are", .enabled(if: geteuid() == 0),
        arguments: ["tar --xattrs", "bsdtar"])
    func unpacked(command: String) throws {
        let tool = String(command.prefix { $0 != " " })
        guard TarTool.isInstalled(tool) else { return }
        // bsdtar unpacks no name that is not UTF-8, and misreads fractions before 1970.
        let entries = TarWriterTests.variety.filter {
            tool == "tar" || $0.path[0] != 0xC3 && $0.modified.seconds >= 0
        }
        try Self.withVariety(entries) { archive, directory in
            let out = directory.appendingPathComponent("out")
            try FileManager.default.createDirectory(at: out, withIntermediateDirectories: true)
            try TarTool.shell("\(command) -xpf ../ours.tar", in: out)
            for entry in entries {
                var status = stat()
                let path = Array(out.path.utf8) + [0x2F] + entry.path + [0]
                let result = unsafe lstat(path.map { CChar(bitPattern: $0) }, &status)
                #expect(result == 0, "\(entry.pathText)")
                guard entry.kind != .hardLink else { continue }
                #expect(status.st_uid == entry.uid)
                #expect(status.st_gid == entry.gid)
                #expect(Int64(status.st_mtim.tv_sec) == entry.modified.seconds)
                #expect(UInt32(status.st_mtim.tv_nsec) == entry.modified.nanoseconds)
                guard entry.kind != .symbolicLink else { continue }
                #expect(UInt16(status.st_mode & 0o7777) == entry.mode)
                if entry.kind == .regular { #expect(Int64(status.st_size) == entry.sizeBytes) }
            }
        }
    }

    // MARK: The tree and what is expected of it

    private static func withTree(_ body: (URL) throws -> Void) throws {
        try TarTool.withDirectory { directory in
            try TarTool.shell(tree, in: directory)
            try body(directory)
        }
    }

    private static func archive(_ command: String, in directory: URL) throws -> [UInt8] {
        try TarTool.run("sh", ["-c", command], in: directory)
    }

    /// - Parameter byLibarchive: its writer spells one and a half seconds before 1970 "-2.5", which
    ///   its reader understands and POSIX does not.
    private static func checkTree(
        _ archive: [UInt8], nanoseconds: Bool, longNames: Bool, byLibarchive: Bool = false
    ) throws {
        let (recording, ending) = try TarRecording.read(archive)
        #expect(ending == .marker)
        #expect(recording.stream == archive)
        let members = zip(recording.entries, recording.bodies)
        func member(_ name: [UInt8]) -> (TarEntry, [UInt8])? {
            members.first { ($0.0.path.last == 0x2F ? $0.0.path.dropLast() : $0.0.path) == name }
        }
        func member(_ name: String) -> (TarEntry, [UInt8])? { member(Array(name.utf8)) }

        let files = [try #require(member("tree/hello")), try #require(member("tree/sub/hard"))]
        let (hello, text) = try #require(files.first { $0.0.kind == .regular })
        let (hard, _) = try #require(files.first { $0.0.kind == .hardLink })
        #expect(text == Array("hello".utf8))
        #expect(hard.linkTarget == hello.path)
        #expect(hello.mode == 0o4711)
        #expect(hello.uid == geteuid())
        #expect(hello.modified.seconds == 1_700_000_000)
        #expect(hello.modified.nanoseconds == (nanoseconds ? 500_000_000 : 0))
        #expect(member("tree/link")?.0.kind == .symbolicLink)
        #expect(member("tree/link")?.0.linkText == "hello")
        #expect(member("tree/sub")?.0.kind == .directory)
        #expect(member("tree/sub")?.0.mode == 0o1777)
        #expect(member("tree/ä")?.1 == Array("utf".utf8))
        #expect(member(Array("tree/".utf8) + [0xFF])?.1 == Array("raw".utf8))
        if longNames {
            #expect(member("tree/fifo")?.0.kind == .fifo)
        }
        if nanoseconds && !byLibarchive {
            #expect(
                member("tree/empty")?.0.modified == TarTime(seconds: -2, nanoseconds: 500_000_000))
        }
        if longNames {
            #expect(member("tree/\(long)")?.1 == [UInt8](repeating: 0x78, count: 1000))
            #expect(member("tree/\(deep)/file")?.1 == Array("deep".utf8))
            #expect(member("tree/longlink")?.0.linkText == "/\(long)")
        }
    }

    private static func expand(_ entry: TarEntry, _ body: [UInt8]) -> [UInt8] {
        var file = [UInt8](repeating: 0, count: Int(entry.sizeBytes))
        var position = 0
        for extent in entry.extents ?? [] {
            let end = position + Int(extent.sizeBytes)
            let start = Int(extent.offset)
            file.replaceSubrange(start..<(start + end - position), with: body[position..<end])
            position = end
        }
        return file
    }

    private static func withVariety(
        _ entries: [TarEntry] = TarWriterTests.variety, _ body: ([UInt8], URL) throws -> Void
    ) throws {
        var archive: [UInt8] = []
        for entry in entries {
            archive += try TarWriter.header(for: entry)
            archive += TarWriterTests.body(of: entry)
            archive += TarWriter.padding(after: entry.sizeBytes)
        }
        archive += TarWriter.endMarker
        try TarTool.withDirectory { directory in
            try Data(archive).write(to: directory.appendingPathComponent("ours.tar"))
            try body(archive, directory)
        }
    }

    private static func pythonLine(_ entry: TarEntry) -> String {
        func hex(_ bytes: [UInt8]) -> String {
            bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        let path = entry.path.last == 0x2F ? Array(entry.path.dropLast()) : entry.path
        let type =
            switch entry.kind {
            case .regular: "0"
            case .hardLink: "1"
            case .symbolicLink: "2"
            case .characterDevice: "3"
            case .blockDevice: "4"
            case .directory: "5"
            case .fifo: "6"
            case .unknown: "?"
            }
        let keys = entry.attributes.map { attribute in
            let name = AttributeText.escapeKeyword(attribute.name)
            return "'SCHILY.xattr.\(String(decoding: name, as: UTF8.self))'"
        }.map { $0.replacingOccurrences(of: "\u{7F}", with: "\\x7f") }
        let fields = [
            hex(path), type, "0o" + String(entry.mode, radix: 8), "\(entry.uid)", "\(entry.gid)",
            "\(entry.sizeBytes)", TarNumber.text(of: entry.modified), hex(entry.linkTarget),
            "\(entry.deviceMajor)", "\(entry.deviceMinor)", "[\(keys.joined(separator: ", "))]",
        ]
        return fields.joined(separator: " ")
    }
}
