internal import Dockerfile
internal import ImageSpec

/// What `--cache-from` and `--cache-to` name.
package struct CachePlace: Hashable, Sendable {
    /// Which entries are exported.
    package enum Mode: String, Hashable, Sendable {
        /// Those whose layers the image has.
        case min
        /// Those of all steps, also of stages that are only copied from.
        case max
    }

    /// Absolute.
    package var directory: String
    package var mode = Mode.min
    /// Of the layers that are exported.
    package var compression = LayerCompression()
    /// `ignore-error=true`: a build is done whether its cache could be exported or not.
    package var ignoresErrors = false

    /// `type=local,src=DIR`
    /// - Throws: ``EngineError`` `invalid`, `unavailable`.
    package init(source text: String) throws {
        try self.init(text, directory: "src", option: "from")
    }

    /// `type=local,dest=DIR[,mode=min|max][,compression=…,compression-level=…,force-compression=…]`
    /// `[,ignore-error=true]`
    /// - Throws: ``EngineError`` `invalid`, `unavailable`.
    package init(target text: String) throws {
        try self.init(text, directory: "dest", option: "to", hasMode: true)
    }

    private init(
        _ text: String, directory name: String, option: String, hasMode: Bool = false
    ) throws {
        let example = "--cache-\(option) type=local,\(name)=DIRECTORY"
        var values: [String: String] = [:]
        for part in text.split(separator: ",") {
            let words = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            // Docker's short form is an image of a registry.
            guard words.count == 2 else {
                throw text.contains("=")
                    ? EngineError(
                        .invalid, "\"\(part)\" is not NAME=VALUE", hint: "write \(example)")
                    : Self.unavailable("registry", example)
            }
            values[words[0].lowercased()] = String(words[1])
        }
        let type = values.removeValue(forKey: "type")
        guard type == "local" else { throw Self.unavailable(type ?? "", example) }
        guard let path = values.removeValue(forKey: name), !path.isEmpty else {
            throw EngineError(
                .invalid, "\"\(text)\" names no directory", hint: "write \(example)")
        }
        directory = try StoreLocation.absolute(path)
        if hasMode, let text = values.removeValue(forKey: "mode") {
            guard let mode = Mode(rawValue: text) else {
                throw EngineError(
                    .invalid, "a cache has no mode \"\(text)\"", hint: "use mode=min or mode=max")
            }
            self.mode = mode
        }
        if hasMode {
            compression = try LayerCompression(&values, "--cache-\(option) \"\(text)\"")
            if let text = values.removeValue(forKey: "ignore-error") {
                guard let ignores = GoBoolean.parse(text) else {
                    throw EngineError(
                        .invalid, "\"ignore-error=\(text)\" is neither true nor false",
                        hint: "write ignore-error=true")
                }
                ignoresErrors = ignores
            }
            for name in ["oci-mediatypes", "image-manifest", "tag"] {
                // What says how, where there is one way here.
                values[name] = nil
            }
        }
        if let other = values.keys.sorted().first {
            throw EngineError(
                .invalid, "--cache-\(option) of type=local has no \"\(other)\"",
                hint: "write \(example)\(hasMode ? "[,mode=min|max]" : "")")
        }
    }

    private static func unavailable(_ type: String, _ example: String) -> EngineError {
        switch type {
        case "registry":
            EngineError(
                .unavailable,
                "caches of registries need the registry client, which is not there yet",
                hint: "write \(example), and carry the directory: it is an OCI image layout")
        case "inline":
            EngineError(
                .unavailable, "images are not given their cache (type=inline)",
                hint: "write \(example),mode=min")
        case "gha", "s3", "azblob":
            EngineError(
                .unavailable,
                "caches of type=\(type) are services of others, which are not spoken to",
                hint: "write \(example), and have the service keep the directory")
        default:
            EngineError(
                .invalid, "there is no cache of type \"\(type)\"", hint: "write \(example)")
        }
    }
}
