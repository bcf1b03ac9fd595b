package import Builder
internal import ImageSpec
internal import LinuxIO

extension NamedContext {
    /// Reads `--build-context NAME=SOURCE`.
    /// - Throws: ``EngineError`` `invalid`, `notFound`; ``BuildError`` `invalidArgument`.
    package init(parsing text: String) throws {
        guard let equals = text.firstIndex(of: "="), equals > text.startIndex,
            text.index(after: equals) < text.endIndex
        else {
            throw EngineError(
                .invalid, "--build-context \"\(text.visible)\" is no NAME=SOURCE",
                hint: "for example --build-context lib=../lib")
        }
        let name = String(text[..<equals])
        let source = String(text[text.index(after: equals)...])
        self.init(name: name, try Self.location(source, name))
    }

    private static func location(_ source: String, _ name: String) throws -> Location {
        func rest(_ prefix: String) -> String? {
            guard source.hasPrefix(prefix) else { return nil }
            let rest = source.dropFirst(prefix.count)
            return String(rest.hasPrefix("//") ? rest.dropFirst(2) : rest)
        }
        if let image = rest("docker-image:") { return .image(image) }
        if let layout = rest("oci-layout:") { return try Self.layout(layout) }
        if source.hasPrefix("target:") {
            throw EngineError(
                .invalid,
                "--build-context \(name.visible)=\(source.visible): targets are of bake "
                    + "files",
                hint: "build the target first, and give its image: docker-image://NAME")
        }
        if let remote = try RemoteSource(context: source) { return .remote(remote) }
        let path = try StoreLocation.absolute(source)
        do throws(Errno) {
            guard try FileStatus(ofPath: path).kind == .directory else { throw .notDirectory }
        } catch {
            throw EngineError(
                error == .notFound ? .notFound : .invalid,
                "could not open the context \(name.visible), \"\(source.visible)\": \(error)",
                hint:
                    "a context is a directory, docker-image://, oci-layout://, an address or a git "
                    + "repository")
        }
        return .directory(path)
    }

    /// `PATH[:TAG][@DIGEST]`; colons of a path that is there are its own.
    private static func layout(_ text: String) throws -> Location {
        var (path, name) = (text, String?.none)
        if let at = text.lastIndex(of: "@"), text[text.index(after: at)...].hasPrefix("sha256:") {
            path = String(text[..<at])
            name = String(text[text.index(after: at)...])
        }
        let whole = try StoreLocation.absolute(path)
        if !HostDirectory.exists(whole), let colon = path.lastIndex(of: ":"),
            !path[colon...].contains("/")
        {
            name = name ?? String(path[path.index(after: colon)...])
            return .layout(path: try StoreLocation.absolute(String(path[..<colon])), name: name)
        }
        return .layout(path: whole, name: name)
    }
}
