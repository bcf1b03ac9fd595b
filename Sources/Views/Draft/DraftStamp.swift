internal import LinuxIO
internal import Store

/// How the files looked that a draft was read from.
struct DraftStamp: Sendable {
    let place: ContainerPlace
    var journal: FileStatus
    /// By their numbers.
    var files: [(name: [UInt8], status: FileStatus)] = []
    /// A file was changed a moment ago: another change may leave it with the same times.
    var isUnsettled = false
    /// The file that the draft was read from instead: see ``SavedDraft``.
    var saved: FileStatus?

    func isCurrent() -> Bool {
        if isUnsettled { return false }
        if let saved { return (try? FileStatus(ofPath: place.draft))?.isAs(saved) ?? false }
        // What cannot be looked at is not as it was.
        guard let found = try? FileStatus(ofPath: place.journal), found.isAs(journal),
            let directory = try? OwnedDescriptor(opening: place.files, [.readOnly, .directory])
        else { return false }
        return files.allSatisfy { file in
            (try? FileStatus(of: file.name, in: directory.rawValue))?.isAs(file.status) ?? false
        }
    }

    /// How long after a change another one may have the same time. File systems stamp by a clock that
    /// ticks every 10 ms at worst; some keep whole seconds, or two.
    static func settlingNanoseconds(after change: FileTimestamp) -> Int64 {
        change.nanoseconds == 0 ? 2_100_000_000 : 20_000_000
    }
}

extension FileStatus {
    /// Whether the file is the same and nothing tells of a change.
    func isAs(_ other: FileStatus) -> Bool {
        inode == other.inode && device == other.device && sizeBytes == other.sizeBytes
            && modificationTime == other.modificationTime && changeTime == other.changeTime
            && mode == other.mode
    }
}
