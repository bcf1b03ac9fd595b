import Testing

@testable import Layers

@Suite struct TarReaderTests {
    static let gnu = "ustar  \u{0}"

    // MARK: Formats

    @Test(
        "type flags",
        arguments: [
            ("0", "f", .regular), ("\u{0}", "f", .regular), ("7", "f", .regular),
            ("1", "f", .hardLink), ("2", "f", .symbolicLink), ("3", "f", .characterDevice),
            ("4", "f", .blockDevice), ("5", "f", .directory), ("6", "f", .fifo),
            ("\u{0}", "d/", .directory), ("0", "d/", .regular), ("Z", "f", .unknown(90)),
            ("D", "d/", .directory),
        ] as [(Character, String, TarEntry.Kind)])
    func kinds(flag: Character, name: String, kind: TarEntry.Kind) throws {
        let entry = try Self.onlyEntry { $0.add(name, type: flag) }
        #expect(entry.kind == kind)
        #expect(entry.pathText == name)
    }

    @Test func `a prefix belongs to ustar, and to star in its own length`() throws {
        func path(_ magic: String, star: Bool = false) throws -> String {
            try Self.onlyEntry { fixture in
                fixture.add("name", magic: magic) { block in
                    for (index, byte) in "pre/fix".utf8.enumerated() { block[345 + index] = byte }
                    if star {
                        for (index, byte) in "tar\0".utf8.enumerated() { block[508 + index] = byte }
                    }
                }
            }.pathText
        }
        #expect(try path("ustar\u{0}00") == "pre/fix/name")
        #expect(try path("ustar\u{0}00", star: true) == "pre/fix/name")
        #expect(try path("") == "name")
        // In GNU's layout times stand there; Go before 1.8 wrote prefixes all the same.
        #expect(try path(Self.gnu) == "pre/fix/name")
    }

    @Test func `GNU's times are no prefix`() throws {
        let entry = try Self.onlyEntry { fixture in
            fixture.add("name", magic: Self.gnu) { block in
                for (index, byte) in "14524770400\u{0}14524770400\u{0}".utf8.enumerated() {
                    block[345 + index] = byte
                }
            }
        }
        #expect(entry.pathText == "name")
    }

    @Test func `a name field that is full has no NUL`() throws {
        let name = String(repeating: "n", count: 100)
        let entry = try Self.onlyEntry { $0.add(name, type: "2", link: name) }
        #expect(entry.pathText == name)
        #expect(entry.linkText == name)
    }

    @Test func `a name ends at its first NUL`() throws {
        #expect(try Self.onlyEntry { $0.add("name\u{0}rest") }.pathText == "name")
        let long = try Self.onlyEntry { fixture in
            fixture.add("././@LongLink", type: "L", body: Array("long\0rest\0".utf8))
            fixture.add("short", magic: Self.gnu)
        }
        #expect(long.pathText == "long")
    }

    @Test(arguments: ["", "\u{0}"])
    func `GNU's long names come with a NUL or without`(end: String) throws {
        let name = String(repeating: "n", count: 300)
        let link = String(repeating: "k", count: 200)
        let entry = try Self.onlyEntry { fixture in
            fixture.add("././@LongLink", type: "K", body: Array((link + end).utf8), magic: Self.gnu)
            fixture.add("././@LongLink", type: "L", body: Array((name + end).utf8), magic: Self.gnu)
            fixture.add(String(name.prefix(100)), type: "2", link: "k", magic: Self.gnu)
        }
        #expect(entry.pathText == name)
        #expect(entry.linkText == link)
    }

