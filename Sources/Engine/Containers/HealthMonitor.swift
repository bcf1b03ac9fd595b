internal import Builder
internal import LinuxIO
internal import Sandbox
internal import Store
internal import Synchronization

/// Looks after a container's health while a run lasts, as its `HEALTHCHECK` says.
final class HealthMonitor: Sendable {
    private let supervisor: ContainerSupervisor
    private let settings: ContainerSettings.HealthCheckSettings
    private let isStopped = Monitor(false)

    /// Docker keeps as much of what a check prints.
    private static let maximumOutputBytes = 4096
    private static let keptProbes = 5

    /// - Returns: nil for a container without a check.
    init?(_ supervisor: ContainerSupervisor) {
        guard let settings = supervisor.record.settings.activeHealthCheck else {
            return nil
        }
        self.supervisor = supervisor
        self.settings = settings
        // Without a thread its health stays "starting".
        try? BlockingThread.detach { [self] in watch() }
    }

    func stop() { isStopped.withLock { $0 = true } }

    private func watch() {
        let start = ContinuousClock.now
        let grace = settings.startPeriod
        var hasBeenHealthy = false
        while true {
            let isStarting = !hasBeenHealthy && ContinuousClock.now - start < grace
            let pause = isStarting ? settings.startInterval : settings.interval
            if isStopped.wait(upTo: pause, { $0 ? true : nil }) == true { return }
            guard let probe = look() else { continue }
            if isStopped.withLock({ $0 }) { return }
            // A container may take its time at first.
            let counts = hasBeenHealthy || ContinuousClock.now - start >= grace
            if probe.exitCode == 0 { hasBeenHealthy = true }
            write(probe, counts: counts)
        }
    }

    private func write(_ probe: ContainerState.Probe, counts: Bool) {
        var former: ContainerState.Health?
        var now: ContainerState.Health?
        // A store that cannot be written shows the health of before.
        _ = try? supervisor.store.updateState(of: supervisor.record.id) { state in
            guard state.isRunning else { return }
            former = state.health
            state.probes = Array((state.probes + [probe]).suffix(Self.keptProbes))
            if probe.exitCode == 0 {
                state.failingStreak = 0
                state.health = .healthy
            } else if counts {
                state.failingStreak += 1
                if state.failingStreak >= settings.failuresThatCount { state.health = .unhealthy }
            }
            now = state.health
        }
        if let now, now != former { supervisor.note("health_status: \(now.rawValue)") }
    }

    private var arguments: [String] {
        switch settings.test.first {
        case "CMD-SHELL": ["/bin/sh", "-c"] + settings.test.dropFirst()
        default: Array(settings.test.dropFirst())
        }
    }

    /// - Returns: nil while the container cannot be looked at, such as when it is paused.
    private func look() -> ContainerState.Probe? {
        guard let run = supervisor.presentRun, !run.isPaused else { return nil }
        let began = Store.now()
        do {
            let capture = try ChildProcess.Capture()
            let execution = ControlExecution(
                arguments: arguments, environment: [], workingDirectory: nil, user: nil,
                hasTerminal: false, isPrivileged: false, attachment: nil)
            let start = try run.container.execute(
                try supervisor.request(of: execution, in: run), name: supervisor.newName("health"),
                streams: .init(output: capture.descriptor, error: capture.descriptor))
            let code: Int32
            var text: String
            switch start {
            case .failed(let failure): (code, text) = (1, failure.message)
            case .running(let process):
                let limit = settings.timeout
                let exit = process.wait(upTo: limit)
                if exit == nil {
                    process.kill(SignalName.kill)
                    _ = process.wait()
                }
                let printed = Self.text(capture.content(limit: Self.maximumOutputBytes + 1))
                if let exit {
                    (code, text) = (exit.shellCode, printed)
                } else {
                    // In Docker's words, which scripts look for.
                    text = "Health check exceeded timeout (\(limit.goText))"
                    if !printed.isEmpty { text += ": \(printed)" }
                    code = -1
                }
            }
            return ContainerState.Probe(
                startedAt: began, endedAt: Store.now(), exitCode: code, output: text)
        } catch {
            return ContainerState.Probe(
                startedAt: began, endedAt: Store.now(), exitCode: -1, output: "\(error)")
        }
    }

    /// As Docker keeps it: what is left out is told by dots.
    private static func text(_ output: [UInt8]) -> String {
        String(decoding: output.prefix(maximumOutputBytes), as: UTF8.self)
            + (output.count > maximumOutputBytes ? "..." : "")
    }
}
