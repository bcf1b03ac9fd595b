internal import Builder
internal import Engine
internal import ImageSpec

/// What `build --show-context` prints.
struct ContextReport {
    let isJSON: Bool

    private struct Sum {
        var files = 0
        var bytes: UInt64 = 0

        mutating func add(_ entry: ContextListing.Entry) {
            guard entry.kind != .directory || entry.isIgnored else { return }
            files += entry.fileCount
            bytes += entry.sizeBytes
        }
    }

    func show(_ location: ContextLocation, _ dockerfile: DockerfileLocation) throws {
        guard case .directory(let path) = location else {
            throw EngineError(.invalid, "--show-context shows directories of this host")
        }
        let listing: ContextListing
        var (sent, ignored) = (Sum(), Sum())
        var rows: [JSONValue] = []
        do {
            listing = try ContextListing(path, dockerfile: dockerfile)
            try listing.forEach { entry in
                if entry.isIgnored { ignored.add(entry) } else { sent.add(entry) }
                if isJSON {
                    rows.append(Self.json(entry))
                } else {
                    Terminal.write(Self.line(entry))
                }
            }
        } catch let error as BuildError {
            throw EngineError(.failed, error.rendered())
        }
        guard isJSON else {
            Terminal.write(
                "sent: \(sent.files) files, \(sent.bytes) bytes; "
                    + "ignored: \(ignored.files) files, \(ignored.bytes) bytes\n")
            return
        }
        var object = JSONObject()
        object["entries"] = .array(rows)
        object["sent"] = Self.json(sent)
        object["ignored"] = Self.json(ignored)
        Terminal.write(.object(object), indent: 2)
    }

    /// `sent        1234  src/main.c`
    private static func line(_ entry: ContextListing.Entry) -> String {
        let size = String(entry.sizeBytes)
        var text = entry.isIgnored ? "ignored " : "sent    "
        text += String(repeating: " ", count: max(0, 12 - size.count)) + size + "  "
        text += String(decoding: entry.path, as: UTF8.self).visible
        if entry.kind == .directory { text += "/" }
        if entry.kind == .directory, entry.isIgnored { text += " (\(entry.fileCount) files)" }
        if let rule = entry.rule {
            text += "  \(rule.file):\(rule.line): \(rule.pattern.visible)"
        }
        return text + "\n"
    }

    private static func json(_ sum: Sum) -> JSONValue {
        var object = JSONObject()
        object["files"] = JSONValue(UInt64(sum.files))
        object["bytes"] = JSONValue(sum.bytes)
        return .object(object)
    }

    private static func json(_ entry: ContextListing.Entry) -> JSONValue {
        var object = JSONObject()
        object["path"] = .string(String(decoding: entry.path, as: UTF8.self))
        object["type"] = .string(entry.kind.rawValue)
        object["bytes"] = JSONValue(entry.sizeBytes)
        object["files"] = JSONValue(UInt64(entry.fileCount))
        object["sent"] = .bool(!entry.isIgnored)
        if let rule = entry.rule {
            var origin = JSONObject()
            origin["file"] = .string(rule.file)
            origin["line"] = JSONValue(UInt64(rule.line))
            origin["pattern"] = .string(rule.pattern)
            object["rule"] = .object(origin)
        }
        return .object(object)
    }
}
