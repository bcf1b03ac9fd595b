/// Which users of the host stand behind a container's when nobody is root: one's own for its root,
/// and the range that /etc/subuid and /etc/subgid grant for the others (subuid(5)).
package struct RootlessMapping: Hashable, Sendable {
    package var users: [RuntimeSpec.IDMapping]
    package var groups: [RuntimeSpec.IDMapping]

    /// Whether only one user and one group exist in the container.
    package var isSingle: Bool { users.count == 1 }
}
