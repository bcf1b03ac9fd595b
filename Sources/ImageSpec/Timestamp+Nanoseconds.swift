extension Timestamp {
    /// The moment so many nanoseconds after 1970 began, as the store keeps times: 1677 to 2262.
    package init(nanosecondsSinceEpoch value: Int64) {
        let rest = value % 1_000_000_000
        let seconds = value / 1_000_000_000 - (rest < 0 ? 1 : 0)
        let nanoseconds = Int32(rest < 0 ? rest + 1_000_000_000 : rest)
        self = Timestamp(unixSeconds: seconds, nanoseconds: nanoseconds) ?? .epoch
    }
}

extension Timestamp {
    /// Nanoseconds since 1970; the nearest that the store can keep.
    package var nanosecondsSinceEpoch: Int64 {
        let (seconds, overflow) = unixSeconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return unixSeconds < 0 ? .min : .max }
        let (sum, isOver) = seconds.addingReportingOverflow(Int64(nanoseconds))
        return isOver ? .max : sum
    }
}
