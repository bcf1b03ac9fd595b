internal import Glibc

/// Where the store and the gallery are when nobody says otherwise.
package enum StoreLocation {
    /// `VITRINE_ROOT`; else `/var/lib/vitrine` for root, `$XDG_DATA_HOME/vitrine` for others.
    package static func root(
        environment: [String: String], isPrivileged: Bool = geteuid() == 0
    ) -> String {
        if let root = environment["VITRINE_ROOT"], !root.isEmpty { return absolute(root) }
        if isPrivileged { return "/var/lib/vitrine" }
        if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") { return data + "/vitrine" }
        return (environment["HOME"] ?? "/tmp") + "/.local/share/vitrine"
    }

    /// `VITRINE_MOUNT`; else `/run/vitrine/gallery` for root, `$XDG_RUNTIME_DIR/vitrine/gallery`.
    package static func gallery(
        environment: [String: String], isPrivileged: Bool = geteuid() == 0
    ) -> String {
        if let mount = environment["VITRINE_MOUNT"], !mount.isEmpty { return absolute(mount) }
        if isPrivileged { return "/run/vitrine/gallery" }
        if let run = environment["XDG_RUNTIME_DIR"], run.hasPrefix("/") {
            return run + "/vitrine/gallery"
        }
        return "/tmp/vitrine-\(geteuid())/gallery"
    }

    /// The path from the working directory, without a trailing slash.
    package static func absolute(_ path: String) -> String {
        var result = path
        if !path.hasPrefix("/") {
            if let current = unsafe getcwd(nil, 0) {
                result = unsafe String(cString: current) + "/" + path
                unsafe free(current)
            }
        }
        while result.count > 1, result.hasSuffix("/") { result.removeLast() }
        return result
    }
}
