/// How a file system is mounted.
package struct MountOptions: Sendable {
    /// Who may enter the mount besides the user who made it.
    package enum Access: Sendable {
        /// Everyone, where that is allowed (root, or `user_allow_other` in /etc/fuse.conf).
        case everyoneIfAllowed
        case everyone
        case ownerOnly
    }

    /// What the mount table shows as the source.
    package var source: String
    /// The mount table shows `fuse.<subtype>`.
    package var subtype = "vitrine"
    package var access = Access.everyoneIfAllowed
    package var isReadOnly = false
    /// Device nodes work; needs privilege. Off by default: an image is foreign data.
    package var allowsDevices = false
    /// setuid, setgid and file capabilities take effect; needs privilege.
    package var allowsSetID = false
    package var allowsExecution = true
    package var updatesAccessTimes = false
    /// Mounts over a directory that is not empty.
    package var hidesContents = false
    /// Takes a mount whose server is gone away first.
    package var replacesStaleMount = true
    /// How far the kernel reads ahead where it may be set (root); nil leaves the kernel's 128 KiB.
    /// More than 256 KiB gains nothing, and a page fault would wait for all of it.
    package var readAheadBytes: Int? = 256 << 10
    /// How long an idle serving thread asks for the next request before it sleeps; zero never. A
    /// little longer than a halted processor takes to wake (20 to 40 µs), so that a client that just
    /// got its answer finds the thread awake.
    package var spinning = Duration.microseconds(50)
    /// Whether idle processors are kept from halting while requests come, where that pays and is
    /// permitted: see ``Wakefulness``.
    package var keepsProcessorsAwake = true
    package static var canKeepProcessorsAwake: Bool { Wakefulness.isPossible }
    /// How long ``FuseSession/stop()`` lets users of the mount finish before it cuts them off.
    package var stopPatience = Duration.seconds(2)

    /// Mounts through fusermount3 even where mount(2) is permitted; for tests.
    var usesHelper = false

    package init(source: String) { self.source = source }
}
