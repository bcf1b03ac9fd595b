/// `--cpus`: a number of processors in billionths, exactly as it is written.
enum CPUCount {
    /// - Returns: nil for what is no decimal number of at most nine digits after the point.
    static func nanoCPUs(_ text: String) -> Int64? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? String(parts[1]) : ""
        let digits = Array(parts[0].utf8) + Array(fraction.utf8)
        guard !digits.isEmpty, digits.allSatisfy({ (48...57).contains($0) }), fraction.count <= 9,
            let whole = parts[0].isEmpty ? 0 : Int64(parts[0]), whole < 1_000_000
        else { return nil }
        let padded = fraction + String(repeating: "0", count: 9 - fraction.count)
        return whole * 1_000_000_000 + (Int64(padded) ?? 0)
    }
}
