/// `--cpuset-cpus` and `--cpuset-mems`: numbers and ranges, such as `0-2,7`.
enum ProcessorList {
    static func isValid(_ text: String) -> Bool {
        !text.isEmpty
            && text.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { part in
                let bounds = part.split(separator: "-", omittingEmptySubsequences: false)
                let numbers = bounds.compactMap { UInt16($0) }
                return (1...2).contains(bounds.count) && numbers.count == bounds.count
                    && numbers[0] <= numbers[numbers.count - 1]
                    && !part.contains("+")
            }
    }
}
