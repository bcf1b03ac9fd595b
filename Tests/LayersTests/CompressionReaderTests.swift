import Foundation
import Testing

@testable import Layers

@Suite struct CompressionReaderTests {
    static let compressed: [Compression] = [.gzip, .zstd, .xz, .bzip2, .lz4]

    /// Bytes of which some compress and some do not, over and over.
    private static let tile: [UInt8] = {
        var random = SplitMix(state: 7)
        return (0..<61_337).map { index in
            index % 7 == 0 ? UInt8.random(in: 0...255, using: &random) : UInt8(index / 64 & 0x3F)
        }
    }()

    static func content(_ count: Int) -> [UInt8] {
        var content: [UInt8] = []
        while content.count < count { content += tile.prefix(count - content.count) }
        return content
    }

    static func isAvailable(_ compression: Compression) -> Bool {
        compression == .none || TarTool.isInstalled(compression.rawValue)
    }

    /// What the format's own tool makes of the bytes.
    static func compress(_ bytes: [UInt8], _ compression: Compression) throws -> [UInt8] {
        guard compression != .none else { return bytes }
        return try TarTool.withDirectory { directory in
            let file = directory.appendingPathComponent("content")
            try Data(bytes).write(to: file)
            return try TarTool.run(compression.rawValue, ["-q", "-c", file.path])
        }
    }

    @Test("each format is told and read", arguments: Compression.allCases.filter(isAvailable))
    func reads(compression: Compression) throws {
        for count in [0, 1, 5000, 1_000_000] {
            let content = Self.content(count)
            let stream = try Self.compress(content, compression)
            for pieceBytes in [1 << 20, 4096, 1] where pieceBytes > 1 || count <= 5000 {
                let (bytes, found) = try Self.decompress(stream, pieceBytes: pieceBytes)
                #expect(bytes == content)
                #expect(found == compression)
            }
        }
    }

