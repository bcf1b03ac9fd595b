/// The fields of one 512-byte header block, before any extension header is applied.
struct TarHeaderBlock {
    enum Format {
        /// No magic: the seventh edition's fields only.
        case v7
        /// POSIX, also the header under pax records.
        case ustar
        case star
        case gnu
    }

    let format: Format
    let typeFlag: UInt8
    let path: [UInt8]
    let linkTarget: [UInt8]
    let mode: UInt16
    let uid: UInt32
    let gid: UInt32
    let sizeBytes: Int64
    let modifiedSeconds: Int64
    let deviceMajor: UInt32
    let deviceMinor: UInt32

    /// Decodes a block that is not all zeros.
    ///
    /// - Throws: `invalidHeader` if the checksum is wrong, `invalidNumber` for a numeric field.
    init(_ block: Span<UInt8>) throws(TarError) {
        try Self.verifyChecksum(of: block)
        format = Self.format(of: block)
        typeFlag = block[TarLayout.typeFlag]
        linkTarget = block.extracting(TarLayout.linkName).textField()
        mode =
            UInt16(truncatingIfNeeded: try TarNumber.field(block.extracting(TarLayout.mode)))
            & 0o7777
        uid = try Self.owner(TarNumber.field(block.extracting(TarLayout.uid)))
        gid = try Self.owner(TarNumber.field(block.extracting(TarLayout.gid)))
        sizeBytes = try Self.size(TarNumber.field(block.extracting(TarLayout.size)))
        modifiedSeconds = try TarNumber.field(block.extracting(TarLayout.modified))
        path = Self.path(of: block, format: format)

        let isDevice = typeFlag == UInt8(ascii: "3") || typeFlag == UInt8(ascii: "4")
        if isDevice && format != .v7 {
            deviceMajor = try Self.device(
                TarNumber.field(block.extracting(TarLayout.deviceMajor)))
            deviceMinor = try Self.device(
                TarNumber.field(block.extracting(TarLayout.deviceMinor)))
        } else {
            deviceMajor = 0
            deviceMinor = 0
        }
    }

    /// What the entry is if no extension header says otherwise.
    ///
    /// The seventh edition had no directories: there a regular file's name ends in a slash.
    static func kind(typeFlag: UInt8, path: [UInt8]) -> TarEntry.Kind {
        switch typeFlag {
        case 0: path.last == UInt8(ascii: "/") ? .directory : .regular
        case UInt8(ascii: "0"), UInt8(ascii: "7"), UInt8(ascii: "S"): .regular
        case UInt8(ascii: "1"): .hardLink
        case UInt8(ascii: "2"): .symbolicLink
        case UInt8(ascii: "3"): .characterDevice
        case UInt8(ascii: "4"): .blockDevice
        case UInt8(ascii: "5"), UInt8(ascii: "D"): .directory
        case UInt8(ascii: "6"): .fifo
        default: .unknown(typeFlag)
        }
    }

    static func isZero(_ block: Span<UInt8>) -> Bool {
        guard block[0] == 0 else { return false }
        var bits: UInt8 = 0
        for index in block.indices { bits |= block[index] }
        return bits == 0
    }

    /// A user or group id. Writers that held ids as signed numbers wrote `nobody` as -2; -1 is the
    /// one id that chown(2) cannot set.
    static func owner(_ value: Int64) throws(TarError) -> UInt32 {
        let id = UInt32(exactly: value) ?? Int32(exactly: value).map { UInt32(bitPattern: $0) }
        guard let id, id != .max else {
            throw TarError(.invalidNumber, "\(value) is no user or group id")
        }
        return id
    }

    static func size(_ value: Int64) throws(TarError) -> Int64 {
        guard value >= 0 else {
            throw TarError(.invalidNumber, "an entry's size is negative (\(value))")
        }
        return value
    }

    private static func device(_ value: Int64) throws(TarError) -> UInt32 {
        guard let number = UInt32(exactly: value) else {
            throw TarError(.invalidNumber, "\(value) is no device number")
        }
        return number
    }

    /// The sum of all bytes with the checksum's own as spaces; old Sun and VAX tars summed them as
    /// signed bytes.
    private static func verifyChecksum(of block: Span<UInt8>) throws(TarError) {
        var sum = 0
        var highBytes = 0
        for index in block.indices {
            sum &+= Int(block[index])
            highBytes &+= Int(block[index] >> 7)
        }
        for index in TarLayout.checksum {
            sum += Int(UInt8(ascii: " ")) - Int(block[index])
            highBytes -= Int(block[index] >> 7)
        }
        let stated: Int64
        do {
            stated = try TarNumber.octal(block.extracting(TarLayout.checksum))
        } catch {
            throw TarError(.invalidHeader, "a block without a checksum stands where a header must")
        }
        guard stated == Int64(sum) || stated == Int64(sum - 256 * highBytes) else {
            throw TarError(.invalidHeader, "a header's checksum is wrong")
        }
    }

    private static func format(of block: Span<UInt8>) -> Format {
        let magic = block.extracting(TarLayout.magic)
        if magic.equals(Array("ustar\0".utf8)) {
            let isStar = block.extracting(TarLayout.starTrailer).equals(Array("tar\0".utf8))
            return isStar ? .star : .ustar
        }
        if magic.equals(Array("ustar ".utf8)),
            block.extracting(TarLayout.version).equals(Array(" \0".utf8))
        {
            return .gnu
        }
        return .v7
    }

    private static func path(of block: Span<UInt8>, format: Format) -> [UInt8] {
        let name = block.extracting(TarLayout.name).textField()
        let prefix: [UInt8] =
            switch format {
            case .v7: []
            case .ustar: block.extracting(TarLayout.prefix).textField()
            case .star: block.extracting(TarLayout.starPrefix).textField()
            case .gnu: misplacedPrefix(of: block)
            }
        return prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
    }

    /// GNU headers have no prefix, but Go before 1.8 wrote one: it is told by the two times, which
    /// then are no numbers (Go's archive/tar reads such archives so too).
    private static func misplacedPrefix(of block: Span<UInt8>) -> [UInt8] {
        for field in [TarLayout.gnuAccessed, TarLayout.gnuChanged]
        where block[field.lowerBound] != 0 {
            do {
                _ = try TarNumber.field(block.extracting(field))
            } catch {
                let prefix = block.extracting(TarLayout.prefix).textField()
                return prefix.allSatisfy { $0 < 0x80 } ? prefix : []
            }
        }
        return []
    }
}
