internal import LinuxIO
package import Store

/// The file that a new container's ID is left in (`--cidfile`).
package struct ContainerIDFile: Sendable {
    private let path: String

    package init(_ path: String) { self.path = path }

    /// One that is there belongs to another container.
    /// - Throws: ``EngineError`` `invalid`.
    package func check() throws {
        guard !HostDirectory.exists(path) else { throw taken }
        let end = path.lastIndex(of: "/")
        let parent = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        // Better before the container than after it.
        guard (try? FileStatus(ofPath: parent))?.kind == .directory else {
            throw EngineError(
                .invalid, "failed to create the container ID file: there is no directory \(parent)")
        }
    }

    /// Whole or not at all.
    /// - Throws: ``EngineError``.
    package func write(_ id: ContainerID) throws {
        let temporary = "\(path).\(id.short)"
        do throws(Errno) {
            let file = try OwnedDescriptor(
                opening: temporary, [.writeOnly, .create, .exclusive], permissions: 0o644)
            do throws(Errno) {
                try DescriptorIO.writeAll(file.rawValue, Array(id.text.utf8))
                try HostDirectory.renameToNew(temporary, to: path)
            } catch {
                try? HostDirectory.unlink(temporary)  // the first error is the one to report
                throw error
            }
        } catch .exists {
            throw taken
        } catch {
            throw EngineError(
                .failed, "could not write the container's ID to \(path): \(error)",
                hint: "the container is made: \(id.short)")
        }
    }

    private var taken: EngineError {
        EngineError(
            .invalid,
            "container ID file found, make sure the other container isn't running or "
                + "delete \(path)")
    }
}