    @Test("several streams in one are read to the last", arguments: compressed.filter(isAvailable))
    func concatenated(compression: Compression) throws {
        var parts = [Self.content(3000), Self.content(1), Self.content(300_000)]
        // libarchive takes an empty lz4 frame for the end; that is refused, see below.
        if compression != .lz4 { parts.insert([], at: 1) }
        let stream = try parts.flatMap { try Self.compress($0, compression) }
        for pieceBytes in [1 << 20, 100] {
            #expect(
                try Self.decompress(stream, pieceBytes: pieceBytes).bytes == Array(parts.joined()))
        }
    }

    @Test func `an empty lz4 frame before another is refused, not taken for the end`() throws {
        guard Self.isAvailable(.lz4) else { return }
        let stream = try Self.compress([], .lz4) + Self.compress([1], .lz4)
        #expect(throws: CompressionError.self) { try Self.decompress(stream) }
    }

    @Test("a stream cut anywhere is told", arguments: compressed.filter(isAvailable))
    func truncated(compression: Compression) throws {
        for content in [[], Self.content(700), [UInt8](repeating: 7, count: 20_000)] {
            let stream = try Self.compress(content, compression)
            for cut in compression.magicBytes..<stream.count {
                let error = #expect(throws: CompressionError.self, "cut at \(cut)") {
                    try Self.decompress(Array(stream[..<cut]))
                }
                #expect(error?.code == .truncated, "cut at \(cut) of \(stream.count)")
            }
        }
    }

    @Test("a second stream cut anywhere is told", arguments: compressed.filter(isAvailable))
    func truncatedSecond(compression: Compression) throws {
        for content in [[], Self.content(300)] {
            let first = try Self.compress(Self.content(300), compression)
            let stream = try first + Self.compress(content, compression)
            // Between the two nothing says that one is missing.
            for cut in (first.count + 1)..<stream.count {
                let error = #expect(throws: CompressionError.self, "cut at \(cut)") {
                    try Self.decompress(Array(stream[..<cut]))
                }
                #expect(error?.code == .truncated, "cut at \(cut) of \(stream.count)")
            }
        }
    }

    @Test(arguments: [1, 511, 100_000, 600_000])
    func `zeros may follow gzip`(zeros: Int) throws {
        try #require(TarTool.isInstalled("gzip"))
        let content = Self.content(5000)
        let stream = try Self.compress(content, .gzip)
        let padded = stream + [UInt8](repeating: 0, count: zeros)
        #expect(try Self.decompress(padded).bytes == content)
        #expect(try Self.decompress(padded, pieceBytes: 1000).bytes == content)
        let error = #expect(throws: CompressionError.self) { try Self.decompress(padded + [1]) }
        #expect(error?.code == .trailingData)
    }

    @Test("what is behind a stream and none is told", arguments: compressed.filter(isAvailable))
    func trailing(compression: Compression) throws {
        let stream = try Self.compress(Self.content(500), compression)
        for junk in [Array("x".utf8), Array("junk and more of it".utf8)] {
            let error = #expect(throws: CompressionError.self) {
                try Self.decompress(stream + junk)
            }
            #expect(error != nil)
        }
    }

    @Test("a checksum that is wrong is told", arguments: compressed.filter(isAvailable))
    func checksums(compression: Compression) throws {
        var stream = try Self.compress(Self.content(500), compression)
        for position in [stream.count / 2, stream.count / 2 + 1, stream.count - 8] {
            stream[position] ^= 0x10
            let damaged = stream
            let error = #expect(throws: CompressionError.self) { try Self.decompress(damaged) }
            // A length that is wrong in lz4 asks for bytes that are not there.
            #expect(error?.code == .corrupt || compression == .lz4)
            stream[position] ^= 0x10
        }
    }

    @Test func `a gzip stream that is not compressed is checked by its sum alone`() throws {
        // One stored block: any byte of it can change without breaking the format.
        let content = Self.content(1000)
        let length: [UInt8] = [0xE8, 0x03]
        let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1] + length + [0x17, 0xFC]
        try #require(Self.isAvailable(.gzip))
        let tool = try Self.compress(content, .gzip)
        let stream = header + content + tool.suffix(8)
        #expect(try Self.decompress(stream).bytes == content)
        for position in [header.count, header.count + 999, stream.count - 8, stream.count - 1] {
            var damaged = stream
            damaged[position] ^= 1
            let bytes = damaged
            for pieceBytes in [1, 100, 1 << 20] {
                let error = #expect(throws: CompressionError.self) {
                    try Self.decompress(bytes, pieceBytes: pieceBytes)
                }
                #expect(error?.code == .corrupt)
            }
            var unchecked = try DecompressingReader(
                PieceSource(bytes: bytes, pieceBytes: 100), verifiesChecksum: false)
            #expect(try Self.drain(&unchecked).count == 1000)
        }
        // Of two members neither sum can be checked, and neither is taken for wrong.
        #expect(try Self.decompress(stream + stream, pieceBytes: 7).bytes == content + content)
        // Cut inside its trailer, after content that ends in zeros.
        let zeros = [UInt8](repeating: 0, count: 1000)
        for cut in 1...8 {
            let part = header + zeros + [UInt8](repeating: 0, count: 8 - cut)
            let error = #expect(throws: CompressionError.self) { try Self.decompress(part) }
            #expect(error?.code == .truncated)
        }
    }

    @Test(
        "uncompressed streams come through as they are",
        arguments: [
            [], [0], [0x1F], [0x1F, 0x8B], Array("BZh9".utf8) + [0, 0, 0, 0, 0, 0],
            Array("plain text".utf8), [0x28, 0xB5, 0x2F], [UInt8](repeating: 0, count: 1_000_000),
        ] as [[UInt8]])
    func plain(bytes: [UInt8]) throws {
        for pieceBytes in [1 << 20, 3] where pieceBytes > 3 || bytes.count < 1000 {
            let (read, compression) = try Self.decompress(bytes, pieceBytes: pieceBytes)
            #expect(read == bytes)
            #expect(compression == (bytes.starts(with: Array("BZh9".utf8)) ? .none : compression))
        }
    }

    @Test("a limit on what comes out holds", arguments: Compression.allCases.filter(isAvailable))
    func limit(compression: Compression) throws {
        let stream = try Self.compress([UInt8](repeating: 0, count: 1_000_000), compression)
        #expect(try Self.decompress(stream, maximum: 1_000_000).bytes.count == 1_000_000)
        let error = #expect(throws: CompressionError.self) {
            try Self.decompress(stream, maximum: 999_999)
        }
        #expect(error?.code == .tooLarge)
        #expect(error?.compression == compression)
    }

    @Test func `peeking takes nothing away`() throws {
        let content = Self.content(400_000)
        var reader = try DecompressingReader(
            PieceSource(bytes: Self.compress(content, .gzip), pieceBytes: 1 << 20))
        #expect(try reader.peek(600) == Array(content[..<600]))
        #expect(try reader.peek(10) == Array(content[..<10]))
        #expect(try reader.peek(300_000) == Array(content[..<300_000]))
        var buffer: [UInt8] = []
        var read: [UInt8] = []
        while try reader.read(into: &buffer, minimumBytes: 70_000) { read += buffer }
        #expect(read == content)
        #expect(reader.uncompressedBytes == 400_000)
        #expect(try reader.peek(1) == [])
    }

    @Test func `a file descriptor is read from where it stands, a pipe too`() throws {
        let content = Self.content(1_000_000)
        try TarTool.withDirectory { directory in
            let file = directory.appendingPathComponent("file")
            try Data([1, 2, 3] + Self.compress(content, .zstd)).write(to: file)
            let handle = try FileHandle(forReadingFrom: file)
            try handle.seek(toOffset: 3)
            var reader = try DecompressingReader(fileDescriptor: handle.fileDescriptor)
            #expect(try Self.drain(&reader) == content)
            #expect(reader.compressedBytes == Int64(try Data(contentsOf: file).count - 3))
            try handle.close()
        }
        let pipe = Pipe()
        let stream = try Self.compress(content, .gzip)
        let writer = Thread {
            pipe.fileHandleForWriting.write(Data(stream))
            try? pipe.fileHandleForWriting.close()
        }
        writer.start()
        var reader = try DecompressingReader(
            fileDescriptor: pipe.fileHandleForReading.fileDescriptor)
        #expect(try Self.drain(&reader) == content)
    }

    @Test("what the source throws reaches the caller", arguments: [Compression.none, .gzip])
    func sourceFailure(compression: Compression) throws {
        let stream = try Self.compress(Self.content(1_000_000), compression)
        for failAt in [0, 5, 5000, stream.count] {
            let source = PieceSource(bytes: stream, pieceBytes: 1000, failAt: failAt)
            let error = #expect(throws: CompressionError.self) {
                var reader = try DecompressingReader(source)
                _ = try Self.drain(&reader)
            }
            #expect(error?.code == .inputOutput)
            #expect(error?.errorNumber == 99)
        }
        let closed = #expect(throws: CompressionError.self) {
            _ = try DecompressingReader(fileDescriptor: -1)
        }
        #expect(closed?.errorNumber == EBADF)
    }

    @Test(arguments: 0..<4)
    func `mutated streams are read or refused`(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        for compression in Self.compressed where Self.isAvailable(compression) {
            let stream = try Self.compress(Self.content(2000), compression)
            for _ in 0..<100 {
                var mutant = stream
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let position = Int.random(in: 0..<mutant.count, using: &random)
                    mutant[position] = UInt8.random(in: 0...255, using: &random)
                }
                do {
                    _ = try Self.decompress(mutant, maximum: 1 << 20)
                } catch is CompressionError {
                    continue
                }
            }
        }
    }

    static func decompress(
        _ stream: [UInt8], pieceBytes: Int = 1 << 20, maximum: Int64 = .max
    ) throws -> (bytes: [UInt8], compression: Compression) {
        var reader = try DecompressingReader(
            PieceSource(bytes: stream, pieceBytes: pieceBytes), maximumSizeBytes: maximum)
        let bytes = try drain(&reader)
        #expect(reader.compressedBytes == Int64(stream.count))
        #expect(reader.uncompressedBytes == Int64(bytes.count))
        return (bytes, reader.compression)
    }

    static func drain(_ reader: inout DecompressingReader) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while try reader.withNextChunk({ bytes.append(copying: $0) }) {}
        return bytes
    }
}

/// An array as a source that gives it in pieces, and may fail on the way.
struct PieceSource: ByteSource {
    var bytes: [UInt8]
    var pieceBytes: Int
    var failAt: Int?
    var position = 0

    init(bytes: [UInt8], pieceBytes: Int, failAt: Int? = nil) {
        self.bytes = bytes
        self.pieceBytes = pieceBytes
        self.failAt = failAt
    }

    mutating func read(into buffer: inout OutputSpan<UInt8>) throws {
        if let failAt, position >= failAt {
            throw CompressionError(.inputOutput, "broken on purpose", errorNumber: 99)
        }
        let count = min(pieceBytes, buffer.freeCapacity, bytes.count - position)
        for byte in bytes[position..<(position + count)] { buffer.append(byte) }
        position += count
    }
}
