internal import LinuxIO
internal import Sandbox

/// `--runtime`: the OCI runtime that a container is to have.
package enum RuntimeName {
    /// What Docker calls runc by, too.
    private static let dockersName = "io.containerd.runc.v2"

    /// The program that a name means; a path means itself.
    /// - Throws: ``EngineError`` `invalid` for one that is not there.
    package static func program(_ name: String) throws(EngineError) -> String {
        let paths =
            name.hasPrefix("/")
            ? [name]
            : RuntimeProbe.searchPath.map { "\($0)/\(name == dockersName ? "runc" : name)" }
        let isPlain = name.hasPrefix("/") || !name.contains("/")
        guard isPlain, !name.isEmpty, let path = paths.first(where: isProgram) else {
            throw EngineError(
                .invalid, "unknown or invalid runtime name: \(name)",
                hint: "it is crun, runc or the absolute path of an OCI runtime")
        }
        return path
    }

    private static func isProgram(_ path: String) -> Bool {
        // What cannot be looked at is none.
        guard let status = try? FileStatus(ofPath: path) else { return false }
        return status.kind == .regular && status.mode & 0o111 != 0
    }
}
