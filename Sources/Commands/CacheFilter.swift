internal import ArgumentParser
internal import Engine
internal import Store

/// Which cache entries are listed.
enum CacheFilter {
    /// Its instruction begins so.
    case instruction(String)
    /// It was not used for so long.
    case unused(Duration)
    /// Whether a build has used it.
    case used(Bool)

    init(parsing text: String) throws {
        let words = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let value = words.count == 2 ? String(words[1]) : ""
        switch (words[0], value) {
        case ("instruction", _) where !value.isEmpty: self = .instruction(value)
        case ("until", _), ("unused-for", _): self = .unused(try TimeSpan.parse(value))
        case ("inuse", "true"), ("used", "true"): self = .used(true)
        case ("inuse", "false"), ("used", "false"): self = .used(false)
        default:
            throw ValidationError(
                "\"\(text)\" is no filter; write instruction=TEXT, until=TIME or inuse=true")
        }
    }

    /// - Parameter now: nanoseconds since 1970.
    func matches(_ entry: CacheRecord, now: Int64) -> Bool {
        switch self {
        case .instruction(let text): entry.instruction.hasPrefix(text)
        case .unused(let time):
            entry.lastUsedAt < now - time.components.seconds * 1_000_000_000
                - time.components.attoseconds / 1_000_000_000
        case .used(let isUsed): (entry.useCount > 0) == isUsed
        }
    }
}
