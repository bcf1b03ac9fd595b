import Foundation
import Testing

@testable import Layers

@Suite struct CompressionWriterTests {
    static let settings: [CompressionSettings] = [
        CompressionSettings(.none), CompressionSettings(.gzip),
        CompressionSettings(.gzip, level: 1),
        CompressionSettings(.gzip, level: 9), CompressionSettings(.zstd),
        CompressionSettings(.zstd, level: 19), CompressionSettings(.zstd, threads: 4),
    ]

    @Test("what is written is read back", arguments: settings)
    func roundTrip(settings: CompressionSettings) throws {
        for count in [0, 1, 1_000_000] {
            let content = CompressionReaderTests.content(count)
            let stream = try Self.compress(content, settings)
            let (bytes, compression) = try CompressionReaderTests.decompress(stream)
            #expect(bytes == content)
            #expect(compression == settings.compression)
            let tool = settings.compression.rawValue
            if settings.compression != .none, TarTool.isInstalled(tool) {
                try TarTool.withDirectory { directory in
                    let file = directory.appendingPathComponent("stream")
                    try Data(stream).write(to: file)
                    let run = "\(tool) -dc < stream > content"
                    try TarTool.shell(run, in: directory)
                    let read = try Data(contentsOf: directory.appendingPathComponent("content"))
                    #expect([UInt8](read) == content)
                }
            }
        }
    }

    @Test("how the bytes are cut into writes makes no difference", arguments: settings)
    func deterministic(settings: CompressionSettings) throws {
        let content = CompressionReaderTests.content(1_000_000)
        let whole = try Self.compress(content, settings)
        #expect(try Self.compress(content, settings, pieceBytes: 12_345) == whole)
    }

    @Test func `the number of threads makes no difference`() throws {
        let content = CompressionReaderTests.content(20_000_000)
        let one = try Self.compress(content, CompressionSettings(.zstd, threads: 1))
        for threads in [0, 2, 3] {
            #expect(try Self.compress(content, CompressionSettings(.zstd, threads: threads)) == one)
        }
    }

    @Test func `a gzip header has no time and no name`() throws {
        let stream = try Self.compress(Array("content".utf8), CompressionSettings(.gzip))
        #expect(Array(stream[..<10]) == [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3])
    }

    @Test(
        "what cannot be written is refused at once",
        arguments: [
            CompressionSettings(.xz), CompressionSettings(.bzip2), CompressionSettings(.lz4),
            CompressionSettings(.gzip, level: 10), CompressionSettings(.zstd, level: 99),
            CompressionSettings(.gzip, level: -1),
        ])
    func refusals(settings: CompressionSettings) {
        let error = #expect(throws: CompressionError.self) {
            _ = try CompressingWriter(CollectingSink(), settings: settings)
        }
        #expect(error?.code == .unsupported)
    }

    @Test("what the sink throws reaches the caller", arguments: settings)
    func sinkFailure(settings: CompressionSettings) throws {
        let content = CompressionReaderTests.content(1_000_000)
        for limit in [0, 1000] {
            let error = #expect(throws: CompressionError.self) {
                let sink = CollectingSink(limit: limit)
                var writer = try CompressingWriter(sink, settings: settings)
                try writer.write(content.span)
                _ = try writer.finish()
            }
            #expect(error?.errorNumber == 28)
        }
    }

    @Test("a stream that was dropped is no complete one", arguments: settings)
    func dropped(settings: CompressionSettings) throws {
        guard settings.compression != .none else { return }
        let sink = CollectingSink()
        do {
            var writer = try CompressingWriter(sink, settings: settings)
            try writer.write(CompressionReaderTests.content(1_000_000).span)
        }
        let stream = sink.bytes
        guard stream.count > 10 else { return }
        #expect(throws: CompressionError.self) { try CompressionReaderTests.decompress(stream) }
    }

    @Test func `a file descriptor is written to`() throws {
        try TarTool.withDirectory { directory in
            let content = CompressionReaderTests.content(1_000_000)
            let file = directory.appendingPathComponent("file")
            try Data().write(to: file)
            let handle = try FileHandle(forWritingTo: file)
            var writer = try CompressingWriter(
                fileDescriptor: handle.fileDescriptor, settings: CompressionSettings(.gzip))
            try writer.write(content.span)
            #expect(writer.uncompressedBytes == 1_000_000)
            let count = try writer.finish()
            try handle.close()
            let stream = [UInt8](try Data(contentsOf: file))
            #expect(stream.count == Int(count))
            #expect(try CompressionReaderTests.decompress(stream).bytes == content)
        }
    }

    static func compress(
        _ bytes: [UInt8], _ settings: CompressionSettings, pieceBytes: Int = .max
    ) throws -> [UInt8] {
        let sink = CollectingSink()
        var writer = try CompressingWriter(sink, settings: settings)
        var position = 0
        while position < bytes.count {
            let end = position + min(pieceBytes, bytes.count - position)
            try writer.write(bytes.span.extracting(position..<end))
            position = end
        }
        #expect(try writer.finish() == Int64(sink.bytes.count))
        return sink.bytes
    }
}

/// Keeps what is written to it, and is full at some point.
final class CollectingSink: ByteSink {
    var bytes: [UInt8] = []
    let limit: Int

    init(limit: Int = .max) { self.limit = limit }

    func write(_ span: Span<UInt8>) throws {
        guard bytes.count + span.count <= limit else {
            throw CompressionError(.inputOutput, "full on purpose", errorNumber: 28)
        }
        bytes.append(copying: span)
    }
}
