package import ImageSpec

/// How `--output` and `--cache-to` have layers compressed: `compression=gzip,compression-level=9`.
package struct LayerCompression: Hashable, Sendable {
    package var format = MediaType.Compression.none
    /// On the format's own scale; nil is its default.
    package var level: Int?
    /// Whether layers that are there already, compressed otherwise, are written anew.
    package var isForced = false

    package init() {}

    /// Takes its fields out of those of an option.
    /// - Parameter whole: the option, for messages.
    /// - Throws: ``EngineError`` `invalid`.
    init(_ fields: inout [String: String], _ whole: String) throws {
        switch fields.removeValue(forKey: "compression") {
        case nil, "uncompressed": break
        case "gzip": format = .gzip
        case "zstd": format = .zstd
        case let other?:
            throw Self.invalid(
                "\(whole): there is no compression \"\(other)\"", "it is uncompressed, gzip or zstd"
            )
        }
        if let text = fields.removeValue(forKey: "compression-level") {
            let levels = format == .zstd ? 1...22 : 0...9
            // As in BuildKit, it means nothing without a compression.
            guard let level = Int(text), levels.contains(level) || format == .none else {
                throw Self.invalid(
                    "\(whole): there is no compression level \"\(text)\"",
                    "levels of gzip are 0 to 9, those of zstd 1 to 22")
            }
            if format != .none { self.level = level }
        }
        if let text = fields.removeValue(forKey: "force-compression") {
            switch text.lowercased() {
            case "true", "1", "t": isForced = true
            case "false", "0", "f": break
            default:
                throw Self.invalid(
                    "\(whole): force-compression is true or false, not \"\(text)\"", nil)
            }
        }
    }

    private static func invalid(_ message: String, _ hint: String?) -> EngineError {
        EngineError(.invalid, message.visible, hint: hint)
    }
}
