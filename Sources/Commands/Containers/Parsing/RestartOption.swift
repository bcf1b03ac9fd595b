internal import Dockerfile
internal import Store

/// `--restart no|always|unless-stopped|on-failure[:N]`
struct RestartOption {
    let policy: ContainerSettings.RestartPolicy

    init(parsing text: String) throws {
        func invalid(_ reason: String, _ hint: String? = nil) -> OptionError {
            OptionError(
                "--restart", text, reason,
                hint: hint ?? "write no, always, unless-stopped, on-failure or on-failure:3")
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard let kind = ContainerSettings.RestartPolicy.Kind(rawValue: parts[0]) else {
            throw invalid(
                "invalid restart policy: unknown policy '\(parts[0])'",
                Suggestion.hint(
                    for: parts[0], among: ["no", "always", "unless-stopped", "on-failure"]))
        }
        guard parts.count <= 2 else { throw invalid("invalid restart policy format") }
        guard parts.count == 2 else {
            policy = .init(kind)
            return
        }
        guard kind == .onFailure else {
            throw invalid(
                "invalid restart policy: maximum retry count can only be used with 'on-failure'")
        }
        guard let count = Int(parts[1]), (0...Int(Int32.max)).contains(count) else {
            throw invalid("maximum retry count must be an integer")
        }
        policy = .init(kind, maximumRetries: count)
    }
}
