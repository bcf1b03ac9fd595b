/// What a connection to the kernel was set up with.
package struct ConnectionCapabilities: Sendable, Hashable {
    package enum Passthrough: Sendable, Hashable {
        case available
        /// Why not, in a sentence.
        case unavailable(String)
    }

    /// The minor version of protocol 7 that both sides speak.
    package var protocolMinor: UInt32 = 0
    package var passthrough = Passthrough.unavailable("the connection is not set up")
    package var readDirectoryPlus = false
    package var posixACL = false
    package var parallelDirectoryOperations = false
    package var cachedSymbolicLinks = false
    /// OPEN and OPENDIR can be answered once for all with `ENOSYS`.
    package var openWithoutRequest = false
    package var openDirectoryWithoutRequest = false
    /// The file system drops setuid, setgid and capabilities when told to, which spares the kernel
    /// asking before each write.
    package var clearsSetIDs = false
    package var maximumWriteBytes = 0
    package var maximumReadAheadBytes = 0

    package init() {}
}
