internal import LinuxIO

extension AccountFiles {
    /// The largest passwd or group file that is read; real ones have some kilobytes.
    private static let maximumBytes = 16 << 20

    /// Those of a root file system that is shown at a directory of the host.
    ///
    /// Its links lead where they would lead in it, and never out of it (openat2(2)). What is no
    /// regular file counts as none.
    package init(ofRoot path: String) throws(SandboxError) {
        func content(_ name: String) throws(Errno) -> [UInt8]? {
            let root = try OwnedDescriptor(opening: path, [.pathOnly, .directory])
            do throws(Errno) {
                let file = try OwnedDescriptor(
                    opening: Array(name.utf8), inRoot: root.rawValue, [.readOnly, .nonBlocking])
                guard try FileStatus(of: file.rawValue).kind == .regular else { return nil }
                return try DescriptorIO.readAll(file.rawValue, limit: Self.maximumBytes)
            } catch {
                // No such file, a link to nothing, or one that leads in circles: nobody is known.
                return nil
            }
        }
        do throws(Errno) {
            self.init(passwd: try content("etc/passwd"), group: try content("etc/group"))
        } catch {
            throw SandboxError(.system, "could not look into \(path): \(error)")
        }
    }
}
