/// `HEALTHCHECK NONE` or `HEALTHCHECK [--interval=…] … CMD COMMAND`
package struct HealthcheckInstruction: Hashable, Sendable {
    /// The shortest duration that Docker takes; zero means its default.
    package static let minimumDuration = Duration.milliseconds(1)

    /// What is run, or nil for `NONE`: no health check, an inherited one included.
    package var command: CommandForm?

    // Nil: not given, or zero; the container engine's default holds.
    package var interval: Duration?
    package var timeout: Duration?
    package var startPeriod: Duration?
    package var startInterval: Duration?

    /// How many failures in a row make a container unhealthy; 0 is the engine's default.
    package var retries: Int

    package init(
        command: CommandForm?, interval: Duration? = nil, timeout: Duration? = nil,
        startPeriod: Duration? = nil, startInterval: Duration? = nil, retries: Int = 0
    ) {
        self.command = command
        self.interval = interval
        self.timeout = timeout
        self.startPeriod = startPeriod
        self.startInterval = startInterval
        self.retries = retries
    }
}
