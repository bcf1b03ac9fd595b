internal import LinuxIO

/// An argument of the command line as a text that keeps all its bytes.
///
/// Paths need not be UTF-8, and Swift's texts are. So each byte that is not stands as one of 128
/// characters for private use, U+10FF80 to U+10FFFF, which end in its number; where an argument has such a
/// character itself, the character's bytes do.
package enum ArgumentText {
    private static let base: UInt32 = 0x10_FF00
    private static let own = base + 0x80...base + 0xFF

    /// Those of this process, without the name of the program.
    package static var ofProcess: [String] { ProcessArguments.bytes.map(text) }

    package static func text(_ bytes: [UInt8]) -> String {
        var text = String.UnicodeScalarView()
        var parser = Unicode.UTF8.ForwardParser()
        var rest = bytes.makeIterator()
        var position = 0
        while true {
            let length: Int
            switch parser.parseScalar(from: &rest) {
            case .emptyInput: return String(text)
            case .valid(let encoded):
                length = encoded.count
                let scalar = Unicode.UTF8.decode(encoded)
                if !own.contains(scalar.value) {
                    text.append(scalar)
                    position += length
                    continue
                }
            case .error(let count): length = count
            }
            for byte in bytes[position..<(position + length)] {
                // All of them are above 127, and so within the plane.
                if let scalar = Unicode.Scalar(base + UInt32(byte)) { text.append(scalar) }
            }
            position += length
        }
    }

    /// The bytes that a text stands for.
    package static func bytes(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            if let byte = byte(scalar) {
                bytes.append(byte)
            } else {
                bytes += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
            }
        }
        return bytes
    }

    /// Whether it stands for bytes that are no UTF-8.
    package static func isRaw(_ text: String) -> Bool {
        text.unicodeScalars.contains { own.contains($0.value) }
    }

    /// For messages: such a byte as `\xFF`.
    package static func shown(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            byte(scalar).map { "\\x" + String($0, radix: 16, uppercase: true) } ?? String(scalar)
        }.joined()
    }

    private static func byte(_ scalar: Unicode.Scalar) -> UInt8? {
        own.contains(scalar.value) ? UInt8(scalar.value - base) : nil
    }
}
