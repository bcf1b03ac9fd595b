internal import LinuxIO

/// What `mount` is told to show: an image of the store, or something outside it by a transport's
/// name, as Podman and skopeo write it.
package enum ImageSource: Hashable, Sendable {
    /// A name, an ID or its first digits.
    case stored(String)
    /// An archive of either format.
    case archive(transport: String, path: String, name: String?)
    /// An OCI layout.
    case layout(path: String, name: String?)
    /// A directory of the host, as it is.
    case directory(path: String)

    /// Paths become absolute.
    /// - Parameter exists: whether there is something at a path of the host.
    /// - Throws: ``EngineError`` `invalid`, `unavailable`.
    package init(
        _ text: String, exists: (String) -> Bool = { HostDirectory.exists($0) }
    ) throws {
        guard let colon = text.firstIndex(of: ":"), !text.hasPrefix("sha256:") else {
            self = .stored(text)
            return
        }
        let transport = String(text[..<colon])
        let rest = String(text[text.index(after: colon)...])
        switch transport {
        case "docker" where rest.hasPrefix("//"):
            throw EngineError(
                .unavailable, "images of registries are not mounted yet: \(text)",
                hint: "skopeo fetches one: skopeo copy \(text) docker-archive:/dev/stdout | "
                    + "vitrine load")
        case "docker-archive", "oci-archive", "oci", "dir":
            guard !rest.isEmpty else {
                throw EngineError(.invalid, "\"\(text)\" names no path")
            }
        default:
            self = .stored(text)
            return
        }
        let whole = try StoreLocation.absolute(rest)
        if transport == "dir" {
            self = .directory(path: whole)
            return
        }
        // Colons are part of a path that is there, and else begin a name.
        var (path, name) = (whole, String?.none)
        if !exists(whole), let end = rest.firstIndex(of: ":") {
            path = try StoreLocation.absolute(String(rest[..<end]))
            name = String(rest[rest.index(after: end)...])
        }
        self =
            transport == "oci"
            ? .layout(path: path, name: name)
            : .archive(transport: transport, path: path, name: name)
    }

    /// The source with its path absolute, as another process may be given it.
    package var text: String {
        switch self {
        case .stored(let name): name
        case .archive(let transport, let path, let name):
            "\(transport):\(path)" + (name.map { ":" + $0 } ?? "")
        case .layout(let path, let name): "oci:\(path)" + (name.map { ":" + $0 } ?? "")
        case .directory(let path): "dir:\(path)"
        }
    }

    /// Whether it is to be read into the store first.
    package var isForeign: Bool {
        if case .stored = self { false } else { true }
    }
}
