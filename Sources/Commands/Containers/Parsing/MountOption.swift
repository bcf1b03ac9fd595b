internal import Dockerfile
internal import Store

/// `--mount type=…,source=…,target=…`, as Docker reads it.
struct MountOption {
    private(set) var mount: ContainerSettings.ContainerMount
    private let text: String

    /// The keys that Docker knows, with their synonyms, and the type that they are for.
    private static let keys: [String: String?] = [
        "type": nil, "source": nil, "src": nil, "target": nil, "destination": nil, "dst": nil,
        "readonly": nil, "ro": nil, "consistency": nil,
        "bind-propagation": "bind", "bind-nonrecursive": "bind", "bind-recursive": "bind",
        "bind-create-src": "bind",
        "volume-nocopy": "volume", "volume-label": "volume", "volume-driver": "volume",
        "volume-opt": "volume", "volume-subpath": "volume",
        "tmpfs-size": "tmpfs", "tmpfs-mode": "tmpfs", "tmpfs-options": "tmpfs",
    ]
    private static let types = ["bind", "volume", "tmpfs"]
    private static let propagations = [
        "private", "rprivate", "shared", "rshared", "slave", "rslave",
    ]

    /// - Parameters:
    ///   - absolute: a path of the host that is relative to the working directory, made absolute.
    ///   - newName: makes the name of an anonymous volume.
    init(
        parsing text: String, absolute: (String) throws -> String,
        newName: () -> String = AnonymousVolume.newName
    ) throws {
        self.text = text
        mount = .init(.volume(name: "", isAnonymous: false), target: "/")
        let fields: [MountOptions.Option]
        do {
            fields = try MountOptions(parsing: text).options
        } catch {
            throw invalid(
                error.message, hint: "write key=value,key=value; a value with a comma is quoted")
        }
        let type = try type(fields)
        var source: String?
        var target: String?
        var makesSource = false
        var (size, mode): (Int64?, String?)
        for field in fields {
            try checkKey(field, type)
            switch field.key {
            case "type": break
            case "source", "src": source = try value(field)
            case "target", "destination", "dst": target = try value(field)
            case "readonly", "ro": mount.isReadOnly = try flag(field)
            case "consistency": _ = try value(field)
            case "bind-propagation": mount.propagation = try propagation(field)
            case "bind-nonrecursive": mount.isRecursive = try !flag(field)
            case "bind-recursive": try setRecursion(try value(field))
            case "bind-create-src": makesSource = try flag(field)
            case "volume-nocopy": mount.isFilled = try !flag(field)
            case "volume-driver":
                guard ["", "local"].contains(try value(field)) else {
                    throw invalid(
                        "there is no volume driver \"\(try value(field))\"",
                        hint: "volumes are directories of this host: leave it out")
                }
            case "tmpfs-size": size = try byteCount(field)
            case "tmpfs-mode": mode = try octal(field)
            case "tmpfs-options":
                mount.options += try value(field).split(separator: ",").map(String.init)
            default:
                throw invalid(
                    "\"\(field.key)\" is not supported",
                    hint: "volumes are plain directories of this host: leave it out")
            }
        }
        guard let target, !target.isEmpty else {
            throw invalid("target is required", hint: "add target=/PATH, a path in the container")
        }
        mount.target = try VolumeOption.target(target) { self.invalid($0, hint: $1) }
        mount.source = try place(type, source, makesSource, size, mode, absolute, newName)
    }

    private func invalid(_ reason: String, hint: String? = nil) -> OptionError {
        OptionError("--mount", text, reason, hint: hint)
    }

    private func type(_ fields: [MountOptions.Option]) throws -> String {
        guard let type = fields.last(where: { $0.key == "type" })?.value else { return "volume" }
        let lower = type.lowercased()
        guard Self.types.contains(lower) else {
            throw invalid(
                "\"\(type)\" is no type of mount",
                hint: Suggestion.hint(for: lower, among: Self.types)
                    ?? "types are bind, volume, tmpfs")
        }
        return lower
    }

    private func checkKey(_ field: MountOptions.Option, _ type: String) throws {
        guard let owner = Self.keys[field.key] else {
            throw invalid(
                "unexpected key '\(field.key)' in '\(field.key)=\(field.value ?? "")'",
                hint: Suggestion.hint(for: field.key, among: Self.keys.keys.sorted())
                    ?? "keys are \(Self.keys.keys.sorted().joined(separator: ", "))")
        }
        if let owner, owner != type {
            throw invalid("cannot mix '\(owner)-*' options with mount type '\(type)'")
        }
    }

    private func value(_ field: MountOptions.Option) throws -> String {
        guard let value = field.value else {
            throw invalid("invalid field '\(field.key)' must be a key=value pair")
        }
        return value
    }

    private func flag(_ field: MountOptions.Option) throws -> Bool {
        guard let value = field.value else { return true }
        guard let flag = GoBoolean.parse(value) else {
            throw invalid("invalid value for \(field.key): \(value)", hint: "write true or false")
        }
        return flag
    }

    private func propagation(_ field: MountOptions.Option) throws -> String {
        let value = try value(field).lowercased()
        guard Self.propagations.contains(value) else {
            throw invalid(
                "invalid propagation config in type bind: \(value)",
                hint: Suggestion.hint(for: value, among: Self.propagations)
                    ?? "it is one of \(Self.propagations.joined(separator: ", "))")
        }
        return value
    }

    private mutating func setRecursion(_ value: String) throws {
        switch value {
        case "enabled", "writable", "readonly": mount.isRecursive = true
        case "disabled": mount.isRecursive = false
        default:
            throw invalid(
                "invalid value for bind-recursive: \(value)",
                hint: "it is one of enabled, disabled, writable, readonly")
        }
    }

    private func byteCount(_ field: MountOptions.Option) throws -> Int64 {
        let value = try value(field)
        guard let bytes = ByteSize.parse(value) else {
            throw invalid("invalid value for \(field.key): \(value)", hint: "write 64m or 1g")
        }
        return bytes
    }

    private func octal(_ field: MountOptions.Option) throws -> String {
        let value = try value(field)
        guard let mode = UInt32(value, radix: 8), mode <= 0o7777 else {
            throw invalid("invalid value for \(field.key): \(value)", hint: "write 1777 or 0700")
        }
        return String(mode, radix: 8)
    }

    private func place(
        _ type: String, _ source: String?, _ makesSource: Bool, _ size: Int64?, _ mode: String?,
        _ absolute: (String) throws -> String, _ newName: () -> String
    ) throws -> ContainerSettings.ContainerMount.Source {
        switch type {
        case "bind":
            guard let source, !source.isEmpty else {
                throw invalid("source is required for a bind", hint: "add source=/PATH of the host")
            }
            guard source.hasPrefix("/") || source.hasPrefix(".") else {
                throw invalid(
                    "invalid mount path: '\(source)' mount path must be absolute",
                    hint: "put ./ before it, or write type=volume if it is a volume's name")
            }
            return .bind(path: try absolute(source), isMade: makesSource)
        case "tmpfs":
            guard source == nil else {
                throw invalid("source must not be specified: a tmpfs has none")
            }
            return .memory(sizeBytes: size, mode: mode)
        default:
            guard let source, !source.isEmpty else {
                return .volume(name: newName(), isAnonymous: true)
            }
            guard VolumeName.isValid(source) else {
                throw invalid(
                    "\"\(source)\" is no name of a volume",
                    hint: source.hasPrefix("/") ? "add type=bind for a path of the host" : nil)
            }
            return .volume(name: source, isAnonymous: false)
        }
    }
}
