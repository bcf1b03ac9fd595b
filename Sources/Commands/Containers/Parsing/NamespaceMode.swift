internal import Dockerfile
internal import Engine
internal import Store

/// `--pid`, `--ipc`, `--uts`, `--cgroupns` and `--userns`: whose namespace a container has.
enum NamespaceMode {
    static func processes(
        _ text: String?, _ engine: Engine
    ) throws -> ContainerSettings.ProcessMode {
        switch text {
        case nil, "", "private": return .own
        case "host": return .host
        case let text?:
            if let id = try container(text, "--pid", engine) { return .container(id) }
            throw invalid(
                text, "--pid", "invalid PID mode", among: ["host", "private", "container:NAME"])
        }
    }

    static func interprocess(
        _ text: String?, _ engine: Engine
    ) throws -> ContainerSettings.InterprocessMode {
        switch text {
        case nil, "", "private": return .own
        case "none": return .none
        case "shareable": return .shareable
        case "host": return .host
        case let text?:
            if let id = try container(text, "--ipc", engine) { return .container(id) }
            throw invalid(
                text, "--ipc", "invalid IPC mode",
                among: ["private", "shareable", "none", "host", "container:NAME"])
        }
    }

    /// - Returns: whether it is the host's.
    static func names(_ text: String?) throws -> Bool {
        switch text {
        case nil, "", "private": return false
        case "host": return true
        case let text?:
            throw invalid(text, "--uts", "invalid UTS mode", among: ["host", "private"])
        }
    }

    /// - Returns: whether they are its own; nil if nothing was said.
    static func controlGroups(_ text: String?) throws -> Bool? {
        switch text {
        case nil, "": return nil
        case "private": return true
        case "host": return false
        case let text?:
            throw invalid(
                text, "--cgroupns", "invalid CGROUP mode", among: ["private", "host"])
        }
    }

    /// - Returns: whether the host's were asked for; they are what there is.
    static func users(_ text: String?) throws -> Bool {
        switch text {
        case nil, "": return false
        case "host": return true
        case let text?:
            throw OptionError(
                "--userns", text, "invalid USER mode",
                hint: "containers have the host's users (host): there are no user namespaces")
        }
    }

    /// The ID of the container that `container:NAME` names; nil for another text.
    static func container(
        _ text: String, _ option: String, _ engine: Engine
    ) throws -> String? {
        let head = "container:"
        guard text.hasPrefix(head) else { return nil }
        let name = String(text.dropFirst(head.count))
        guard !name.isEmpty else {
            throw OptionError(option, text, "invalid container format container:<name|id>")
        }
        return try engine.container(name).id.text
    }

    private static func invalid(
        _ text: String, _ option: String, _ reason: String = "invalid mode", among known: [String]
    ) -> OptionError {
        OptionError(
            option, text, reason,
            hint: Suggestion.hint(for: text, among: known)
                ?? "there are \(known.dropLast().joined(separator: ", ")) and \(known.last ?? "")")
    }
}
