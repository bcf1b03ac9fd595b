internal import LinuxIO
internal import Sandbox
internal import Store

extension ContainerRequest {
    /// The mounts of a container, parents before what is below them.
    static func mounts(
        _ settings: ContainerSettings, _ volumePath: (String) throws -> String
    ) throws -> [Mount] {
        func depth(_ path: String) -> Int { path.utf8.count { $0 == UInt8(ascii: "/") } }
        // sort is not stable by contract; targets differ, so their order decides.
        let ordered = settings.mounts.sorted {
            (depth($0.target), $0.target) < (depth($1.target), $1.target)
        }
        return try ordered.map { try mount($0, volumePath) }
    }

    private static func mount(
        _ mount: ContainerSettings.ContainerMount, _ volumePath: (String) throws -> String
    ) throws -> Mount {
        var result: Mount
        switch mount.source {
        case .bind(let path, let isMade):
            result = Mount(
                source: .host(path: path), target: mount.target, kind: try kind(path, isMade),
                isReadOnly: mount.isReadOnly, options: mount.options)
        case .volume(let name, _):
            result = Mount(
                source: .host(path: try volumePath(name)), target: mount.target,
                isReadOnly: mount.isReadOnly, options: mount.options)
        case .memory(let size, let mode):
            // What the user says comes after, and counts.
            var options = ["noexec"]
            if let mode { options.append("mode=\(mode)") }
            result = Mount(
                source: .memory(sizeBytes: size), target: mount.target,
                isReadOnly: mount.isReadOnly, options: options + mount.options)
        }
        result.isRecursive = mount.isRecursive
        if let propagation = mount.propagation { result.propagation = propagation }
        return result
    }

    /// What stands at a path of the host; a directory is made where there is nothing.
    private static func kind(_ path: String, _ isMade: Bool) throws -> MountTarget.Kind {
        do throws(Errno) {
            return try FileStatus(ofPath: path).kind == .directory ? .directory : .file
        } catch .notFound where isMade {
            do throws(Errno) {
                // As a daemon's, whose umask is no caller's.
                try HostDirectory.makeAll(path, ignoresMask: true)
                return .directory
            } catch {
                throw EngineError(
                    .failed, "could not make the directory \(path) for a bind: \(error)")
            }
        } catch .notFound {
            throw EngineError(
                .invalid,
                "invalid mount config for type \"bind\": bind source path does not "
                    + "exist: \(path)",
                hint: "make it, or use --volume, which makes a directory")
        } catch {
            throw EngineError(.failed, "could not look at \(path) for a bind: \(error)")
        }
    }
}
