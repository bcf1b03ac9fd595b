/// A directory that outlives the containers that have it.
package struct VolumeRecord: Hashable, Sendable {
    package var name: String
    /// Made for one container that named none; its name is random.
    package var isAnonymous: Bool
    package var labels: [String: String]
    /// Nanoseconds since 1970.
    package var createdAt: Int64

    package init(
        name: String, isAnonymous: Bool = false, labels: [String: String] = [:],
        createdAt: Int64 = Store.now()
    ) {
        self.name = name
        self.isAnonymous = isAnonymous
        self.labels = labels
        self.createdAt = createdAt
    }

    /// NAME_MAX of every file system that could hold a store.
    private static let maximumNameBytes = 255

    /// Docker's rule, which is that of containers: two characters or more of `[a-zA-Z0-9_.-]`, the
    /// first a letter or a digit.
    package static func isValid(name: String) -> Bool {
        name.utf8.count <= maximumNameBytes && ContainerRecord.isValid(name: name)
    }

    /// A name for a volume that was given none: 64 hex digits, which no other has.
    package static func randomName() -> String { ContainerID.random().text }
}
