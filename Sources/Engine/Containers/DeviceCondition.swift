/// `--device-cgroup-rule TYPE MAJOR:MINOR ACCESS`, as control groups of version 1 write it.
package struct DeviceCondition: Hashable, Sendable {
    /// `c` or `b`; nil is any.
    package let type: String?
    /// Nil is any.
    package let major: Int64?
    package let minor: Int64?
    /// Of `r`, `w` and `m`.
    package let access: String

    /// - Returns: nil for what is no rule.
    package init?(parsing text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 3, ["a", "b", "c"].contains(words[0]),
            (1...3).contains(words[2].count), words[2].allSatisfy({ "rwm".contains($0) })
        else { return nil }
        let numbers = words[1].split(separator: ":", omittingEmptySubsequences: false)
        guard numbers.count == 2, let major = Self.number(numbers[0]),
            let minor = Self.number(numbers[1])
        else { return nil }
        type = words[0] == "a" ? nil : words[0]
        self.major = major
        self.minor = minor
        access = words[2]
    }

    /// - Returns: a nil within for any, nil for what is no number of a device.
    private static func number(_ text: Substring) -> Int64?? {
        if text == "*" { return .some(nil) }
        guard text.utf8.allSatisfy({ (48...57).contains($0) }), let number = UInt32(text) else {
            return nil
        }
        return .some(Int64(number))
    }
}
