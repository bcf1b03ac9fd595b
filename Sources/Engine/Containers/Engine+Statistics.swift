internal import Glibc
internal import LinuxIO
internal import Sandbox
package import Store

/// What a container uses at a moment.
package struct ContainerStatistics: Sendable {
    package var cpuNanoseconds: UInt64 = 0
    package var memoryBytes: UInt64 = 0
    /// Its limit, or what the host has.
    package var memoryLimitBytes: UInt64 = 0
    package var receivedBytes: UInt64 = 0
    package var sentBytes: UInt64 = 0
    package var readBytes: UInt64 = 0
    package var writtenBytes: UInt64 = 0
    package var processes: UInt64 = 0
    /// On a clock that goes on evenly.
    package var moment: ContinuousClock.Instant = .now
}

extension Engine {
    /// What a container uses now.
    ///
    /// The figures are those of its control groups: of a container that has none of its own they are
    /// those of the process that runs it.
    /// - Returns: nil for one that does not run.
    package func statistics(of record: ContainerRecord) -> ContainerStatistics? {
        let state = store.currentState(of: record)
        guard state.isRunning, state.processID > 0,
            let figures = ControlGroupFigures(of: state.processID)
        else { return nil }
        var statistics = ContainerStatistics()
        statistics.cpuNanoseconds = figures.cpuNanoseconds ?? 0
        statistics.memoryBytes = figures.memoryBytes ?? 0
        statistics.memoryLimitBytes = figures.memoryLimitBytes ?? Self.hostMemoryBytes
        statistics.receivedBytes = figures.receivedBytes ?? 0
        statistics.sentBytes = figures.sentBytes ?? 0
        statistics.readBytes = figures.readBytes ?? 0
        statistics.writtenBytes = figures.writtenBytes ?? 0
        statistics.processes = figures.processes ?? 0
        return statistics
    }

    private static var hostMemoryBytes: UInt64 {
        let (pages, size) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
        return pages > 0 && size > 0 ? UInt64(pages) * UInt64(size) : 0
    }
}
