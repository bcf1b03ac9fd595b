/// How long a download may take, and how often it is tried.
package struct DownloadLimits: Hashable, Sendable {
    /// Name look-up, connection and TLS together; a server on the other side of the world takes one
    /// second.
    package var connect = Duration.seconds(20)
    /// From the request to the answer's head: some servers make the file first.
    package var answer = Duration.seconds(60)
    /// In each such time at least ``minimumBytes`` must arrive: who sends less holds the line.
    package var window = Duration.seconds(30)
    /// 1 KiB in 30 seconds is slower than any link that carries files.
    package var minimumBytes: UInt64 = 1 << 10
    /// As many as curl and browsers follow at least.
    package var redirects = 10
    /// The first one counts: three more after failures that pass.
    package var attempts = 4
    /// Before the second attempt; doubled for each further one.
    package var pause = Duration.milliseconds(500)
    /// A server that asks for more patience is not waited for.
    package var longestPause = Duration.seconds(20)

    package init() {}
}
