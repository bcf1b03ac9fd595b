/// How a container is, as the process that runs it last wrote it down.
///
/// A process that was killed writes nothing: what it says of running holds only while the container's
/// lock is held, see ``Store/currentState(of:)``.
package struct ContainerState: Codable, Hashable, Sendable {
    package enum Status: String, Codable, Sendable {
        case created, running, paused, restarting, exited
        /// Its removal failed half way.
        case dead
    }

    package enum Health: String, Codable, Sendable { case starting, healthy, unhealthy }

    /// One look at its health.
    package struct Probe: Codable, Hashable, Sendable {
        package var startedAt: Int64
        package var endedAt: Int64
        package var exitCode: Int32
        package var output: String

        package init(startedAt: Int64, endedAt: Int64, exitCode: Int32, output: String) {
            self.startedAt = startedAt
            self.endedAt = endedAt
            self.exitCode = exitCode
            self.output = output
        }
    }

    package var status = Status.created
    /// The first process of the container, as the host numbers it; 0 if it does not run.
    package var processID: Int32 = 0
    package var exitCode: Int32 = 0
    /// Nanoseconds since 1970; 0 is never.
    package var startedAt: Int64 = 0
    package var finishedAt: Int64 = 0
    /// Why it could not be started, or what ended it against its will.
    package var error = ""
    package var ranOutOfMemory = false
    package var restartCount = 0
    /// Somebody ended it on purpose: `unless-stopped` heeds that.
    package var wasStopped = false
    package var health: Health?
    package var failingStreak = 0
    /// The last five.
    package var probes: [Probe] = []
    /// Where the ports of the host are that it was given.
    package var publishedPorts: [ContainerSettings.PublishedPort] = []
    /// The host's directory that shows its root file system, writable; empty if none does.
    package var rootfs = ""
    /// The host's directory that is its `/dev/shm`, if other containers may join; else empty.
    package var sharedMemory = ""

    package init() {}

    package var isRunning: Bool {
        switch status {
        case .running, .paused, .restarting: true
        case .created, .exited, .dead: false
        }
    }
}

extension ContainerState {
    /// As a JSON document, for people and their tools.
    package func document() throws -> [UInt8] {
        Array(try ContainerCoding.encode(self)) + [UInt8(ascii: "\n")]
    }
}
