/// Parses a tar stream that is fed to it in pieces of any size.
///
/// A pure value: it reads nothing by itself, and what it tells its consumer does not depend on how the
/// stream was cut into pieces. It understands v7, ustar, star, GNU and pax archives.
///
///     var reader = TarReader()
///     while let chunk = … { try reader.feed(chunk, to: &consumer) }
///     let ending = try reader.finish()
///
/// After an error the reader is spent: every further call throws the same error.
package struct TarReader: Sendable {
    /// What pax global headers do.
    package enum GlobalHeaders: Sendable {
        /// They are checked and kept literally, and change no entry. So read Go's archive/tar and
        /// libarchive: a layer means here what it means to every container engine.
        case ignored
        /// They hold for every later entry, as POSIX says and GNU tar does.
        case applied
    }

    /// How a stream ended that was not cut short.
    package enum Ending: Equatable, Sendable {
        /// With the two zero blocks that end an archive.
        case marker
        /// After one zero block, between entries.
        case singleZeroBlock
        /// Between two entries, with no marker: some writers leave it out, and Go's archive/tar reads
        /// it so. A stream that lost its tail exactly there looks the same.
        case noMarker
    }

    enum BlockPurpose { case header, secondZero, gnuSparseMap, paxSparseMap }

    enum Record { case longName, longLink, pax, globalPax }

    enum Phase {
        /// A whole block is awaited.
        case block(BlockPurpose)
        /// Inside an extension header's body, which is gathered.
        case record(Record, remaining: Int64)
        /// Inside bytes that belong to no file.
        case payload(remaining: Int64)
        case body(remaining: Int64)
        case padding(remaining: Int)
        /// Behind the end marker.
        case trailer(remaining: Int64)
        case failed(any Error)
    }

    /// What extension headers said about the entry to come.
    struct Pending {
        var longName: [UInt8]?
        var longLink: [UInt8]?
        var pax: PaxOverrides?
        var headers = 0
    }

    /// An entry whose sparse map is still being read.
    struct Draft {
        var entry: TarEntry
        var storedSizeBytes: Int64
        var map = SparseMapText()
    }

    package let limits: TarLimits
    package let globalHeaders: GlobalHeaders
    /// How many bytes have been fed and understood.
    package private(set) var offset: Int64 = 0
    package internal(set) var entryCount = 0

    var phase = Phase.block(.header)
    var pending = Pending()
    var draft: Draft?
    var globalOverrides = PaxOverrides()
    /// What follows the entry's body, or stands instead of it, and is no file's content.
    var payloadBytes: Int64 = 0
    /// What fills the last block of the body, record or payload at hand.
    var paddingBytes = 0
    /// The body of the extension header being gathered.
    var gathered: [UInt8] = []
    /// The first bytes of a block that a feed cut in two; fewer than a block.
    private var partial: [UInt8] = []

    package init(limits: TarLimits = TarLimits(), globalHeaders: GlobalHeaders = .ignored) {
        self.limits = limits
        self.globalHeaders = globalHeaders
    }

    /// Takes the next bytes of the stream and tells the consumer what they hold.
    ///
    /// - Throws: `TarError`, or what the consumer throws.
    package mutating func feed<Consumer: TarConsumer & ~Copyable>(
        _ chunk: Span<UInt8>, to consumer: inout Consumer
    ) throws {
        do {
            var position = 0
            while position < chunk.count {
                position += try step(chunk.extracting(position..<chunk.count), &consumer)
            }
        } catch {
            phase = .failed(error)
            throw error
        }
    }

    /// Says that the stream has ended.
    ///
    /// - Throws: `TarError.truncated` unless it ended between two entries or behind the end marker.
    package mutating func finish() throws -> Ending {
        switch phase {
        case .trailer: return .marker
        case .block(.secondZero) where partial.isEmpty: return .singleZeroBlock
        case .block(.header) where partial.isEmpty && pending.headers == 0: return .noMarker
        case .failed(let error): throw error
        default:
            let error = TarError(
                .truncated, "the archive is cut short", entryPath: draft?.entry.path,
                byteOffset: offset + Int64(partial.count))
            phase = .failed(error)
            throw error
        }
    }

    /// Takes one piece that one phase can take, and returns how long it was.
    private mutating func step<Consumer: TarConsumer & ~Copyable>(
        _ rest: Span<UInt8>, _ consumer: inout Consumer
    ) throws -> Int {
        switch phase {
        case .block(let purpose):
            return try stepBlock(rest, purpose, &consumer)
        case .record(let record, let remaining):
            let count = Int(min(Int64(rest.count), remaining))
            try consumer.literal(rest.extracting(0..<count))
            gathered.append(copying: rest.extracting(0..<count))
            offset += Int64(count)
            try continueRecord(record, remaining - Int64(count))
            return count
        case .body(let remaining):
            let count = Int(min(Int64(rest.count), remaining))
            try consumer.body(rest.extracting(0..<count))
            offset += Int64(count)
            try continueBody(remaining - Int64(count), &consumer)
            return count
        case .payload(let remaining):
            let count = Int(min(Int64(rest.count), remaining))
            try consumer.literal(rest.extracting(0..<count))
            offset += Int64(count)
            continuePayload(remaining - Int64(count))
            return count
        case .padding(let remaining):
            let count = min(rest.count, remaining)
            try consumer.literal(rest.extracting(0..<count))
            offset += Int64(count)
            continuePadding(remaining - count)
            return count
        case .trailer(let remaining):
            guard rest.count <= remaining else {
                throw TarError(
                    .limitExceeded,
                    "more than \(limits.trailingBytes) bytes follow the archive's end marker",
                    byteOffset: offset)
            }
            try consumer.literal(rest)
            offset += Int64(rest.count)
            phase = .trailer(remaining: remaining - Int64(rest.count))
            return rest.count
        case .failed(let error):
            throw error
        }
    }

    private mutating func stepBlock<Consumer: TarConsumer & ~Copyable>(
        _ rest: Span<UInt8>, _ purpose: BlockPurpose, _ consumer: inout Consumer
    ) throws -> Int {
        if partial.isEmpty, rest.count >= TarLayout.blockBytes {
            let block = rest.extracting(0..<TarLayout.blockBytes)
            try take(block, purpose, &consumer)
            return TarLayout.blockBytes
        }
        let count = min(TarLayout.blockBytes - partial.count, rest.count)
        partial.append(copying: rest.extracting(0..<count))
        if partial.count == TarLayout.blockBytes {
            var block: [UInt8] = []
            swap(&block, &partial)
            try take(block.span, purpose, &consumer)
            block.removeAll(keepingCapacity: true)
            partial = block
        }
        return count
    }

    private mutating func take<Consumer: TarConsumer & ~Copyable>(
        _ block: Span<UInt8>, _ purpose: BlockPurpose, _ consumer: inout Consumer
    ) throws {
        try consumer.literal(block)
        do {
            switch purpose {
            case .header: try takeHeader(block)
            case .secondZero: try takeSecondZero(block)
            case .gnuSparseMap: try takeGNUSparseMap(block)
            case .paxSparseMap: try takePaxSparseMap(block)
            }
        } catch {
            throw error.located(entryPath: draft?.entry.path, byteOffset: offset)
        }
        offset += Int64(TarLayout.blockBytes)
        if let entry = draft?.entry, case .body(let remaining) = phase {
            draft = nil
            try consumer.begin(entry)
            entryCount += 1
            try continueBody(remaining, &consumer)
        }
    }

    private mutating func continueBody<Consumer: TarConsumer & ~Copyable>(
        _ remaining: Int64, _ consumer: inout Consumer
    ) throws {
        phase = .body(remaining: remaining)
        guard remaining == 0 else { return }
        try consumer.end()
        continuePayload(payloadBytes)
    }

    private mutating func continueRecord(_ record: Record, _ remaining: Int64) throws {
        phase = .record(record, remaining: remaining)
        guard remaining == 0 else { return }
        do {
            try finishRecord(record)
        } catch {
            throw error.located(entryPath: nil, byteOffset: offset)
        }
        continuePadding(paddingBytes)
    }

    mutating func continuePayload(_ remaining: Int64) {
        phase = .payload(remaining: remaining)
        guard remaining == 0 else { return }
        payloadBytes = 0
        continuePadding(paddingBytes)
    }

    mutating func continuePadding(_ remaining: Int) {
        phase = remaining > 0 ? .padding(remaining: remaining) : .block(.header)
    }
}
