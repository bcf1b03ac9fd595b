import Testing

@testable import Layers

/// Archives that lie, break off or were made to hurt: always an error, never a trap.
@Suite struct TarHostileTests {
    typealias Build = @Sendable (inout TarFixture) -> Void

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: TarError.Code
        let build: Build

        init(_ description: String, _ code: TarError.Code, _ build: @escaping Build) {
            testDescription = description
            self.code = code
            self.build = build
        }
    }

    static let refused: [Case] = [
        Case("a wrong checksum", .invalidHeader) { fixture in
            fixture.add("a")
            fixture.bytes[0] ^= 1
        },
        Case("an entry after a lone zero block", .invalidHeader) { fixture in
            fixture.bytes += [UInt8](repeating: 0, count: 512)
            fixture.add("a")
        },
        Case("an extension header before the end marker", .invalidHeader) { fixture in
            fixture.addPax([("path", "x")])
        },
        Case("a negative size", .invalidNumber) { fixture in
            fixture.add("a") { block in for index in 124..<136 { block[index] = 0xFF } }
        },
        Case("a size that is no number", .invalidNumber) { fixture in
            fixture.add("a") { $0[124] = 0x39 }
        },
        Case("a size beyond 64 bits", .invalidNumber) { fixture in
            fixture.add("a") { block in
                for index in 125..<136 { block[index] = 0xFF }
                block[124] = 0xBF
            }
        },
        Case("user -1", .invalidNumber) { $0.addPax([("uid", "-1")]) },
        Case("user 2^32", .invalidNumber) { $0.addPax([("uid", "4294967296")]) },
        Case("a negative pax size", .invalidNumber) { $0.addPax([("size", "-1")]) },
        Case("a pax size beyond 64 bits", .invalidNumber) {
            $0.addPax([("size", "9223372036854775808")])
        },
        Case("a device number beyond 32 bits", .invalidNumber) { fixture in
            fixture.add("a", type: "3") { block in
                block[329] = 0x80
                block[331] = 1
            }
        },
        Case("a pax path with a NUL", .invalidName) { $0.addPax([("path", "a\u{0}b")]) },
        Case("a pax record without length", .invalidRecord) {
            $0.add("x", type: "x", body: Array("path=a\n".utf8))
        },
        Case("a pax record longer than the header", .invalidRecord) {
            $0.add("x", type: "x", body: Array("99 path=a\n".utf8))
        },
        Case("a pax record with an endless length", .invalidRecord) {
            $0.add("x", type: "x", body: Array("99999999999999999999999 path=a\n".utf8))
        },
        Case("a pax record without newline", .invalidRecord) {
            $0.add("x", type: "x", body: Array("9 path=a ".utf8))
        },
        Case("a pax record without key", .invalidRecord) {
            $0.add("x", type: "x", body: Array("6 =ab\n".utf8))
        },
        Case("a pax record of nothing", .invalidRecord) {
            $0.add("x", type: "x", body: Array("4 a\n".utf8))
        },
        Case("NULs behind pax records", .invalidRecord) {
            $0.add("x", type: "x", body: TarFixture.record("path", "a") + [0, 0])
        },
        Case("an attribute without name", .invalidRecord) { $0.addPax([("SCHILY.xattr.", "v")]) },
        Case("an attribute that is no base64", .invalidRecord) {
            $0.addPax([("LIBARCHIVE.xattr.user.a", "A*AA")])
        },
        Case("an attribute cut in its base64", .invalidRecord) {
            $0.addPax([("LIBARCHIVE.xattr.user.a", "AAAAA")])
        },
        Case("a multi-volume continuation", .unsupported) { $0.add("a", type: "M") },
        Case("a multi-volume continuation in pax", .unsupported) {
            $0.addPax([("GNU.volume.offset", "100")])
        },
        Case("a table of old long names", .unsupported) { $0.add("a", type: "N") },
        Case("a pax header of 9 MiB", .limitExceeded) {
            $0.bytes += TarFixture.header("x", type: "x", size: 9 << 20)
        },
        Case("a long name of 9 MiB", .limitExceeded) {
            $0.bytes += TarFixture.header("x", type: "L", size: 9 << 20)
        },
        Case("a pax path of 64 KiB and a byte", .limitExceeded) {
            $0.addPax([("path", String(repeating: "n", count: 65_537))])
        },
        Case("an attribute of 64 KiB and a byte", .limitExceeded) {
            $0.addPax([("SCHILY.xattr.user.a", String(repeating: "n", count: 65_537))])
        },
        Case("an attribute name of 256 bytes", .limitExceeded) {
            $0.addPax([("SCHILY.xattr." + String(repeating: "n", count: 256), "v")])
        },
        Case("more attributes than listxattr gives", .limitExceeded) {
            $0.addPax((0..<7_000).map { ("SCHILY.xattr.user.\($0)", "") })
        },
        Case("more extension headers than an entry needs", .limitExceeded) { fixture in
            for _ in 0...64 { fixture.addPax([]) }
        },
        Case("a dumpdir of 65 MiB", .limitExceeded) {
            $0.bytes += TarFixture.header("d", type: "D", size: 65 << 20)
        },
        Case("a label of 7 GiB", .limitExceeded) {
            $0.bytes += TarFixture.header("v", type: "V", size: 7 << 30)
        },
    ]

    @Test("what is refused, and as what", arguments: refused)
    func refusal(_ archive: Case) {
        var fixture = TarFixture()
        archive.build(&fixture)
        fixture.addEnd()
        let bytes = fixture.bytes
        let whole = #expect(throws: TarError.self) { try TarRecording.read(bytes) }
        #expect(whole?.code == archive.code)
        #expect(whole?.byteOffset != nil)
        let pieces = #expect(throws: TarError.self) {
            try TarRecording.read(bytes, chunkBytes: 1000)
        }
        #expect(pieces == whole)
    }

    @Test func `sizes near the end of 64 bits are read as far as the stream goes`() {
        for type in ["0", "S"] as [Character] {
            var fixture = TarFixture()
            fixture.add("a", type: type, magic: TarReaderTests.gnu) { block in
                block.replaceSubrange(124..<129, with: [0x80, 0, 0, 0, 0x7F])
                for index in 129..<136 { block[index] = 0xFF }
                if type == "S" {
                    block[386] = 0x80
                    block.replaceSubrange(398..<410, with: block[124..<136])
                    block.replaceSubrange(483..<495, with: block[124..<136])
                }
            }
            fixture.bytes += [UInt8](repeating: 1, count: 4096)
            let bytes = fixture.bytes
            let error = #expect(throws: TarError.self) { try TarRecording.read(bytes) }
            #expect(error?.code == .truncated)
            #expect(error?.byteOffset == 4608)
        }
    }

    @Test func `a cut anywhere is told`() throws {
        let (archive, boundaries) = try Self.smallArchive()
        var reader = TarReader()
        var recording = TarRecording()
        for cut in 0..<archive.count {
            // The reader is a value: its copy can be told that the stream ends here.
            var ended = reader
            if let ending = boundaries[cut] {
                #expect(try ended.finish() == ending, "cut at \(cut)")
            } else {
                let error = #expect(throws: TarError.self) { try ended.finish() }
                #expect(error?.code == .truncated)
                #expect(error?.byteOffset == Int64(cut))
            }
            try reader.feed(archive.span.extracting(cut..<(cut + 1)), to: &recording)
        }
        #expect(try reader.finish() == .marker)
    }

    @Test(arguments: [1, 2, 3, 7, 511, 512, 513, 1000, 4096])
    func `how the stream is cut into pieces makes no difference`(chunkBytes: Int) throws {
        let (archive, _) = try Self.smallArchive()
        let whole = try TarRecording.read(archive)
        let pieces = try TarRecording.read(archive, chunkBytes: chunkBytes)
        #expect(pieces.0 == whole.0)
        #expect(pieces.1 == whole.1)
        #expect(whole.0.stream == archive)
    }

    @Test(arguments: 0..<8)
    func `mutated archives are read or refused, and rebuilt as far as read`(seed: UInt64) throws {
        let (archive, _) = try Self.smallArchive()
        var random = SplitMix(state: seed)
        for _ in 0..<150 {
            var mutant = archive
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                Self.mutate(&mutant, &random)
            }
            let chunkBytes = Int.random(in: 1...2048, using: &random)
            let applied = Bool.random(using: &random)
            let reader = TarReader(globalHeaders: applied ? .applied : .ignored)
            do {
                let (recording, _) = try TarRecording.read(
                    mutant, chunkBytes: chunkBytes, reader: reader)
                #expect(recording.stream == mutant)
            } catch is TarError {
                continue
            }
        }
    }

    /// Changes some bytes, mostly of headers, and mostly with a checksum that is right again.
    private static func mutate(_ archive: inout [UInt8], _ random: inout SplitMix) {
        let block = Int.random(in: 0..<(archive.count / 512), using: &random) * 512
        let interesting: [UInt8] = [0, 0x20, 0x30, 0x37, 0x39, 0x7F, 0x80, 0xBF, 0xC0, 0xFF, 0x53]
        for _ in 0..<Int.random(in: 1...12, using: &random) {
            let field = Int.random(in: 0..<4, using: &random)
            let offset =
                switch field {
                case 0: Int.random(in: 124..<136, using: &random)
                case 1: 156
                case 2: Int.random(in: 386..<504, using: &random)
                default: Int.random(in: 0..<512, using: &random)
                }
            archive[block + offset] =
                Bool.random(using: &random)
                ? interesting[Int.random(in: 0..<interesting.count, using: &random)]
                : UInt8.random(in: 0...255, using: &random)
        }
        if Int.random(in: 0..<8, using: &random) > 0 {
            var header = Array(archive[block..<(block + 512)])
            TarFixture.setChecksum(&header)
            archive.replaceSubrange(block..<(block + 512), with: header)
        }
        if Int.random(in: 0..<8, using: &random) == 0 {
            archive.removeLast(Int.random(in: 0..<archive.count / 2, using: &random))
            archive += [UInt8](repeating: 0, count: (512 - archive.count % 512) % 512)
        }
    }

    /// An archive with every kind of header, and the cuts after which it looks complete.
    static func smallArchive() throws -> ([UInt8], boundaries: [Int: TarReader.Ending]) {
        var fixture = TarFixture()
        var boundaries: [Int: TarReader.Ending] = [0: .noMarker]
        func mark() { boundaries[fixture.bytes.count] = .noMarker }
        fixture.add("g", type: "g", body: TarFixture.record("comment", "c"))
        mark()
        for entry in TarWriterTests.variety where entry.sizeBytes < 1024 {
            fixture.bytes += try TarWriter.header(for: entry)
            fixture.bytes += TarWriterTests.body(of: entry)
            fixture.bytes += TarWriter.padding(after: entry.sizeBytes)
            mark()
        }
        fixture.add("././@LongLink", type: "L", body: TarWriterTests.long(600))
        fixture.add("short", body: [1], magic: TarReaderTests.gnu)
        mark()
        fixture.add("dump/", type: "D", body: [1, 2, 3], magic: TarReaderTests.gnu)
        mark()
        fixture.bytes += TarSparseTests.gnuArchive(extents: 30)
        mark()
        for version in ["0.0", "0.1", "1.0"] {
            fixture.bytes += TarSparseTests.paxArchive(version: version, extents: 60)
            mark()
        }
        fixture.addEnd()
        boundaries[fixture.bytes.count - 512] = .singleZeroBlock
        return (fixture.bytes, boundaries)
    }
}

/// A small random number generator with a seed, so that a failure comes back.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
