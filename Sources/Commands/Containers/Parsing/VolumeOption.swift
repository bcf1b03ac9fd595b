internal import Dockerfile
internal import Store

/// `-v [SOURCE:]TARGET[:OPTIONS]`, as Docker reads it.
///
///     /data                     an anonymous volume
///     name:/data:ro             a volume by its name
///     /srv/www:/www:ro,rslave   a directory or a file of the host; ./www, too
struct VolumeOption {
    let mount: ContainerSettings.ContainerMount

    private static let propagations: Set<String> = [
        "shared", "slave", "private", "rshared", "rslave", "rprivate",
    ]
    /// Labels of SELinux and promises of consistency for other systems: without effect here.
    private static let labels: Set<String> = ["z", "Z"]
    private static let consistencies: Set<String> = ["consistent", "cached", "delegated"]
    private static let accesses: Set<String> = ["ro", "rw"]

    /// - Parameters:
    ///   - absolute: a path of the host that is relative to the working directory, made absolute.
    ///   - newName: makes the name of an anonymous volume.
    init(
        parsing text: String, option: String = "--volume",
        absolute: (String) throws -> String, newName: () -> String = AnonymousVolume.newName
    ) throws {
        func invalid(_ reason: String, _ hint: String? = nil) -> OptionError {
            OptionError(
                option, text, reason,
                hint: hint ?? "write TARGET, NAME:TARGET or PATH:TARGET, and :ro after it")
        }
        let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            .map(String.init)
        guard !parts[0].isEmpty else { throw invalid("invalid volume specification") }
        let target: String
        var source: String?
        var mode: String?
        switch parts.count {
        case 1: target = parts[0]
        case 2:
            guard !Self.isMode(parts[1]) else {
                throw invalid("a mode needs a source: an anonymous volume has none")
            }
            (source, target) = (parts[0], parts[1])
        default: (source, target, mode) = (parts[0], parts[1], parts[2])
        }
        let place = try Self.target(target, invalid)
        var mount: ContainerSettings.ContainerMount
        if let source, source.hasPrefix("/") || source.hasPrefix(".") {
            let path = try absolute(source)
            mount = .init(.bind(path: path, isMade: true), target: place)
        } else if let source {
            guard source.utf8.count > 1 else {
                throw invalid(
                    "the volume name is too short, names should be at least two alphanumeric "
                        + "characters",
                    "a directory of the host is written with its whole path, or ./ before it")
            }
            guard VolumeName.isValid(source) else {
                throw invalid(
                    "\"\(source)\" includes invalid characters for a local volume name, only "
                        + "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed",
                    "a directory of the host is written with its whole path, or ./ before it")
            }
            mount = .init(.volume(name: source, isAnonymous: false), target: place)
        } else {
            mount = .init(.volume(name: newName(), isAnonymous: true), target: place)
        }
        if let mode { try Self.apply(mode, to: &mount, invalid) }
        self.mount = mount
    }

    static func target(
        _ text: String, _ invalid: (String, String?) -> OptionError
    ) throws -> String {
        guard text.hasPrefix("/") else {
            throw invalid("invalid mount path: '\(text)' mount path must be absolute", nil)
        }
        let path = CleanedPath.absolute(text)
        guard path != "/" else {
            throw invalid("invalid specification: destination can't be '/'", nil)
        }
        return path
    }

    private static func isMode(_ text: String) -> Bool {
        let known = accesses.union(labels).union(propagations).union(["nocopy"])
        return !text.isEmpty
            && text.split(separator: ",", omittingEmptySubsequences: false)
                .allSatisfy { known.contains(String($0)) }
    }

    private static func apply(
        _ mode: String, to mount: inout ContainerSettings.ContainerMount,
        _ invalid: (String, String?) -> OptionError
    ) throws {
        var isBind = false
        if case .bind = mount.source { isBind = true }
        var seen: Set<String> = []
        for word in mode.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
            let kind: String
            switch word {
            case _ where accesses.contains(word):
                kind = "access"
                mount.isReadOnly = word == "ro"
            case _ where labels.contains(word): kind = "label"
            case _ where consistencies.contains(word): kind = "consistency"
            case _ where propagations.contains(word):
                kind = "propagation"
                guard isBind else {
                    throw invalid("invalid mode: \(mode): \(word) is for paths of the host", nil)
                }
                mount.propagation = word
            case "nocopy":
                kind = word
                guard !isBind else {
                    throw invalid("invalid mode: \(mode): nocopy is for volumes", nil)
                }
                mount.isFilled = false
            default:
                let known = accesses.union(labels).union(propagations).union(["nocopy"]).sorted()
                throw invalid(
                    "invalid mode: \(mode)",
                    Suggestion.hint(for: word, among: known)
                        ?? "modes are \(known.joined(separator: ", "))")
            }
            guard seen.insert(kind).inserted else {
                throw invalid("invalid mode: \(mode): it says two things at once", nil)
            }
        }
    }
}
