import Foundation

@testable import Layers

/// A consumer that keeps everything, for tests to look at.
struct TarRecording: TarConsumer, Equatable {
    enum Event: Equatable {
        case literal([UInt8])
        case begin(TarEntry)
        case body([UInt8])
        case end
    }

    /// Neighbouring literals and bodies are one event, so that recordings of one stream are equal
    /// however it was cut.
    var events: [Event] = []

    mutating func literal(_ bytes: Span<UInt8>) {
        if case .literal(let before) = events.last {
            events[events.count - 1] = .literal(before + [UInt8](copying: bytes))
        } else {
            events.append(.literal([UInt8](copying: bytes)))
        }
    }

    mutating func begin(_ entry: TarEntry) { events.append(.begin(entry)) }

    mutating func body(_ bytes: Span<UInt8>) {
        if case .body(let before) = events.last {
            events[events.count - 1] = .body(before + [UInt8](copying: bytes))
        } else {
            events.append(.body([UInt8](copying: bytes)))
        }
    }

    mutating func end() { events.append(.end) }

    var entries: [TarEntry] {
        events.compactMap { if case .begin(let entry) = $0 { entry } else { nil } }
    }

    /// The body of each entry, in order.
    var bodies: [[UInt8]] {
        var bodies: [[UInt8]] = []
        for event in events {
            switch event {
            case .begin: bodies.append([])
            case .body(let bytes): bodies[bodies.count - 1] += bytes
            case .literal, .end: break
            }
        }
        return bodies
    }

    /// What a recipe would rebuild: literals and bodies in order.
    var stream: [UInt8] {
        events.flatMap { event -> [UInt8] in
            switch event {
            case .literal(let bytes), .body(let bytes): bytes
            case .begin, .end: []
            }
        }
    }

    /// Reads a whole archive, in pieces of `chunkBytes`.
    static func read(
        _ archive: [UInt8], chunkBytes: Int = .max, reader: TarReader = TarReader()
    ) throws -> (TarRecording, TarReader.Ending) {
        var reader = reader
        var recording = TarRecording()
        var position = 0
        while position < archive.count {
            let end = position + min(chunkBytes, archive.count - position)
            try reader.feed(archive.span.extracting(position..<end), to: &recording)
            position = end
        }
        return (recording, try reader.finish())
    }
}

extension TarEntry {
    var pathText: String { String(decoding: path, as: UTF8.self) }
    var linkText: String { String(decoding: linkTarget, as: UTF8.self) }

    func attribute(_ name: String) -> [UInt8]? {
        attributes.first { $0.name == Array(name.utf8) }?.value
    }
}

extension TarNumber {
    static func field(_ bytes: [UInt8]) throws -> Int64 { try field(bytes.span) }
    static func time(_ text: String) throws -> TarTime { try time(Array(text.utf8).span) }
}

/// Archives built block by block, the odd ones too.
struct TarFixture {
    var bytes: [UInt8] = []

    /// A header block with any fields, and its checksum; `adjust` changes bytes before that is summed.
    static func header(
        _ name: String, type: Character = "0", size: Int = 0, link: String = "",
        magic: String = "ustar\u{0}00", mode: String = "0000644", modified: String = "00000000000",
        adjust: (inout [UInt8]) -> Void = { _ in }
    ) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ offset: Int) {
            for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
        }
        put(name, 0)
        put(mode, 100)
        put("0000000", 108)
        put("0000000", 116)
        put(octal(size, 11), 124)
        put(modified, 136)
        put(String(type), 156)
        if type == "\u{0}" { block[156] = 0 }
        put(link, 157)
        put(magic, 257)
        adjust(&block)
        setChecksum(&block)
        return block
    }

    static func setChecksum(_ block: inout [UInt8]) {
        for index in 148..<156 { block[index] = 32 }
        let sum = block.reduce(0) { $0 + Int($1) }
        for (index, byte) in (octal(sum, 6) + "\u{0} ").utf8.enumerated() {
            block[148 + index] = byte
        }
    }

    static func octal(_ value: Int, _ digits: Int) -> String {
        let text = String(value, radix: 8)
        return String(repeating: "0", count: digits - text.count) + text
    }

    static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
        var records: [UInt8] = []
        PaxRecord.append(key: Array(key.utf8), value: value, to: &records)
        return records
    }

    static func record(_ key: String, _ value: String) -> [UInt8] {
        record(key, Array(value.utf8))
    }

    /// Adds a header of which `body` is the size, the body and its padding.
    mutating func add(
        _ name: String, type: Character = "0", body: [UInt8] = [], link: String = "",
        magic: String = "ustar\u{0}00", adjust: (inout [UInt8]) -> Void = { _ in }
    ) {
        bytes += Self.header(
            name, type: type, size: body.count, link: link, magic: magic, adjust: adjust)
        bytes += body
        bytes += [UInt8](repeating: 0, count: (512 - body.count % 512) % 512)
    }

    mutating func addEnd() { bytes += [UInt8](repeating: 0, count: 1024) }
}

/// Runs other archivers where they are installed.
enum TarTool {
    static func path(_ name: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    static func isInstalled(_ name: String) -> Bool { path(name) != nil }

    struct Failure: Error { var text: String }

    /// Runs a tool to its end and returns what it printed.
    @discardableResult
    static func run(
        _ name: String, _ arguments: [String], in directory: URL? = nil
    ) throws -> [UInt8] {
        guard let path = path(name) else { throw Failure(text: "\(name) is not installed") }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.currentDirectoryURL = directory
        var environment = ProcessInfo.processInfo.environment
        environment["LC_ALL"] = "C.UTF-8"
        environment["TZ"] = "UTC"
        process.environment = environment
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let text = String(decoding: complaint, as: UTF8.self)
            throw Failure(text: "\(name) \(arguments): \(text)")
        }
        return [UInt8](data)
    }

    static func shell(_ script: String, in directory: URL) throws {
        try run("sh", ["-euc", script], in: directory)
    }

    /// A directory of its own for the closure, removed afterwards.
    static func withDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("tar-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer {
            // A leftover in the temporary directory is no failure of what was tested.
            try? FileManager.default.removeItem(at: directory)
        }
        return try body(directory)
    }
}
