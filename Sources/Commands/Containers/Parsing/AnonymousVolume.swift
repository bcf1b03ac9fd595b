internal import Store

/// Volumes that nobody named.
enum AnonymousVolume {
    /// 64 hex digits, as Docker's.
    static func newName() -> String { ContainerID.random().text }
}
