internal import ArgumentParser
internal import Dockerfile
internal import Store

/// How to see whether a container does its work.
struct HealthOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A command that says so by its code.", valueName: "command"))
    var healthCmd: String?
    @Option(help: ArgumentHelp("The time between two looks (30s).", valueName: "duration"))
    var healthInterval: String?
    @Option(help: ArgumentHelp("How long one may take (30s).", valueName: "duration"))
    var healthTimeout: String?
    @Option(help: ArgumentHelp("Failures in a row that count (3).", valueName: "number"))
    var healthRetries: Int?
    @Option(
        help: ArgumentHelp("How long failures at its start do not count.", valueName: "duration"))
    var healthStartPeriod: String?
    @Option(help: ArgumentHelp("The time between two looks then (5s).", valueName: "duration"))
    var healthStartInterval: String?
    @Flag(help: "Do without the image's health check.") var noHealthcheck = false

    func apply(to settings: inout ContainerSettings) throws {
        let given =
            [
                healthCmd, healthInterval, healthTimeout, healthStartPeriod, healthStartInterval,
            ].contains { $0 != nil } || healthRetries != nil
        if noHealthcheck {
            guard !given else {
                throw OptionError(
                    "--no-healthcheck", "true", "conflicts with --health-* options")
            }
            settings.healthCheck = settings.healthCheck ?? .init(test: [])
            settings.healthCheck?.test = [ContainerSettings.HealthCheckSettings.disabled]
            return
        }
        guard given else { return }
        // Wrong ones are told even where there is no check to set them for.
        var check = settings.healthCheck ?? .init(test: [])
        if let healthCmd, !healthCmd.isEmpty { check.test = ["CMD-SHELL", healthCmd] }
        try set(&check.intervalNanoseconds, healthInterval, "--health-interval")
        try set(&check.timeoutNanoseconds, healthTimeout, "--health-timeout")
        try set(&check.startPeriodNanoseconds, healthStartPeriod, "--health-start-period")
        try set(&check.startIntervalNanoseconds, healthStartInterval, "--health-start-interval")
        if let healthRetries {
            guard healthRetries >= 0 else {
                throw OptionError(
                    "--health-retries", "\(healthRetries)", "it cannot be negative")
            }
            // As Docker: what is 0 is the image's.
            if healthRetries != 0 { check.retries = healthRetries }
        }
        // Without a command there is nothing to look for.
        guard !check.test.isEmpty else { return }
        settings.healthCheck = check
    }

    private func set(_ value: inout Int64, _ text: String?, _ option: String) throws {
        guard let text else { return }
        let duration: Duration
        do {
            duration = try GoDuration.parse(text)
        } catch {
            throw OptionError(option, text, error.message, hint: "write 30s, 1m30s or 500ms")
        }
        let parts = duration.components
        let nanoseconds = parts.seconds * 1_000_000_000 + parts.attoseconds / 1_000_000_000
        guard nanoseconds == 0 || nanoseconds >= 1_000_000 else {
            throw OptionError(
                option, text,
                nanoseconds < 0 ? "it cannot be negative" : "it cannot be less than 1ms")
        }
        // As Docker: what is 0 is the image's.
        if nanoseconds != 0 { value = nanoseconds }
    }
}
