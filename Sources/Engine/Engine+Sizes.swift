internal import FileTree
internal import ImageSpec
internal import LinuxIO
package import Store

/// What a container takes, and what it shows.
package struct ContainerSizes: Hashable, Sendable {
    /// What its own files hold, and what commits since its creation made objects of: the size of a
    /// file, or less where holes take nothing.
    package var writableBytes: UInt64
    /// Its image's files, and the above.
    package var virtualBytes: UInt64
    /// The blocks of its own files.
    package var diskBytes: UInt64
}

extension Engine {
    /// What a container takes. Looks at its own files, never at the image's: as fast whatever its
    /// size.
    package func sizes(of container: ContainerRecord) throws -> ContainerSizes {
        var usage = DiskUsage()
        usage.add(store.layout.container(container.id).files)
        var writable = usage.contentBytes
        let lower = try store.trees(of: container.id)
        let image = try store.image(container.image).map { try store.tree(of: $0) } ?? lower.first
        guard let image else {
            return ContainerSizes(
                writableBytes: writable, virtualBytes: writable, diskBytes: usage.diskBytes)
        }
        // A commit moves the container's files among the objects, where they are still its own.
        if lower.count == 1, let base = lower.first, base.directory.id != image.directory.id {
            writable += try changedBytes(from: image, to: base)
        }
        return ContainerSizes(
            writableBytes: writable, virtualBytes: image.directory.sizeBytes + writable,
            diskBytes: usage.diskBytes)
    }
}

/// What `df` says of containers.
package struct ContainerUsage: Sendable {
    package var record: ContainerRecord
    package var state: ContainerState
    package var sizes: ContainerSizes
}

/// What `df` says of volumes.
package struct VolumeUsage: Sendable {
    package var record: VolumeRecord
    /// How many containers have it.
    package var links: Int
    package var sizeBytes: UInt64
    package var diskBytes: UInt64
}

extension Engine {
    /// All containers with their sizes, newest first.
    package func containerUsage() throws -> [ContainerUsage] {
        try store.containers().map { record in
            ContainerUsage(
                record: record, state: store.currentState(of: record), sizes: try sizes(of: record))
        }
    }

    /// All volumes with their sizes, by name.
    package func volumeUsage() throws -> [VolumeUsage] {
        let users = try store.volumeUsers()
        return try store.volumes().map { record in
            let usage = store.usage(ofVolume: record.name)
            return VolumeUsage(
                record: record, links: users[record.name]?.count ?? 0,
                sizeBytes: usage.contentBytes, diskBytes: usage.diskBytes)
        }
    }
}