    @Test func `checksums are summed unsigned, or signed as old tars did`() throws {
        var fixture = TarFixture()
        fixture.add("\u{E4}")
        var signed = fixture.bytes
        let sum = signed[..<512].enumerated().reduce(0) { sum, byte in
            (148..<156).contains(byte.offset) ? sum + 32 : sum + Int(Int8(bitPattern: byte.element))
        }
        for (index, byte) in (TarFixture.octal(sum, 6) + "\u{0} ").utf8.enumerated() {
            signed[148 + index] = byte
        }
        #expect(signed != fixture.bytes)
        #expect(
            try TarRecording.read(signed).0.entries == TarRecording.read(fixture.bytes).0.entries)
    }

    // MARK: pax

    @Test func `pax records override the header`() throws {
        let entry = try Self.onlyEntry { fixture in
            fixture.addPax([
                ("path", "päth/x"), ("size", "3"), ("uid", "4000000000"), ("gid", "-2"),
                ("mtime", "-1.25"), ("uname", "ignored"), ("hdrcharset", "BINARY"),
                ("comment", ""), ("linkpath", "nowhere"),
            ])
            fixture.bytes += TarFixture.header("short", size: 0)
            fixture.bytes += Array("abc".utf8) + [UInt8](repeating: 0, count: 509)
        }
        #expect(entry.pathText == "päth/x")
        #expect(entry.sizeBytes == 3)
        #expect(entry.uid == 4_000_000_000)
        #expect(entry.gid == 4_294_967_294)
        #expect(entry.modified == TarTime(seconds: -2, nanoseconds: 750_000_000))
        #expect(entry.linkTarget == [])
    }

    @Test func `an empty value keeps what the header says`() throws {
        let entry = try Self.onlyEntry { fixture in
            fixture.addPax([("path", "other"), ("path", ""), ("mtime", ""), ("size", "")])
            fixture.add("name")
        }
        #expect(entry.pathText == "name")
    }

    @Test func `a long name goes before pax's path, and the last of each before the others`() throws
    {
        let entry = try Self.onlyEntry { fixture in
            fixture.addPax([("path", "first"), ("uid", "7")])
            fixture.addPax([("path", "second")])
            fixture.add("././@LongLink", type: "L", body: Array("gnu".utf8))
            fixture.add("name")
        }
        #expect(entry.pathText == "gnu")
        #expect(entry.uid == 0)
    }

    @Test func `Solaris's X is read as pax`() throws {
        let entry = try Self.onlyEntry { fixture in
            fixture.add("x", type: "X", body: TarFixture.record("path", "sun"))
            fixture.add("name")
        }
        #expect(entry.pathText == "sun")
    }

    @Test func `global headers change entries only where that is asked for`() throws {
        var fixture = TarFixture()
        fixture.add(
            "g", type: "g",
            body: TarFixture.record("uid", "42") + TarFixture.record("mtime", "9.5")
                + TarFixture.record("comment", "0123abcd"))
        fixture.add("one")
        fixture.addPax([("uid", "43")])
        fixture.add("two")
        fixture.addPax([("uid", "")])
        fixture.add("three")
        fixture.addEnd()
        let ignored = try TarRecording.read(fixture.bytes).0.entries
        #expect(ignored.map(\.uid) == [0, 43, 0])
        #expect(ignored[0].modified == TarTime(seconds: 0))
        let applied = try TarRecording.read(
            fixture.bytes, reader: TarReader(globalHeaders: .applied)
        ).0.entries
        #expect(applied.map(\.uid) == [42, 43, 0])
        #expect(applied.map(\.modified.seconds) == [9, 9, 9])
    }

    @Test func `extended attributes come in both spellings, sorted and once each`() throws {
        let entry = try Self.onlyEntry { fixture in
            fixture.addPax([
                ("SCHILY.xattr.user.z", "1\n=2"),
                ("LIBARCHIVE.xattr.user.%c3%A4%3D", "AAECAwQ"),
                ("SCHILY.xattr.user.a%3Db%25c%41", ""),
                ("SCHILY.xattr.user.z", "last"),
                ("LIBARCHIVE.xattr.user.padded", "AAE="),
            ])
            fixture.add("name")
        }
        #expect(
            entry.attributes.map { String(decoding: $0.name, as: UTF8.self) } == [
                "user.a=b%c%41", "user.padded", "user.z", "user.ä=",
            ])
        #expect(entry.attribute("user.z") == Array("last".utf8))
        #expect(entry.attribute("user.ä=") == [0, 1, 2, 3, 4])
        #expect(entry.attribute("user.padded") == [0, 1])
        #expect(entry.attribute("user.a=b%c%41") == [])
    }

    // MARK: Bodies

    @Test func `kinds that are only headers have no body, whatever size they state`() throws {
        var fixture = TarFixture()
        for flag in ["1", "2", "3", "4", "5", "6"] as [Character] {
            fixture.bytes += TarFixture.header("h", type: flag, size: 1000)
        }
        fixture.add("body", body: [1, 2, 3])
        fixture.add("odd", type: "Z", body: [4])
        fixture.addEnd()
        let (recording, ending) = try TarRecording.read(fixture.bytes)
        #expect(recording.bodies == [[], [], [], [], [], [], [1, 2, 3], [4]])
        #expect(recording.entries.map(\.sizeBytes) == [0, 0, 0, 0, 0, 0, 3, 1])
        #expect(ending == .marker)
    }

    @Test func `dumpdirs, labels and Solaris's ACLs are literal`() throws {
        var fixture = TarFixture()
        fixture.add("label", type: "V")
        fixture.add("dir/", type: "D", body: Array("Yname\0\0".utf8), magic: Self.gnu)
        fixture.add("acl", type: "A", body: [UInt8](repeating: 1, count: 600))
        fixture.add("file", body: [9])
        fixture.addEnd()
        let (recording, _) = try TarRecording.read(fixture.bytes)
        #expect(recording.entries.map(\.pathText) == ["dir/", "file"])
        #expect(recording.entries.map(\.kind) == [.directory, .regular])
        #expect(recording.bodies == [[], [9]])
        #expect(recording.stream == fixture.bytes)
    }

    @Test func `events come in the stream's order`() throws {
        var fixture = TarFixture()
        fixture.add("a", body: [1, 2])
        fixture.add("b")
        fixture.addEnd()
        let (recording, _) = try TarRecording.read(fixture.bytes)
        let bytes = fixture.bytes
        let (first, second) = (recording.entries[0], recording.entries[1])
        #expect(
            recording.events == [
                .literal(Array(bytes[..<512])), .begin(first), .body([1, 2]), .end,
                .literal(Array(bytes[514..<1536])), .begin(second), .end,
                .literal(Array(bytes[1536...])),
            ])
    }

    // MARK: Ends

    @Test(
        "ends of an archive",
        arguments: [
            (0, .noMarker), (512, .singleZeroBlock), (1024, .marker), (10240, .marker),
            (1025, .marker),
        ] as [(Int, TarReader.Ending)])
    func endings(zeros: Int, ending: TarReader.Ending) throws {
        var fixture = TarFixture()
        fixture.add("a", body: [1])
        let archive = fixture.bytes + [UInt8](repeating: 0, count: zeros)
        let (recording, found) = try TarRecording.read(archive)
        #expect(found == ending)
        #expect(recording.stream == archive)
        #expect(try TarRecording.read([UInt8](repeating: 0, count: zeros)).1 == ending)
    }

    @Test func `what follows the end marker is kept, within its limit`() throws {
        var fixture = TarFixture()
        fixture.addEnd()
        let archive = fixture.bytes + [UInt8](repeating: 0x55, count: 3000)
        #expect(try TarRecording.read(archive).0.stream == archive)
        var limits = TarLimits()
        limits.trailingBytes = 2999
        let error = #expect(throws: TarError.self) {
            try TarRecording.read(archive, reader: TarReader(limits: limits))
        }
        #expect(error?.code == .limitExceeded)
    }

    @Test func `an error repeats`() throws {
        var reader = TarReader()
        var recording = TarRecording()
        let junk = [UInt8](repeating: 1, count: 512)
        let first = #expect(throws: TarError.self) {
            try reader.feed(junk.span, to: &recording)
        }
        let second = #expect(throws: TarError.self) { try reader.finish() }
        #expect(first == second)
        #expect(first?.code == .invalidHeader)
    }

    static func onlyEntry(_ build: (inout TarFixture) -> Void) throws -> TarEntry {
        var fixture = TarFixture()
        build(&fixture)
        fixture.addEnd()
        let (recording, ending) = try TarRecording.read(fixture.bytes)
        #expect(ending == .marker)
        #expect(recording.stream == fixture.bytes)
        return try #require(recording.entries.count == 1 ? recording.entries.first : nil)
    }
}

extension TarFixture {
    mutating func addPax(_ records: [(String, String)]) {
        add("PaxHeaders/x", type: "x", body: records.flatMap { Self.record($0.0, $0.1) })
    }
}
