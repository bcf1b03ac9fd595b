/// Which users of the host stand behind a container's when nobody is root: one's own for its root,
/// and the range that /etc/subuid and /etc/subgid grant for the others (subuid(5)).
package struct RootlessMapping: Hashable, Sendable {
    package var users: [RuntimeSpec.IDMapping]
    package var groups: [RuntimeSpec.IDMapping]

    /// Whether only one user and one group exist in the container.
    package var isSingle: Bool { users.count == 1 }

    /// The mapping for a user with these grants.
    ///
    /// Without grants for both users and groups, the container has its root only: commands that
    /// change owners fail there.
    package init(
        uid: UInt32, gid: UInt32, name: String, subordinateUsers: [UInt8],
        subordinateGroups: [UInt8]
    ) {
        users = [RuntimeSpec.IDMapping(containerID: 0, hostID: uid, count: 1)]
        groups = [RuntimeSpec.IDMapping(containerID: 0, hostID: gid, count: 1)]
        guard let userRange = Self.range(in: subordinateUsers, name: name, id: uid),
            let groupRange = Self.range(in: subordinateGroups, name: name, id: uid)
        else { return }
        users.append(userRange)
        groups.append(groupRange)
    }

    /// The first grant of `name:start:count` lines, for the name or the number.
    private static func range(
        in bytes: [UInt8], name: String, id: UInt32
    ) -> RuntimeSpec.IDMapping? {
        for line in bytes.split(separator: 0x0A) {
            let fields = String(decoding: line, as: UTF8.self).split(separator: ":")
            guard fields.count == 3, fields[0] == name || fields[0] == String(id),
                let start = UInt32(fields[1]), let count = UInt32(fields[2]), count > 0
            else { continue }
            return RuntimeSpec.IDMapping(containerID: 1, hostID: start, count: count)
        }
        return nil
    }
}
