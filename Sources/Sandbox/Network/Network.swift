/// What a container sees of the network.
package enum Network: Hashable, Sendable {
    /// The host's network itself. The default of builds, as BuildKit's without CNI: it costs
    /// nothing, where a network of its own costs milliseconds a step.
    case host
    /// A loopback interface and nothing else.
    case none
    /// A network of its own, with a way out through a program that needs no privilege.
    case isolated
    /// The namespace that a path of the host leads to, such as `/proc/PID/ns/net`.
    case joined(path: String)

    /// The network that `--network` names: `default` is the host's for builds, `sandbox` an isolated
    /// one.
    /// - Returns: nil for names that builds do not know.
    package static func forBuild(_ name: String) -> Network? {
        switch name {
        case "", "default", "host": .host
        case "none": Network.none
        case "sandbox": .isolated
        default: nil
        }
    }
}
