package import ImageSpec
package import Store

extension ContainerSettings {
    /// What an image says of the containers that are made from it.
    package init(image config: ContainerConfig) {
        self.init()
        command = config.command
        entrypoint = config.entrypoint
        environment = config.environment
        workingDirectory = config.workingDirectory
        user = config.user
        labels = config.labels
        stopSignal = config.stopSignal
        exposedPorts = config.exposedPorts
        healthCheck = config.healthCheck.flatMap(HealthCheckSettings.init(image:))
    }

    /// Adds an anonymous volume for each of the image's that nothing else stands for.
    package mutating func addVolumes(of config: ContainerConfig, newName: () -> String) {
        var taken = Set(mounts.map(\.target))
        for volume in config.volumes.sorted() {
            let target = Self.cleaned(volume)
            // The root cannot be one.
            guard target != "/", taken.insert(target).inserted else { continue }
            mounts.append(
                ContainerMount(.volume(name: newName(), isAnonymous: true), target: target))
        }
    }

    /// A path from the root, as text, as Docker does it.
    private static func cleaned(_ path: String) -> String {
        var names: [Substring] = []
        for name in path.split(separator: "/") where name != "." {
            if name == ".." { _ = names.popLast() } else { names.append(name) }
        }
        return "/" + names.joined(separator: "/")
    }
}

extension ContainerSettings.HealthCheckSettings {
    /// - Returns: nil for a check that says nothing.
    init?(image check: HealthCheck) {
        guard check.test.first == Self.disabled || check.test.count > 1 else { return nil }
        self.init(test: check.test)
        if let interval = check.interval { intervalNanoseconds = interval.nanosecondCount }
        if let timeout = check.timeout { timeoutNanoseconds = timeout.nanosecondCount }
        if let period = check.startPeriod { startPeriodNanoseconds = period.nanosecondCount }
        if let interval = check.startInterval {
            startIntervalNanoseconds = interval.nanosecondCount
        }
        if let retries = check.retries { self.retries = retries }
    }
}

extension Duration {
    /// Centuries fit; what an image says beyond is the longest.
    fileprivate var nanosecondCount: Int64 {
        let (seconds, attoseconds) = components
        let (whole, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflow) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return isTooLong || overflow ? .max : max(0, sum)
    }
}
