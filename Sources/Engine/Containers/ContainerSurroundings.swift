internal import Sandbox

/// What a container meets on the host when it starts.
struct ContainerSurroundings {
    /// Its control group of this run.
    var controlGroup: String
    /// The host's directory that shows its root file system, writable.
    var rootfs: String
    /// Of that root file system, as they are now.
    var accounts: AccountFiles
    /// Its own name, which may be the host's.
    var hostname: String
    var network: Network
    var namespaces: ContainerNamespaces
    var nameFiles: ContainerRequest.NameFiles
    /// The host's directory that holds a volume's files, by the volume's name.
    var volumePath: (String) throws -> String
}
