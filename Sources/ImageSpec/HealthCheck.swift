/// How to see whether a container does its work (Docker's `HEALTHCHECK`).
package struct HealthCheck: Hashable, Sendable {
    /// Empty inherits, `NONE` disables, `CMD` and arguments, or `CMD-SHELL` and a command line.
    package var test: [String]
    /// Nil is the default, as Docker's zero.
    package var interval: Duration?
    package var timeout: Duration?
    package var startPeriod: Duration?
    package var startInterval: Duration?
    package var retries: Int?
    package var extras: JSONObject

    package init(
        test: [String], interval: Duration? = nil, timeout: Duration? = nil,
        startPeriod: Duration? = nil, startInterval: Duration? = nil, retries: Int? = nil
    ) {
        self.test = test
        self.interval = interval
        self.timeout = timeout
        self.startPeriod = startPeriod
        self.startInterval = startInterval
        self.retries = retries
        self.extras = JSONObject()
    }
}

extension HealthCheck {
    init(json: JSONValue, at path: String) throws(ImageSpecError) {
        var fields = try JSONFields(json, at: path)
        func duration(_ name: String) throws(ImageSpecError) -> Duration? {
            try fields.integer(name).flatMap { $0 == 0 ? nil : .nanoseconds($0) }
        }
        test = try fields.strings("Test") ?? []
        interval = try duration("Interval")
        timeout = try duration("Timeout")
        startPeriod = try duration("StartPeriod")
        startInterval = try duration("StartInterval")
        retries = try fields.integer("Retries").flatMap { $0 == 0 ? nil : Int($0) }
        extras = fields.rest
    }

    var json: JSONValue {
        func nanoseconds(_ duration: Duration?) -> JSONValue? {
            guard let parts = duration?.components else { return nil }
            let total = parts.seconds.multipliedReportingOverflow(by: 1_000_000_000)
            let (sum, overflow) = total.partialValue.addingReportingOverflow(
                parts.attoseconds / 1_000_000_000)
            if total.overflow || overflow { return JSONValue(Int64.max) }
            return sum == 0 ? nil : JSONValue(sum)
        }
        var object = JSONObject()
        object.append("Test", test)
        object.append("Interval", nanoseconds(interval))
        object.append("Timeout", nanoseconds(timeout))
        object.append("StartPeriod", nanoseconds(startPeriod))
        object.append("StartInterval", nanoseconds(startInterval))
        object.append("Retries", retries.map { JSONValue($0) })
        object.append(extras)
        return .object(object)
    }
}
