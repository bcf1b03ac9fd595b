/// The grammar of a pax header's body: `length SP key = value NL`, over and over, where the length
/// counts the whole record in decimal, itself included (POSIX.1-2017, pax, "Extended Header").
enum PaxRecord {
    /// Calls `body` with key and value of each record, in order.
    static func forEach(
        in records: Span<UInt8>,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws(TarError) -> Void
    ) throws(TarError) {
        var position = 0
        while position < records.count {
            let rest = records.extracting(position..<records.count)
            let (length, digits) = try length(at: rest)
            let record = rest.extracting((digits + 1)..<(length - 1))
            guard rest[length - 1] == UInt8(ascii: "\n") else {
                throw TarError(.invalidRecord, "a pax record does not end in a newline")
            }
            guard let equals = record.firstIndex(of: UInt8(ascii: "=")), equals > 0 else {
                throw TarError(.invalidRecord, "a pax record has no key")
            }
            try body(
                record.extracting(0..<equals), record.extracting((equals + 1)..<record.count))
            position += length
        }
    }

    static func append(key: [UInt8], value: [UInt8], to records: inout [UInt8]) {
        let bare = key.count + value.count + 3
        // The length counts its own digits; one more digit can make it one digit longer still.
        var length = bare + String(bare).utf8.count
        length = bare + String(length).utf8.count
        records.append(contentsOf: String(length).utf8)
        records.append(UInt8(ascii: " "))
        records.append(contentsOf: key)
        records.append(UInt8(ascii: "="))
        records.append(contentsOf: value)
        records.append(UInt8(ascii: "\n"))
    }

    /// The stated length, checked against what is there, and how many digits state it.
    private static func length(at rest: Span<UInt8>) throws(TarError) -> (Int, digits: Int) {
        var length = 0
        var digits = 0
        // Ten digits say more than any limit on a header's body.
        while digits < min(rest.count, 10), TarNumber.isDigit(rest[digits]) {
            length = length * 10 + Int(rest[digits] & 15)
            digits += 1
        }
        guard digits > 0, digits < rest.count, rest[digits] == UInt8(ascii: " ") else {
            throw TarError(.invalidRecord, "a pax record does not begin with its length")
        }
        guard length >= digits + 4, length <= rest.count else {
            throw TarError(.invalidRecord, "a pax record's length (\(length)) is wrong")
        }
        return (length, digits)
    }
}
