internal import ImageSpec
internal import LinuxIO
internal import Store

/// The place of a command among those that end a container and take it up again, or away: they come
/// one after the other.
///
/// A lock of flock(2) on the container's directory, which a killed process lets go of.
struct ContainerQueue: ~Copyable {
    private let directory: OwnedDescriptor

    /// Waits until those before are done. Blocks the thread.
    /// - Throws: ``EngineError`` `notFound` for one that is gone.
    init(_ id: ContainerID, in store: Store) throws {
        directory = try Self.lock(store.layout.container(id).directory, id)
    }

    private static func lock(_ path: String, _ id: ContainerID) throws -> OwnedDescriptor {
        do throws(Errno) {
            let directory = try OwnedDescriptor(opening: path, [.readOnly, .directory])
            _ = try DescriptorIO.lock(directory.rawValue, .exclusive, waits: true)
            return directory
        } catch .notFound {
            throw EngineError(.notFound, "container \(id.short) is no longer there")
        } catch {
            throw EngineError(.failed, "could not lock \(path.visible): \(error)")
        }
    }

    borrowing func leave() { DescriptorIO.unlock(directory.rawValue) }
}
