internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store

/// How a layer's exact tar is put together again: its bytes in order, file bodies by reference.
///
///     recipe  = zstd( "VRECIPE1" segment… )
///     segment = 0x01 length bytes…          literal: headers, padding, the end marker
///             | 0x02 digest offset length   a range of an object
///
/// Integers are unsigned LEB128; a digest is 32 bytes. The recipe itself is an object of the store.
enum RecipeFormat {
    static let magic: [UInt8] = Array("VRECIPE1".utf8)
    static let literal: UInt8 = 1
    static let range: UInt8 = 2

    /// Literal bytes are gathered up to this size before they become a segment.
    static let literalChunkBytes = 1 << 16
}

/// Writes a recipe while its layer is read. One thread at a time.
final class RecipeWriter {
    private let object: ObjectWriter
    /// Nil once finished.
    private var output: CompressingWriter?
    private var literal: [UInt8] = []

    init(_ ingest: ObjectIngest) throws {
        object = try ingest.writer()
        // Headers compress tenfold at the fastest level; a slower one gains little.
        output = try CompressingWriter(
            ObjectSink(object: object), settings: CompressionSettings(.zstd, level: 1))
        try write(RecipeFormat.magic)
    }

    func appendLiteral(_ bytes: Span<UInt8>) throws {
        unsafe bytes.withUnsafeBufferPointer { unsafe literal.append(contentsOf: $0) }
        if literal.count >= RecipeFormat.literalChunkBytes { try flush() }
    }

    func append(_ content: FileContent, offset: UInt64, length: UInt64) throws {
        guard length > 0 else { return }
        try flush()
        var segment: [UInt8] = [RecipeFormat.range]
        segment += content.digest.bytes
        LEB128.append(offset, to: &segment)
        LEB128.append(length, to: &segment)
        try write(segment)
    }

    /// Completes the recipe, which is an object of the store then.
    func finish() throws -> FileContent {
        try flush()
        if let output = output.take() { _ = try output.finish() }
        return try object.finish()
    }

    private func flush() throws {
        guard !literal.isEmpty else { return }
        var head: [UInt8] = [RecipeFormat.literal]
        LEB128.append(UInt64(literal.count), to: &head)
        try write(head)
        try write(literal)
        literal.removeAll(keepingCapacity: true)
    }

    private func write(_ bytes: [UInt8]) throws { try output?.write(bytes.span) }
}

/// A sink that is an object of the store.
private struct ObjectSink: ByteSink {
    let object: ObjectWriter
    mutating func write(_ bytes: Span<UInt8>) throws { try object.append(bytes) }
}

/// Rebuilds a layer's tar from its recipe.
struct RecipeReader {
    private let store: Store
    private let recipe: FileContent

    init(_ recipe: FileContent, in store: Store) {
        self.recipe = recipe
        self.store = store
    }

    /// Writes the tar to `sink`.
    func write(to sink: inout some ByteSink) throws {
        var copy = sink
        try read(
            literal: { try copy.write($0.span) },
            range: { object, offset, length in
                try ObjectCopy.copy(
                    path: store.layout.object(object), offset: offset, length: length, to: &copy)
            })
        sink = copy
    }

    /// Hands over what the tar is put together of, in its order.
    /// - Throws: `corruptRecipe`, ``CompressionError``, and what is thrown by those called.
    func read(
        literal: ([UInt8]) throws -> Void,
        range: (_ object: Digest, _ offset: UInt64, _ length: UInt64) throws -> Void
    ) throws {
        let file = try OwnedDescriptor(
            opening: store.layout.object(recipe.digest), .readOnly)
        var input = RecipeInput(try DecompressingReader(fileDescriptor: file.rawValue))
        guard try input.bytes(RecipeFormat.magic.count) == RecipeFormat.magic else {
            throw RecipeInput.corrupt("it does not begin as one")
        }
        while let kind = try input.nextByte() {
            switch kind {
            case RecipeFormat.literal:
                try literal(try input.bytes(Int(clamping: try input.integer())))
            case RecipeFormat.range:
                guard let digest = Digest(bytes: try input.bytes(Digest.byteCount)) else {
                    throw RecipeInput.corrupt("a digest is missing")
                }
                try range(digest, try input.integer(), try input.integer())
            default: throw RecipeInput.corrupt("a segment is of unknown kind \(kind)")
            }
        }
    }
}

/// Copies stored content to a sink.
enum ObjectCopy {
    private static let chunkBytes = 1 << 20

    /// - Throws: `corruptRecipe` when the file is shorter.
    static func copy(
        path: String, offset: UInt64, length: UInt64, to sink: inout some ByteSink
    ) throws {
        let file = try OwnedDescriptor(opening: path, .readOnly)
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Int(min(UInt64(chunkBytes), max(1, length))), alignment: 4096)
        defer { unsafe buffer.deallocate() }
        var position = offset
        var left = length
        while left > 0 {
            let part = unsafe UnsafeMutableRawBufferPointer(
                rebasing: buffer[0..<Int(min(left, UInt64(buffer.count)))])
            let count = try unsafe DescriptorIO.readFully(file.rawValue, into: part, at: position)
            guard count == part.count else {
                throw LayerError(
                    .corruptRecipe, "the stored file is shorter than it was", path: Array(path.utf8)
                )
            }
            let bytes = unsafe Span<UInt8>(
                _unsafeElements: UnsafeRawBufferPointer(part).assumingMemoryBound(to: UInt8.self))
            try sink.write(bytes)
            position += UInt64(count)
            left -= UInt64(count)
        }
    }
}

/// The uncompressed bytes of a recipe.
private struct RecipeInput: ~Copyable {
    private var reader: DecompressingReader
    private var chunk: [UInt8] = []
    private var position = 0

    init(_ reader: consuming DecompressingReader) { self.reader = reader }

    static func corrupt(_ what: String) -> LayerError {
        LayerError(.corruptRecipe, "a layer's recipe is damaged: \(what)")
    }

    mutating func nextByte() throws -> UInt8? {
        if position == chunk.count {
            position = 0
            guard try reader.read(into: &chunk) else { return nil }
        }
        defer { position += 1 }
        return chunk[position]
    }

    mutating func integer() throws -> UInt64 {
        var decoder = LEB128.Decoder()
        while let byte = try nextByte() {
            do {
                if let value = try decoder.take(byte) { return value }
            } catch {
                throw Self.corrupt("a number that is none")
            }
        }
        throw Self.corrupt("it ends early")
    }

    mutating func bytes(_ count: Int) throws -> [UInt8] {
        var result: [UInt8] = []
        while result.count < count {
            if position == chunk.count {
                position = 0
                guard try reader.read(into: &chunk) else { throw Self.corrupt("it ends early") }
            }
            let part = min(count - result.count, chunk.count - position)
            result += chunk[position..<(position + part)]
            position += part
        }
        return result
    }
}
