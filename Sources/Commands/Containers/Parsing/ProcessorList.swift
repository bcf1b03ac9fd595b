internal import Foundation

/// `--cpuset-cpus` and `--cpuset-mems`: numbers and ranges, such as `0-2,7`.
enum ProcessorList {
    static func isValid(_ text: String) -> Bool { numbers(text) != nil }

    /// - Returns: nil for what is no such list.
    static func numbers(_ text: String) -> Set<UInt16>? {
        var all: Set<UInt16> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let bounds = part.split(separator: "-", omittingEmptySubsequences: false)
            let numbers = bounds.compactMap { UInt16($0) }
            guard (1...2).contains(bounds.count), numbers.count == bounds.count,
                numbers[0] <= numbers[numbers.count - 1], !part.contains("+")
            else { return nil }
            all.formUnion(numbers[0]...numbers[numbers.count - 1])
        }
        return all
    }

    /// The processors that containers may use; nil on a host that does not tell.
    static var processors: String? {
        first(["/sys/fs/cgroup/cpuset.cpus.effective", "/sys/devices/system/cpu/online"])
    }

    /// The same of memory nodes.
    static var memoryNodes: String? {
        first(["/sys/fs/cgroup/cpuset.mems.effective", "/sys/devices/system/node/online"])
    }

    private static func first(_ paths: [String]) -> String? {
        for path in paths {
            // A kernel without control groups, or without nodes, has no such file.
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { continue }
            let list = text.trimmingCharacters(in: .whitespacesAndNewlines)
            if !list.isEmpty { return list }
        }
        return nil
    }
}
