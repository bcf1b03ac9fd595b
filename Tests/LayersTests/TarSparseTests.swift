import Testing

@testable import Layers

@Suite struct TarSparseTests {
    /// Extents of 10 bytes, one in each 100, and the hole after the last.
    static func extents(_ count: Int) -> [TarExtent] {
        (0..<count).map { TarExtent(offset: Int64($0) * 100 + 5, sizeBytes: 10) }
    }

    static func body(_ count: Int) -> [UInt8] {
        (0..<count * 10).map { UInt8(truncatingIfNeeded: $0 &+ 1) }
    }

    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
    }

    /// An old GNU sparse entry: four extents in the header, 21 in each block after it.
    static func gnuArchive(extents count: Int) -> [UInt8] {
        let map = extents(count)
        var archive = TarFixture.header(
            "sparse-gnu", type: "S", size: count * 10, magic: TarReaderTests.gnu
        ) { block in
            put(map.prefix(4), 386, &block)
            block[482] = count > 4 ? 1 : 0
            put(number: Int64(count) * 100, 483, &block)
        }
        var rest = map.dropFirst(4)
        while !rest.isEmpty {
            var block = [UInt8](repeating: 0, count: 512)
            put(rest.prefix(21), 0, &block)
            rest = rest.dropFirst(21)
            block[504] = rest.isEmpty ? 0 : 1
            archive += block
        }
        return archive + padded(body(count))
    }

    private static func put(_ extents: ArraySlice<TarExtent>, _ offset: Int, _ block: inout [UInt8])
    {
        for (index, extent) in extents.enumerated() {
            put(number: extent.offset, offset + index * 24, &block)
            put(number: extent.sizeBytes, offset + index * 24 + 12, &block)
        }
    }

    private static func put(number: Int64, _ offset: Int, _ block: inout [UInt8]) {
        for (index, byte) in TarFixture.octal(Int(number), 11).utf8.enumerated() {
            block[offset + index] = byte
        }
    }

    /// A sparse entry in one of GNU's three pax versions.
    static func paxArchive(version: String, extents count: Int) -> [UInt8] {
        let map = extents(count)
        let size = "\(count * 100)"
        var records: [(String, String)] = []
        var data = body(count)
        switch version {
        case "0.0":
            records = [("GNU.sparse.size", size), ("GNU.sparse.numblocks", "\(count)")]
            for extent in map {
                records.append(("GNU.sparse.offset", "\(extent.offset)"))
                records.append(("GNU.sparse.numbytes", "\(extent.sizeBytes)"))
            }
        case "0.1":
            let numbers = map.flatMap { ["\($0.offset)", "\($0.sizeBytes)"] }
            records = [
                ("GNU.sparse.size", size), ("GNU.sparse.numblocks", "\(count)"),
                ("GNU.sparse.name", "sparse-pax"),
                ("GNU.sparse.map", numbers.joined(separator: ",")),
            ]
        default:
            records = [
                ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"),
                ("GNU.sparse.name", "sparse-pax"), ("GNU.sparse.realsize", size),
            ]
            let numbers = [count] + map.flatMap { [Int($0.offset), Int($0.sizeBytes)] }
            data = padded(Array(numbers.map { "\($0)\n" }.joined().utf8)) + data
        }
        var fixture = TarFixture()
        fixture.addPax(records)
        fixture.add(version == "0.0" ? "sparse-pax" : "GNUSparseFile.1/sparse-pax", body: data)
        return fixture.bytes
    }

    @Test(arguments: [0, 1, 4, 5, 25, 26, 100])
    func `old GNU maps continue in blocks of their own`(count: Int) throws {
        try Self.check(Self.gnuArchive(extents: count), "sparse-gnu", count)
    }

    @Test(arguments: ["0.0", "0.1", "1.0"], [0, 1, 3, 200])
    func `pax maps are in records or in front of the data`(version: String, count: Int) throws {
        try Self.check(Self.paxArchive(version: version, extents: count), "sparse-pax", count)
    }

    private static func check(_ archive: [UInt8], _ name: String, _ count: Int) throws {
        let (recording, _) = try TarRecording.read(archive)
        let entry = try #require(recording.entries.first)
        #expect(entry.pathText == name)
        #expect(entry.kind == .regular)
        #expect(entry.extents == extents(count))
        #expect(entry.sizeBytes == Int64(count) * 100)
        #expect(entry.storedSizeBytes == Int64(count) * 10)
        #expect(recording.bodies == [body(count)])
        #expect(recording.stream == archive)
    }

    @Test(
        "maps that cannot be",
        arguments: [
            ("0,10,5,10", 100, 20, .invalidSparseMap),
            ("50,10,0,10", 100, 20, .invalidSparseMap),
            ("95,10", 100, 10, .invalidSparseMap),
            ("0,-10", 100, 0, .invalidSparseMap),
            ("-10,10", 100, 10, .invalidSparseMap),
            ("0,10", 100, 9, .invalidSparseMap),
            ("0,10", 100, 11, .invalidSparseMap),
            ("0,10,20", 100, 10, .invalidSparseMap),
            ("0,9223372036854775807,9223372036854775807,1", 100, 10, .invalidSparseMap),
            ("9223372036854775807,9223372036854775807", 100, 10, .invalidSparseMap),
            ("0,x", 100, 0, .invalidNumber),
            ("0,,", 100, 0, .invalidNumber),
        ] as [(String, Int, Int, TarError.Code)])
    func badMaps(map: String, size: Int, stored: Int, code: TarError.Code) {
        var fixture = TarFixture()
        fixture.addPax([("GNU.sparse.size", "\(size)"), ("GNU.sparse.map", map)])
        fixture.add("a", body: [UInt8](repeating: 1, count: stored))
        Self.expect(code, fixture.bytes)
    }

    @Test(
        "records that do not make a map",
        arguments: [
            ([("GNU.sparse.offset", "0"), ("GNU.sparse.offset", "0")], .invalidSparseMap),
            ([("GNU.sparse.numbytes", "0")], .invalidSparseMap),
            ([("GNU.sparse.offset", "0")], .invalidSparseMap),
            ([("GNU.sparse.numblocks", "2"), ("GNU.sparse.map", "0,0")], .invalidSparseMap),
            ([("GNU.sparse.numblocks", "2")], .invalidSparseMap),
            ([("GNU.sparse.major", "2"), ("GNU.sparse.minor", "0")], .unsupported),
            ([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "1")], .unsupported),
            ([("GNU.sparse.size", "-1")], .invalidNumber),
        ] as [([(String, String)], TarError.Code)])
    func badRecords(records: [(String, String)], code: TarError.Code) {
        var fixture = TarFixture()
        fixture.addPax(records)
        fixture.add("a")
        Self.expect(code, fixture.bytes)
    }

    @Test(
        "maps in front of the data that are none",
        arguments: [
            ("x\n", .invalidSparseMap), ("\n", .invalidSparseMap), ("-1\n", .invalidSparseMap),
            ("1\n0\n20\n", .invalidSparseMap), ("2\n0\n10\n", .invalidSparseMap),
            ("99999999999999999999\n", .invalidSparseMap),
            ("9999999999999999999\n", .invalidSparseMap),
            ("1048577\n", .limitExceeded),
        ] as [(String, TarError.Code)])
    func badData(map: String, code: TarError.Code) {
        var fixture = TarFixture()
        fixture.addPax([
            ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "100"),
        ])
        fixture.add("a", body: Self.padded(Array(map.utf8)) + [UInt8](repeating: 1, count: 10))
        Self.expect(code, fixture.bytes)
    }

    @Test func `a map longer than the data is refused`() {
        var fixture = TarFixture()
        fixture.addPax([
            ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "100"),
        ])
        fixture.add("a", body: Array("1\n0\n".utf8))
        Self.expect(.invalidSparseMap, fixture.bytes)
    }

    @Test func `only files are sparse`() {
        var fixture = TarFixture()
        fixture.addPax([("GNU.sparse.size", "0"), ("GNU.sparse.numblocks", "0")])
        fixture.add("d", type: "5")
        Self.expect(.invalidSparseMap, fixture.bytes)
    }

    @Test func `empty map blocks do not go on without end`() {
        var archive = Self.gnuArchive(extents: 5)
        let empty = [UInt8](repeating: 0, count: 504) + [1] + [UInt8](repeating: 0, count: 7)
        archive.replaceSubrange(512..<1024, with: empty + empty)
        Self.expect(.invalidSparseMap, archive)
    }

    @Test func `extents are limited`() {
        var limits = TarLimits()
        limits.sparseExtents = 25
        for archive in [
            Self.gnuArchive(extents: 26), Self.paxArchive(version: "0.0", extents: 26),
            Self.paxArchive(version: "0.1", extents: 26),
            Self.paxArchive(version: "1.0", extents: 26),
        ] {
            Self.expect(.limitExceeded, archive, TarReader(limits: limits))
        }
    }

    private static func expect(
        _ code: TarError.Code, _ archive: [UInt8], _ reader: TarReader = TarReader()
    ) {
        let archive = archive + [UInt8](repeating: 0, count: 1024)
        let error = #expect(throws: TarError.self) {
            try TarRecording.read(archive, reader: reader)
        }
        #expect(error?.code == code)
    }
}
