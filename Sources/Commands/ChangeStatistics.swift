internal import FileTree
internal import ImageSpec

/// What changed in bytes, a line for each path and one for all (`diff --stat`).
///
///     C /etc/profile        769 → 893         +124
///     A /usr/local/jdk        0 →   0            0
///     D /var/cache     12345678 →   0    -12345678
///     1 added, 1 changed, 1 deleted; +124 -12345678 bytes (+124B -12.3MB)
struct ChangeStatistics {
    private let changes: [Change]

    init(_ changes: some Sequence<Change>) {
        // A directory that only holds changes has none of its own.
        self.changes = changes.filter(\.isOwnChange)
    }

    var text: String {
        let rows = changes.map { change in
            let (old, new) = (change.oldBytes, change.newBytes)
            return (
                path: "\(change.kind.rawValue) \(change.path.visible)", old: String(old),
                new: String(new), difference: Self.difference(old, new)
            )
        }
        func width(_ texts: [String]) -> Int { texts.map(\.count).max() ?? 0 }
        let widths = (
            width(rows.map(\.path)), width(rows.map(\.old)), width(rows.map(\.new)),
            width(rows.map(\.difference))
        )
        var text = ""
        for row in rows {
            text += row.path + Self.blanks(widths.0 - row.path.count) + "   "
            text += Self.blanks(widths.1 - row.old.count) + row.old + " → "
            text += Self.blanks(widths.2 - row.new.count) + row.new + "   "
            text += Self.blanks(widths.3 - row.difference.count) + row.difference + "\n"
        }
        return text + total + "\n"
    }

    private var total: String {
        var (more, less): (UInt64, UInt64) = (0, 0)
        for change in changes {
            let (old, new) = (change.oldBytes, change.newBytes)
            if new > old { more &+= new - old } else { less &+= old - new }
        }
        let counts = [("added", Change.Kind.added), ("changed", .changed), ("deleted", .deleted)]
            .map { name, kind in "\(changes.count { $0.kind == kind }) \(name)" }
        func human(_ bytes: UInt64) -> String { HumanSize.decimal(Int64(clamping: bytes)) }
        return counts.joined(separator: ", ")
            + "; +\(more) -\(less) bytes (+\(human(more)) -\(human(less)))"
    }

    private static func difference(_ old: UInt64, _ new: UInt64) -> String {
        if new > old { return "+\(new - old)" }
        return new < old ? "-\(old - new)" : "0"
    }

    private static func blanks(_ count: Int) -> String { String(repeating: " ", count: count) }
}

extension Change {
    /// A deleted directory is listed alone, and has the bytes of all that was below it.
    var oldBytes: UInt64 {
        guard let old else { return 0 }
        if case .directory(let reference) = old.content {
            return new?.isDirectory == true ? 0 : reference.sizeBytes
        }
        return old.content.bytes
    }

    /// What is below a new directory is listed by itself.
    var newBytes: UInt64 { new?.content.bytes ?? 0 }
}

extension NodeContent {
    fileprivate var bytes: UInt64 {
        switch self {
        case .file(let file): file.sizeBytes
        case .symbolicLink(let target): UInt64(target.count)
        default: 0
        }
    }
}
