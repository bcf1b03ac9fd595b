/// A ustar header block in the making.
struct TarBlockBuilder {
    private var block = [UInt8](repeating: 0, count: TarLayout.blockBytes)

    /// Puts as much of the text as fits; a field that is full has no NUL behind it.
    mutating func setText(_ text: [UInt8], in field: Range<Int>) {
        for (index, byte) in zip(field, text) { block[index] = byte }
    }

    /// Zero-padded octal digits and a NUL; zero for what does not fit, which a pax record states.
    mutating func setNumber(_ value: Int64, in field: Range<Int>) {
        var rest = TarNumber.fitsOctal(value, width: field.count) ? value : 0
        for index in field.dropLast().reversed() {
            block[index] = UInt8(ascii: "0") + UInt8(rest & 7)
            rest >>= 3
        }
    }

    /// As ``setNumber(_:in:)``, but big-endian behind a set high bit (GNU's base 256) what does not
    /// fit: no pax record states the number of a device.
    mutating func setDeviceNumber(_ value: UInt32, in field: Range<Int>) {
        guard !TarNumber.fitsOctal(Int64(value), width: field.count) else {
            return setNumber(Int64(value), in: field)
        }
        var rest = value
        for index in field.reversed() {
            block[index] = UInt8(truncatingIfNeeded: rest)
            rest >>= 8
        }
        block[field.lowerBound] = 0x80
    }

    /// The block with its type, magic and checksum.
    consuming func finished(typeFlag: UInt8) -> [UInt8] {
        block[TarLayout.typeFlag] = typeFlag
        setText(Array("ustar\0".utf8), in: TarLayout.magic)
        setText(Array("00".utf8), in: TarLayout.version)
        setText([UInt8](repeating: UInt8(ascii: " "), count: 8), in: TarLayout.checksum)
        let sum = block.reduce(into: Int64(0)) { $0 += Int64($1) }
        // Six digits, a NUL and a space: the checksum alone is written so.
        setNumber(sum, in: TarLayout.checksum.lowerBound..<(TarLayout.checksum.upperBound - 1))
        block[TarLayout.checksum.upperBound - 2] = 0
        return block
    }
}
