/// An option whose value cannot be used.
struct OptionError: Error, Hashable, Sendable {
    /// With its dashes.
    var option: String
    var value: String
    /// In Docker's words, where it has some.
    var reason: String
    /// What would help.
    var hint: String?

    init(_ option: String, _ value: String, _ reason: String, hint: String? = nil) {
        self.option = option
        self.value = value
        self.reason = reason
        self.hint = hint
    }
}

extension OptionError: CustomStringConvertible {
    /// Long values are shortened: they may be anything.
    var description: String {
        let shown = value.count <= 200 ? value : value.prefix(200) + "…"
        let what = "\(option) \"\(shown)\": \(reason)"
        return hint.map { "\(what)\n\($0)" } ?? what
    }
}
