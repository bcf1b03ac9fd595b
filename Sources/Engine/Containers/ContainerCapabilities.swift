internal import Sandbox

/// The names of capabilities, as `--cap-add` and `--cap-drop` take them.
package enum ContainerCapabilities {
    /// All that Linux knows, with `CAP_`.
    package static var all: [String] { Capability.all }

    /// The whole name of one that is given in either case, with or without `CAP_`; `ALL` is one.
    /// - Returns: nil for a name that there is not.
    package static func name(_ text: String) -> String? { Capability.name(text) }
}
