import Testing

@testable import Layers

@Suite struct TarWriterTests {
    /// What fits ustar: no extension header.
    @Test func `a plain file is one ustar block`() throws {
        var entry = TarEntry(
            path: Array("etc/hostname".utf8), kind: .regular, mode: 0o644, uid: 1000, gid: 100,
            sizeBytes: 7, modified: TarTime(seconds: 1_700_000_000))
        entry.deviceMajor = 9
        let header = try TarWriter.header(for: entry)
        var expected = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ offset: Int) {
            for (index, byte) in text.utf8.enumerated() { expected[offset + index] = byte }
        }
        put("etc/hostname", 0)
        put("0000644\u{0}0001750\u{0}0000144\u{0}00000000007\u{0}14524770400\u{0}", 100)
        put("0", 156)
        put("ustar\u{0}00", 257)
        put("0000000\u{0}0000000\u{0}", 329)
        TarFixture.setChecksum(&expected)
        #expect(header == expected)
    }

    @Test(
        "pax records appear only for what ustar cannot say",
        arguments: [
            (TarWriterTests.entry { $0.path = Array("a".utf8) }, []),
            (TarWriterTests.entry { $0.path = TarWriterTests.long(100) }, []),
            (TarWriterTests.entry { $0.path = TarWriterTests.long(101) }, ["path"]),
            (
                TarWriterTests.entry {
                    $0.path = TarWriterTests.long(155) + [0x2F] + TarWriterTests.long(100)
                }, []
            ),
            (
                TarWriterTests.entry {
                    $0.path = TarWriterTests.long(156) + [0x2F] + TarWriterTests.long(100)
                }, ["path"]
            ),
            (TarWriterTests.entry { $0.path = Array("ä".utf8) }, ["path"]),
            (TarWriterTests.entry { $0.path = [0xFF, 0x61] }, ["path"]),
            (TarWriterTests.entry { $0.uid = 0o7777777 }, []),
            (TarWriterTests.entry { $0.uid = 0o10000000 }, ["uid"]),
            (TarWriterTests.entry { $0.gid = 4_000_000_000 }, ["gid"]),
            (TarWriterTests.entry { $0.sizeBytes = 8 << 30 }, ["size"]),
            (TarWriterTests.entry { $0.modified = TarTime(seconds: -1) }, ["mtime"]),
            (TarWriterTests.entry { $0.modified = TarTime(seconds: 8 << 30) }, ["mtime"]),
            (
                TarWriterTests.entry { $0.modified = TarTime(seconds: 1, nanoseconds: 1) },
                ["mtime"]
            ),
            (
                TarWriterTests.entry {
                    $0.attributes = [
                        TarAttribute(name: Array("user.b".utf8), value: [0, 10, 255]),
                        TarAttribute(name: Array("user.a=%3D".utf8), value: []),
                    ]
                    $0.path = TarWriterTests.long(60) + [0x2F] + TarWriterTests.long(60)
                    $0.uid = 1 << 31
                },
                ["SCHILY.xattr.user.a%3D%253D", "SCHILY.xattr.user.b", "path", "uid"]
            ),
        ] as [(TarEntry, [String])])
    func records(entry: TarEntry, keys: [String]) throws {
        let header = try TarWriter.header(for: entry)
        #expect(header.count % 512 == 0)
        guard !keys.isEmpty else {
            #expect(header.count == 512)
            return
        }
        #expect(header[156] == UInt8(ascii: "x"))
        let size = Int(try TarNumber.field(Array(header[124..<136])))
        var found: [String] = []
        try PaxRecord.forEach(in: header.span.extracting(512..<(512 + size))) { key, _ in
            found.append(String(decoding: [UInt8](copying: key), as: UTF8.self))
        }
        #expect(found == keys)
    }

    @Test func `an extension header is named after its entry`() throws {
        let entry = Self.entry { $0.path = Array("/a/ä/file".utf8) }
        let header = try TarWriter.header(for: entry)
        #expect(header.starts(with: Array("/a//PaxHeaders.0/file\u{0}".utf8)))
        #expect(header[1024...].starts(with: Array("/a//file\u{0}".utf8)))
    }

    @Test func `a record's length counts its own digits`() {
        for length in [1, 90, 93, 94, 95, 96, 990, 991, 992, 993, 994, 99990] {
            let value = [UInt8](repeating: 0x61, count: length)
            let record = TarFixture.record("path", value)
            let digits = record.prefix { $0 != 0x20 }
            #expect(String(decoding: digits, as: UTF8.self) == String(record.count))
        }
    }

    @Test(
        "what has no header is refused",
        arguments: [
            (TarWriterTests.entry { $0.path = [] }, .invalidName),
            (TarWriterTests.entry { $0.path = [0x61, 0] }, .invalidName),
            (
                TarWriterTests.entry {
                    $0.kind = .symbolicLink
                    $0.linkTarget = [0]
                }, .invalidName
            ),
            (TarWriterTests.entry { $0.kind = .unknown(90) }, .unsupported),
            (TarWriterTests.entry { $0.sizeBytes = -1 }, .invalidNumber),
            (
                TarWriterTests.entry { $0.attributes = [TarAttribute(name: [], value: [])] },
                .invalidName
            ),
        ] as [(TarEntry, TarError.Code)])
    func refusals(entry: TarEntry, code: TarError.Code) {
        let error = #expect(throws: TarError.self) { try TarWriter.header(for: entry) }
        #expect(error?.code == code)
        #expect(error?.entryPath == entry.path)
    }

    @Test func `what is written is read back`() throws {
        var archive: [UInt8] = []
        let entries = Self.variety
        for entry in entries {
            archive += try TarWriter.header(for: entry)
            archive += Self.body(of: entry)
            archive += TarWriter.padding(after: entry.sizeBytes)
        }
        archive += TarWriter.endMarker
        let (recording, ending) = try TarRecording.read(archive)
        #expect(ending == .marker)
        #expect(recording.entries == entries)
        #expect(recording.bodies == entries.map(Self.body))
        #expect(recording.stream == archive)
    }

    static func entry(_ change: (inout TarEntry) -> Void) -> TarEntry {
        var entry = TarEntry(path: Array("a".utf8), kind: .regular, mode: 0o644)
        change(&entry)
        return entry
    }

    static func long(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x62, count: count) }

    static func body(of entry: TarEntry) -> [UInt8] {
        (0..<Int(entry.sizeBytes)).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    }

    /// One of everything, with sizes around a block.
    static var variety: [TarEntry] {
        let time = TarTime(seconds: 1_700_000_000, nanoseconds: 123_456_789)
        var entries: [TarEntry] = [
            TarEntry(path: Array("dir/".utf8), kind: .directory, mode: 0o1777),
            TarEntry(path: Array("dir/link".utf8), kind: .symbolicLink, linkTarget: long(300)),
            TarEntry(
                path: Array("null".utf8), kind: .characterDevice, mode: 0o666, deviceMajor: 1,
                deviceMinor: 3),
            TarEntry(
                path: Array("disk".utf8), kind: .blockDevice, deviceMajor: 4095,
                deviceMinor: 1_048_575),
            TarEntry(path: Array("pipe".utf8), kind: .fifo, mode: 0o600),
            TarEntry(path: [0xC3, 0x28, 0x0A, 0x20], kind: .regular, mode: 0o4755, modified: time),
            TarEntry(
                path: long(100) + [0x2F] + long(100) + [0x2F], kind: .directory,
                modified: TarTime(seconds: -2, nanoseconds: 250_000_000)),
            TarEntry(
                path: Array("owned".utf8), kind: .regular, uid: 4_294_967_294, gid: 2_097_152,
                attributes: [
                    TarAttribute(
                        name: Array("security.capability".utf8),
                        value: [1, 0, 0, 2, 0, 4] + [UInt8](repeating: 0, count: 14)),
                    TarAttribute(name: Array("user.%25=\u{7F}".utf8), value: [10, 61, 0]),
                    TarAttribute(name: Array("user.empty".utf8), value: []),
                ]),
        ]
        for size in [0, 1, 511, 512, 513, 1024, 5000] as [Int64] {
            entries.append(
                TarEntry(
                    path: Array("size-\(size)".utf8), kind: .regular, mode: 0o644, sizeBytes: size))
        }
        entries.append(
            TarEntry(
                path: Array("hard".utf8), kind: .hardLink, linkTarget: Array("size-1".utf8)))
        return entries
    }
}
