package import Builder
internal import Glibc
internal import ImageSpec
internal import Layers

/// What `--output` says, by BuildKit's rules.
///
///     DIRECTORY                    as type=local,dest=DIRECTORY
///     -                            as type=tar,dest=-
///     type=TYPE,dest=PATH,name=…   CSV; TYPE is image, docker, oci, tar, local, registry, cacheonly
package enum OutputSpecification: Hashable, Sendable {
    case output(BuildOutput)
    /// The result is wanted in the cache only.
    case nothing

    /// - Throws: ``EngineError`` `invalid`, `unavailable`.
    package init(_ text: String) throws {
        if text == "-" {
            self = .output(BuildOutput(.tar(.descriptor(STDOUT_FILENO))))
            return
        }
        guard text.contains("=") else {
            self = .output(BuildOutput(.directory(try StoreLocation.absolute(text))))
            return
        }
        var fields: [String: String] = [:]
        var annotations: [ImageAnnotation] = []
        for field in try Self.fields(of: text) {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map(String.init)
            guard parts.count == 2 else {
                throw Self.invalid(text, "\"\(field)\" is no NAME=VALUE")
            }
            if let annotation = try ImageAnnotation.parse(field: parts[0], value: parts[1]) {
                annotations.append(annotation)
                continue
            }
            guard fields.updateValue(parts[1], forKey: parts[0].lowercased()) == nil else {
                throw Self.invalid(text, "\"\(parts[0])\" is given twice")
            }
        }
        try self.init(fields, annotations, text)
    }

    private init(
        _ fields: [String: String], _ annotations: [ImageAnnotation], _ text: String
    ) throws {
        var fields = fields
        guard let type = fields.removeValue(forKey: "type") else {
            throw Self.invalid(text, "it has no type")
        }
        let named = fields.removeValue(forKey: "dest") ?? fields.removeValue(forKey: "output")
        // Never the working directory by accident.
        let destination = named.flatMap { $0.isEmpty ? nil : $0 }
        let names = try Self.names(fields.removeValue(forKey: "name"))
        let compression = try LayerCompression(&fields, "--output \"\(text)\"")
        let isTar = try Self.flag(&fields, "tar", text) ?? true
        let splitsPlatforms = try Self.flag(&fields, "platform-split", text)
        if try Self.flag(&fields, "push", text) == true || type == "registry" {
            throw Self.noRegistry
        }
        // What says how, where there is one way here.
        for name in [
            "oci-mediatypes", "rewrite-timestamp", "store", "unpack", "buildinfo",
            "dangling-name-prefix", "context",
        ] {
            fields[name] = nil
        }
        if let name = fields.keys.min() {
            throw Self.invalid(text, "\"\(name)\" means nothing with type=\(type)")
        }
        let kind: BuildOutput.Kind
        switch type {
        case "image": kind = .image
        case "cacheonly":
            self = .nothing
            return
        case "docker" where destination == nil && isTar: kind = .image
        case "docker", "oci":
            kind = try Self.archive(type, destination, isTar, text)
        case "tar": kind = .tar(try Self.target(destination))
        case "local":
            guard let destination, destination != "-" else {
                throw Self.invalid(text, "type=local needs a directory, dest=DIRECTORY")
            }
            kind = .directory(try StoreLocation.absolute(destination))
        default:
            throw Self.invalid(
                text, "there is no type \"\(type)\"",
                "types are docker, oci, tar, local, image, registry and cacheonly")
        }
        var output = BuildOutput(kind, names: names, compression: compression.format)
        output.compressionLevel = compression.level
        output.annotations = annotations
        output.splitsPlatforms = splitsPlatforms
        if output.takesFilesOnly, let annotation = annotations.first {
            throw Self.invalid(
                text, "files have no annotations, such as \"\(annotation.name)\"")
        }
        self = .output(output)
    }

    private static func archive(
        _ type: String, _ destination: String?, _ isTar: Bool, _ text: String
    ) throws -> BuildOutput.Kind {
        if isTar {
            return .archive(type == "docker" ? .docker : .oci, try target(destination))
        }
        guard let destination, destination != "-" else {
            throw invalid(text, "tar=false needs a directory, dest=DIRECTORY")
        }
        return .layout(directory: try StoreLocation.absolute(destination))
    }

    private static func target(_ destination: String?) throws -> ArchiveTarget {
        guard let destination, destination != "-" else { return .descriptor(STDOUT_FILENO) }
        return .path(try StoreLocation.absolute(destination))
    }

    private static func names(_ text: String?) throws -> [Reference] {
        try (text ?? "").split(separator: ",").map { try Engine.buildTag(String($0)) }
    }

    private static func flag(
        _ fields: inout [String: String], _ name: String, _ text: String
    ) throws -> Bool? {
        switch fields.removeValue(forKey: name)?.lowercased() {
        case nil: return nil
        case "true", "1", "t": return true
        case "false", "0", "f": return false
        case let value?: throw invalid(text, "\(name) is true or false, not \"\(value)\"")
        }
    }

    /// Values with commas stand in double quotes, as in CSV; a quote in them is doubled.
    private static func fields(of text: String) throws -> [String] {
        var fields = [""]
        var isQuoted = false
        var rest = text[...]
        while let character = rest.popFirst() {
            if character == "\"" {
                if isQuoted, rest.first == "\"" {
                    fields[fields.count - 1].append(rest.removeFirst())
                } else {
                    isQuoted.toggle()
                }
            } else if character == ",", !isQuoted {
                fields.append("")
            } else {
                fields[fields.count - 1].append(character)
            }
        }
        if isQuoted { throw invalid(text, "a quote is not closed") }
        return fields
    }

    package static let noRegistry = EngineError(
        .unavailable, "images are not pushed to registries yet",
        hint: "write an archive with --output type=oci,dest=FILE; \"skopeo copy oci-archive:FILE "
            + "docker://NAME\" pushes it")

    private static func invalid(
        _ text: String, _ what: String, _ hint: String? = nil
    ) -> EngineError {
        EngineError(
            .invalid, "--output \"\(text.visible)\": \(what.visible)",
            hint: hint ?? "for example --output type=oci,dest=app.tar, or --output DIRECTORY")
    }

    /// Whether it is written to standard output.
    package var usesStandardOutput: Bool {
        guard case .output(let output) = self else { return false }
        switch output.kind {
        case .archive(_, .descriptor), .tar(.descriptor): return true
        default: return false
        }
    }
}
