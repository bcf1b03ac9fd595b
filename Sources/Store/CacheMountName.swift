package import ImageSpec

/// The name of a cache mount's directory, in the store and in the gallery.
///
/// The id with what is no plain character as `%` and two hex digits; then `@` and the beginning of
/// the digest of what it was first filled with, if anything; then `~` and a number for the further
/// ones that builds get which share it with nobody.
package struct CacheMountName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let text: String

    /// Longer ones are cut and get their digest; a file name has 255 bytes.
    private static let maximumIDBytes = 160

    package init(id: String, seed: Digest? = nil, instance: Int = 0) {
        var text = ""
        for byte in id.utf8 {
            let isPlain =
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                // A name in the gallery is no hidden one, and neither "." nor "..".
                case UInt8(ascii: "."): !text.isEmpty
                default: false
                }
            if isPlain {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                text += "%" + (hex.count == 1 ? "0" + hex : hex)
            }
        }
        if text.utf8.count > Self.maximumIDBytes {
            text =
                String(text.prefix(Self.maximumIDBytes)) + "=" + Digest(of: Array(id.utf8)).short
        }
        if text.isEmpty { text = "%" }
        if let seed { text += "@" + seed.short }
        if instance > 0 { text += "~\(instance)" }
        self.text = text
    }

    /// One that was read from a directory.
    /// - Returns: nil for what no name is.
    init?(fileName: [UInt8]) {
        guard let text = String(validating: fileName, as: UTF8.self), !text.hasPrefix("."),
            !text.contains("/")
        else { return nil }
        self.text = text
    }

    package var description: String { text }
    package static func < (a: Self, b: Self) -> Bool { a.text < b.text }
}
