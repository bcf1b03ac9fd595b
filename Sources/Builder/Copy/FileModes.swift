/// What `--chmod` does to permissions: an octal number, or changes as chmod(1) writes them.
struct ModeChange: Hashable {
    private enum Change: Hashable {
        case set(UInt16)
        case symbolic([Clause])
    }

    private struct Clause: Hashable {
        /// The bits of the classes that it is about.
        var classes: UInt16
        var operation: UInt8
        /// `rwx` as their low three bits.
        var permissions: UInt16
        /// `X`: execution, for directories and what somebody may execute already.
        var executesConditionally: Bool
        var setsSpecial: Bool
        var setsSticky: Bool
        /// The class whose permissions are copied: `u`, `g` or `o`.
        var copiedClass: UInt8?
    }

    private let change: Change

    /// - Throws: `invalidArgument`.
    init(parsing text: String) throws {
        if let number = UInt32(text, radix: 8), text.utf8.first != UInt8(ascii: "+") {
            guard number <= 0o7777 else { throw Self.invalid(text) }
            change = .set(UInt16(number))
            return
        }
        var clauses: [Clause] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            clauses += try Self.clauses(of: Array(part.utf8), text)
        }
        change = .symbolic(clauses)
    }

    private static func invalid(_ text: String) -> BuildError {
        BuildError(
            .invalidArgument,
            "invalid chmod parameter: '\(text)'. it should be octal string and between 0 and 07777",
            offending: text, expected: "a mode such as 755, 0644 or u=rwX,go=rX")
    }

    /// `ugoa` any number of times, then `+-=` with permissions at least once.
    private static func clauses(of part: [UInt8], _ text: String) throws -> [Clause] {
        var index = 0
        var classes: UInt16 = 0
        while index < part.count, let bits = classBits(part[index]) {
            classes |= bits
            index += 1
        }
        if classes == 0 { classes = 0o777 }
        var clauses: [Clause] = []
        while index < part.count, "+-=".utf8.contains(part[index]) {
            var clause = Clause(
                classes: classes, operation: part[index], permissions: 0,
                executesConditionally: false, setsSpecial: false, setsSticky: false)
            index += 1
            while index < part.count, !"+-=".utf8.contains(part[index]) {
                switch part[index] {
                case UInt8(ascii: "r"): clause.permissions |= 4
                case UInt8(ascii: "w"): clause.permissions |= 2
                case UInt8(ascii: "x"): clause.permissions |= 1
                case UInt8(ascii: "X"): clause.executesConditionally = true
                case UInt8(ascii: "s"): clause.setsSpecial = true
                case UInt8(ascii: "t"): clause.setsSticky = true
                case let letter where classBits(letter) != nil && letter != UInt8(ascii: "a"):
                    clause.copiedClass = letter
                default: throw invalid(text)
                }
                index += 1
            }
            clauses.append(clause)
        }
        guard index == part.count, !clauses.isEmpty else { throw invalid(text) }
        return clauses
    }

    private static func classBits(_ letter: UInt8) -> UInt16? {
        switch letter {
        case UInt8(ascii: "u"): 0o700
        case UInt8(ascii: "g"): 0o070
        case UInt8(ascii: "o"): 0o007
        case UInt8(ascii: "a"): 0o777
        default: nil
        }
    }

    /// The permissions that a file with these gets.
    func applied(to permissions: UInt16, isDirectory: Bool) -> UInt16 {
        switch change {
        case .set(let value): return value
        case .symbolic(let clauses):
            return clauses.reduce(permissions) { Self.apply($1, to: $0, isDirectory) }
        }
    }

    /// The permissions of directories that are made on the way: those of an octal number, as
    /// mkdir(2) has them with an umask of 022; changes do not count for them.
    var ofMadeDirectories: UInt16? {
        guard case .set(let value) = change else { return nil }
        return value & 0o755
    }

    private static func apply(
        _ clause: Clause, to mode: UInt16, _ isDirectory: Bool
    ) -> UInt16 {
        var bits = clause.permissions
        if clause.executesConditionally, isDirectory || mode & 0o111 != 0 { bits |= 1 }
        switch clause.copiedClass {
        case UInt8(ascii: "u"): bits |= mode >> 6 & 7
        case UInt8(ascii: "g"): bits |= mode >> 3 & 7
        case UInt8(ascii: "o"): bits |= mode & 7
        default: break
        }
        var affected = (bits << 6 | bits << 3 | bits) & clause.classes
        if clause.setsSpecial {
            affected |= (clause.classes & 0o700 != 0 ? 0o4000 : 0)
            affected |= (clause.classes & 0o070 != 0 ? 0o2000 : 0)
        }
        if clause.setsSticky { affected |= 0o1000 }
        switch clause.operation {
        case UInt8(ascii: "+"): return mode | affected
        case UInt8(ascii: "-"): return mode & ~affected
        default: return mode & ~clause.classes | affected
        }
    }
}
