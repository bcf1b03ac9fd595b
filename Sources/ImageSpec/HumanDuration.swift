/// Durations in words, as Docker's tables print them.
package enum HumanDuration {
    /// "Less than a second", "40 seconds", "About an hour", "3 weeks": go-units' HumanDuration.
    package static func text(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        let minutes = seconds / 60
        let hours = (seconds + 1800) / 3600
        switch true {
        case seconds < 1: return "Less than a second"
        case seconds == 1: return "1 second"
        case seconds < 60: return "\(seconds) seconds"
        case minutes == 1: return "About a minute"
        case minutes < 60: return "\(minutes) minutes"
        case hours == 1: return "About an hour"
        case hours < 48: return "\(hours) hours"
        case hours < 24 * 7 * 2: return "\(hours / 24) days"
        case hours < 24 * 30 * 2: return "\(hours / 24 / 7) weeks"
        case hours < 24 * 365 * 2: return "\(hours / 24 / 30) months"
        default: return "\(seconds / 3600 / 24 / 365) years"
        }
    }

    /// How long `moment` lies back: "2 days ago"; "N/A" for an unknown one.
    package static func ago(_ moment: Timestamp, now: Timestamp) -> String {
        guard !moment.isZero else { return "N/A" }
        return text(.seconds(now.unixSeconds - moment.unixSeconds)) + " ago"
    }
}
