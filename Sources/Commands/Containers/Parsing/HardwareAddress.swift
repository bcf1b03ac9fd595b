/// `--mac-address`, as Docker reads it: six bytes, apart by `:` or `-`, or in three by `.`.
struct HardwareAddress {
    /// Six bytes with `:` between them.
    let text: String

    init(parsing given: String) throws {
        guard let bytes = Self.bytes(given) else {
            throw OptionError("--mac-address", given, "\(given) is not a valid mac address")
        }
        // The lowest bit of the first byte is that of addresses of many.
        guard bytes[0] & 1 == 0, bytes.contains(where: { $0 != 0 }) else {
            throw OptionError(
                "--mac-address", given, "no interface can have this address",
                hint: "the first byte is even, such as 02")
        }
        text = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }

    private static func bytes(_ text: String) -> [UInt8]? {
        for (separator, count, digits) in [(":", 6, 2), ("-", 6, 2), (".", 3, 4)] {
            let parts = text.split(
                separator: Character(separator), omittingEmptySubsequences: false)
            guard parts.count == count,
                parts.allSatisfy({ $0.count == digits && $0.allSatisfy(\.isHexDigit) })
            else { continue }
            let numbers = parts.compactMap { UInt16($0, radix: 16) }
            guard numbers.count == count else { return nil }
            return digits == 2
                ? numbers.map { UInt8($0) }
                : numbers.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        }
        return nil
    }
}
