internal import ImageSpec
internal import LinuxIO

/// What the build cache may take beside images.
package enum CacheBudget: Hashable, Sendable {
    case unlimited
    case bytes(UInt64)
    /// Of the file system that the store is on.
    case percent(Int)

    /// The variable that sets it.
    package static let variable = "VITRINE_CACHE_BUDGET"

    /// A fifth of the disk: room for the steps of some hundred builds on the disks of developers,
    /// and less than would be in the way of what else is on them.
    package static let standard = CacheBudget.percent(20)

    /// Less is no cache, on a disk that has so much twice: the steps of one build may take it.
    private static let leastBytes: UInt64 = 2_000_000_000

    /// `10GB`, `512MiB`, `15%`, `unlimited`.
    /// - Throws: ``EngineError`` `invalid`.
    package init(parsing text: String) throws {
        if text == "unlimited" || text == "none" {
            self = .unlimited
        } else if text.hasSuffix("%"), let share = Int(text.dropLast()), (1...100).contains(share) {
            self = .percent(share)
        } else {
            self = .bytes(try ByteCount.parse(text))
        }
    }

    package init(environment: [String: String]) throws {
        guard let text = environment[Self.variable], !text.isEmpty else {
            self = .standard
            return
        }
        do {
            try self.init(parsing: text)
        } catch {
            throw EngineError(
                .invalid, "\(Self.variable) is \"\(text.visible)\", which is no size",
                hint: "write 10GB, 15% or unlimited")
        }
    }

    /// - Parameter path: of the store.
    /// - Returns: nil for no limit.
    func limit(at path: String) throws -> UInt64? {
        switch self {
        case .unlimited: return nil
        case .bytes(let bytes): return bytes
        case .percent(let share):
            let directory = try OwnedDescriptor(opening: path, [.readOnly, .directory])
            let room = try FileSystemRoom(of: directory.rawValue)
            let whole = room.blocks.multipliedReportingOverflow(by: room.blockSizeBytes)
            let bytes = whole.overflow ? UInt64.max : whole.partialValue
            return max(min(Self.leastBytes, bytes / 2), bytes / 100 * UInt64(share))
        }
    }
}

/// Sizes as people write them.
package enum ByteCount {
    private static let units: [String: UInt64] = [
        "": 1, "b": 1, "k": 1000, "kb": 1000, "m": 1_000_000, "mb": 1_000_000, "g": 1_000_000_000,
        "gb": 1_000_000_000, "t": 1_000_000_000_000, "tb": 1_000_000_000_000, "kib": 1 << 10,
        "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
    ]

    /// `10GB`, `1.5g`, `512MiB`, `1000`: units of a thousand, those with an `i` of 1,024.
    /// - Throws: ``EngineError`` `invalid`.
    package static func parse(_ text: String) throws -> UInt64 {
        let digits = text.prefix { ("0"..."9").contains($0) || $0 == "." }
        let unit = text.dropFirst(digits.count).lowercased()
        guard let factor = units[unit], let number = Double(digits), number.isFinite,
            let bytes = UInt64(exactly: (number * Double(factor)).rounded())
        else {
            throw EngineError(
                .invalid, "\"\(text.visible)\" is no size", hint: "write 512MB, 10GB or 2GiB")
        }
        return bytes
    }
}
