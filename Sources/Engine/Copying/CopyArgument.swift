/// One side of a copy, as it was written: `CONTAINER:PATH`, `IMAGE:PATH`, a path of the host, or `-`.
enum CopyArgument: Hashable, Sendable {
    case stream
    case host(String)
    /// Names and paths that it can mean, the likeliest first: images have colons in their names.
    case place([Split])

    struct Split: Hashable, Sendable {
        var owner: String
        var path: String
    }

    /// Docker's rule: what begins with `/` or `.` is a path of the host, whatever colons it has.
    init(_ text: String) {
        if text == "-" {
            self = .stream
            return
        }
        guard let first = text.firstIndex(of: ":"), !text.hasPrefix("/"), !text.hasPrefix(".")
        else {
            self = .host(text)
            return
        }
        func split(_ colon: String.Index) -> Split {
            Split(
                owner: String(text[..<colon]), path: String(text[text.index(after: colon)...]))
        }
        // No container's name has a colon.
        var splits = [split(first)]
        // Nearly every path begins with a slash, and no tag and no port does.
        if let whole = text.firstRange(of: ":/")?.lowerBound { splits.append(split(whole)) }
        splits += text.indices.filter { text[$0] == ":" }.reversed().map(split)
        var seen: Set<Split> = []
        self = .place(splits.filter { seen.insert($0).inserted })
    }
}
