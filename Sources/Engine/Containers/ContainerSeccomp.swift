internal import ImageSpec
internal import Sandbox

/// Profiles of system calls that a user brings.
package enum ContainerSeccomp {
    /// What is wrong with a profile in Docker's form; nil if nothing is.
    package static func problem(in bytes: [UInt8]) -> String? {
        do {
            _ = try SeccompDocument(parsing: bytes)
            return nil
        } catch {
            return error.message
        }
    }
}
