package import ImageSpec

/// What of an archive is loaded, and within which limits.
package struct LoadOptions: Sendable {
    /// What the image must run on; nil takes the host's where there is a choice.
    package var platform: Platform?
    /// Only the image that the archive calls so; nil takes all.
    package var name: String?
    package var limits = ArchiveLimits()

    package init(platform: Platform? = nil, name: String? = nil) {
        self.platform = platform
        self.name = name
    }
}

/// How far the reading or writing of an archive is.
package struct ArchiveProgress: Hashable, Sendable {
    package enum Step: Hashable, Sendable {
        /// The input comes from a server.
        case downloading
        /// The input is copied to disk uncompressed, or its root file system is read.
        case unpacking
        /// A layer: counted from 1, of all that the archive has, and its diffID.
        case layer(Int, of: Int, DiffID)
        /// A layer is compressed before it is written.
        case compressing(DiffID)
        /// The archive is written.
        case writing
        /// Everything is being made durable and recorded.
        case recording
    }
    package var step: Step
    /// Of this step.
    package var doneBytes: UInt64
    /// Nil where it is not known.
    package var totalBytes: UInt64?

    package init(step: Step, doneBytes: UInt64, totalBytes: UInt64?) {
        self.step = step
        self.doneBytes = doneBytes
        self.totalBytes = totalBytes
    }
}
