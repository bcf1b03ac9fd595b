internal import Glibc
internal import LinuxIO

/// Where the store and the gallery are when nobody says otherwise.
package enum StoreLocation {
    /// The process's user, to whom paths and stores belong.
    package struct User: Sendable {
        package var id: UInt32
        /// As the account files have it; nil where they do not.
        package var home: String?
        /// Root of a user namespace (unshare -Ur) to whom the host's directories do not belong.
        package var isGuest: Bool

        package init(id: UInt32, home: String?, isGuest: Bool = false) {
            self.id = id
            self.home = home
            self.isGuest = isGuest
        }

        package static var current: User {
            let id = geteuid()
            let record = unsafe getpwuid(id)
            let home = unsafe record.map { unsafe String(cString: $0.pointee.pw_dir) }
            // Where it is not there, root may make it.
            let owner = (try? FileStatus(ofPath: "/var/lib"))?.userID ?? 0
            return User(id: id, home: home, isGuest: id == 0 && owner != 0)
        }

        fileprivate var isRoot: Bool { id == 0 && !isGuest }
    }

    /// `VITRINE_ROOT`; else `/var/lib/vitrine` for root, `$XDG_DATA_HOME/vitrine` for others.
    /// - Throws: ``EngineError`` `invalid` where the user has no home.
    package static func root(
        environment: [String: String], user: User = .current
    ) throws -> String {
        if let root = environment["VITRINE_ROOT"], !root.isEmpty { return try absolute(root) }
        if user.isRoot { return "/var/lib/vitrine" }
        if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") { return data + "/vitrine" }
        // Never a place that others can take first.
        for home in [environment["HOME"], user.home] {
            if let home, home.hasPrefix("/"), home != "/" { return home + "/.local/share/vitrine" }
        }
        throw EngineError(
            .invalid, "the user \(user.id) has no home directory for a store",
            hint: "name a directory with --root or VITRINE_ROOT")
    }

    /// `VITRINE_MOUNT`; else `/run/vitrine/gallery` for root, `$XDG_RUNTIME_DIR/vitrine/gallery`.
    package static func gallery(
        environment: [String: String], user: User = .current
    ) throws -> String {
        if let mount = environment["VITRINE_MOUNT"], !mount.isEmpty { return try absolute(mount) }
        if user.isRoot { return "/run/vitrine/gallery" }
        if let run = environment["XDG_RUNTIME_DIR"], run.hasPrefix("/") {
            return run + "/vitrine/gallery"
        }
        return "/tmp/vitrine-\(user.id)/gallery"
    }

    /// The path from the working directory, without `.`, `//` and a trailing slash. `..` stays: what
    /// it means depends on links.
    /// - Throws: ``EngineError`` `failed` when a path is relative to a directory that is gone, or whose
    ///   path is not UTF-8.
    package static func absolute(_ path: String) throws -> String {
        var whole = path
        if !path.hasPrefix("/") {
            let directory = try workingDirectory(of: path)
            guard !ArgumentText.isRaw(directory) else {
                throw EngineError(
                    .failed,
                    "\"\(path)\" is relative to the working directory, whose path is not UTF-8: "
                        + ArgumentText.shown(directory),
                    hint: "only \"vitrine cp\" works there; change to a directory above it")
            }
            whole = directory + "/" + path
        }
        return "/" + whole.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    /// The path of the working directory, with all its bytes: see ``ArgumentText``.
    /// - Parameter path: what is relative to it, for messages.
    /// - Throws: ``EngineError`` `failed` when it is gone, or lies outside of the root directory.
    static func workingDirectory(of path: String) throws -> String {
        guard let current = unsafe getcwd(nil, 0) else {
            throw EngineError(
                .failed,
                "\"\(ArgumentText.shown(path))\" is relative to the working directory, which is gone",
                hint: "change to another directory, or give the whole path")
        }
        defer { unsafe free(current) }
        let directory = ArgumentText.text(
            unsafe Array(UnsafeRawBufferPointer(start: current, count: strlen(current))))
        guard directory.hasPrefix("/") else {
            throw EngineError(
                .failed,
                "\"\(ArgumentText.shown(path))\" is relative to the working directory, which is not "
                    + "to be reached from here", hint: "give the whole path")
        }
        return directory
    }

    /// The path that the mount table has for a mount point: all links followed, also on the way to a
    /// mount that does not answer.
    /// - Throws: those of ``absolute(_:)``.
    static func mountPoint(_ path: String) throws -> String {
        let absolute = try absolute(path)
        do throws(Errno) { return try HostDirectory.realPath(absolute) } catch {
            // A mount whose process died, or one of another user's, hides itself but not its place.
            return place(of: absolute)
        }
    }

    /// An absolute path with all links resolved, as far as it is there: runtimes refuse root file
    /// systems that are reached through one.
    package static func resolved(_ absolute: String) -> String {
        if let path = try? HostDirectory.realPath(absolute) { return path }
        guard let slash = absolute.lastIndex(of: "/"), slash != absolute.startIndex else {
            return absolute
        }
        let parent = resolved(String(absolute[..<slash]))
        return (parent == "/" ? "" : parent) + absolute[slash...]
    }

    /// An absolute path with all links on the way to its last name resolved. What is mounted there is
    /// not touched.
    static func place(of absolute: String) -> String {
        guard let slash = absolute.lastIndex(of: "/"), slash != absolute.startIndex,
            !absolute.hasSuffix("/.."),
            let parent = try? HostDirectory.realPath(String(absolute[..<slash]))
        else { return absolute }
        return (parent == "/" ? "" : parent) + absolute[slash...]
    }
}
