internal import ArgumentParser
internal import Dockerfile
internal import Engine
internal import Foundation
internal import ImageSpec
internal import Store

/// What a container may do.
struct SecurityOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A capability more, or ALL.", valueName: "name"))
    var capAdd: [String] = []
    @Option(help: ArgumentHelp("A capability less, or ALL.", valueName: "name"))
    var capDrop: [String] = []
    @Flag(help: "All capabilities and devices, nothing hidden or filtered.")
    var privileged = false
    @Option(
        help: ArgumentHelp(
            "How it is shut in.",
            valueName: "seccomp=file|unconfined, no-new-privileges, systempaths=unconfined"))
    var securityOpt: [String] = []
    @Option(help: ArgumentHelp("A parameter of its kernel.", valueName: "name=value"))
    var sysctl: [String] = []
    @Option(
        help: ArgumentHelp(
            "See the host's processes, or another container's.",
            valueName: "host|container:name"))
    var pid: String?
    @Option(
        help: ArgumentHelp(
            "Whose memory segments it sees: its own, which others may join or not, none, the "
                + "host's or another container's.",
            valueName: "private|shareable|none|host|container:name"))
    var ipc: String?
    @Option(
        help: ArgumentHelp("Whose users it has: the host's, as always.", valueName: "host"))
    var userns: String?
    @Option(help: ArgumentHelp("Have the host's name.", valueName: "host"))
    var uts: String?

    func apply(
        to settings: inout ContainerSettings, _ engine: Engine,
        _ surroundings: OptionSurroundings
    ) throws {
        settings.isPrivileged = privileged
        settings.addedCapabilities = try capAdd.map { try capability($0, "--cap-add") }
        settings.droppedCapabilities = try capDrop.map { try capability($0, "--cap-drop") }
        settings.securityOptions = securityOpt
        for text in securityOpt { try apply(text, to: &settings, surroundings) }
        for text in sysctl {
            let parameter = try KernelParameter.parse(text)
            settings.kernelParameters[parameter.name] = parameter.value
        }
        settings.processes = try NamespaceMode.processes(pid, engine)
        settings.interprocess = try NamespaceMode.interprocess(ipc, engine)
        settings.sharesHostNames = try NamespaceMode.names(uts)
        settings.sharesHostUsers = try NamespaceMode.users(userns)
        if settings.sharesHostNames, let name = settings.hostname ?? settings.domainName {
            throw OptionError(
                "--uts", "host", "conflicting options: hostname and the UTS mode",
                hint: "leave out --hostname \(name), or --uts host")
        }
    }

    private func capability(_ text: String, _ option: String) throws -> String {
        guard let name = ContainerCapabilities.name(text) else {
            let known = ContainerCapabilities.all.map { String($0.dropFirst("CAP_".count)) }
            throw OptionError(
                option, text, "unknown capability: \"CAP_\(text.uppercased())\"",
                hint: Suggestion.hint(for: text, among: known, ignoringCase: true)
                    ?? "capabilities(7) lists them; ALL is all of them")
        }
        return name
    }

    private static let kinds = [
        "seccomp", "no-new-privileges", "systempaths", "apparmor", "label",
    ]

    private func apply(
        _ text: String, to settings: inout ContainerSettings,
        _ surroundings: OptionSurroundings
    ) throws {
        func invalid(_ reason: String, _ hint: String? = nil) -> OptionError {
            OptionError("--security-opt", text, reason, hint: hint)
        }
        // ":" is what Docker wrote once.
        let separator = text.firstIndex { $0 == "=" || $0 == ":" }
        let kind = String(text[..<(separator ?? text.endIndex)])
        let value = separator.map { String(text[text.index(after: $0)...]) }
        switch (kind, value) {
        case ("no-new-privileges", nil): settings.hasNoNewPrivileges = true
        case ("no-new-privileges", let value?):
            guard let flag = GoBoolean.parse(value) else {
                throw invalid("invalid value", "write true or false")
            }
            settings.hasNoNewPrivileges = flag
        case ("seccomp", let value?):
            settings.seccomp = try seccomp(value, surroundings, invalid)
        case ("systempaths", "unconfined"?): settings.showsSystemPaths = true
        case ("apparmor", _?), ("label", _?):
            surroundings.note(
                "--security-opt \(text): without effect, containers have no such profile here")
        default:
            throw invalid(
                "Invalid --security-opt",
                Suggestion.hint(for: kind, among: Self.kinds)
                    ?? "there are \(Self.kinds.joined(separator: ", "))")
        }
    }

    private func seccomp(
        _ value: String, _ surroundings: OptionSurroundings,
        _ invalid: (String, String?) -> OptionError
    ) throws -> ContainerSettings.Seccomp {
        switch value {
        case "unconfined": return .unconfined
        case "builtin", "default": return .standard
        default:
            let bytes = try surroundings.content(of: value, for: "--security-opt seccomp")
            if let problem = ContainerSeccomp.problem(in: bytes) {
                throw invalid("Decoding seccomp profile failed: \(problem)", nil)
            }
            return .profile(String(decoding: bytes, as: UTF8.self))
        }
    }
}
