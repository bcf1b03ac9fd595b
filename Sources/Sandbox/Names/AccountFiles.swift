/// The users and groups of an image: its `/etc/passwd` and `/etc/group` (passwd(5), group(5)).
///
/// Lines that do not have the form are left out, whatever the image wants with them.
package struct AccountFiles: Hashable, Sendable {
    package struct User: Hashable, Sendable {
        package var name: String
        package var uid: UInt32
        package var gid: UInt32
        package var home: String
        package var shell: String
    }

    package struct Group: Hashable, Sendable {
        package var name: String
        package var gid: UInt32
        package var members: [String]
    }

    package let users: [User]
    package let groups: [Group]

    /// Nil stands for a file that is not there.
    package init(passwd: [UInt8]?, group: [UInt8]?) {
        users = Self.lines(passwd).compactMap { fields in
            guard fields.count >= 4, !fields[0].isEmpty, let uid = UInt32(fields[2]),
                let gid = UInt32(fields[3])
            else { return nil }
            return User(
                name: fields[0], uid: uid, gid: gid, home: fields.count > 5 ? fields[5] : "",
                shell: fields.count > 6 ? fields[6] : "")
        }
        groups = Self.lines(group).compactMap { fields in
            guard fields.count >= 3, !fields[0].isEmpty, let gid = UInt32(fields[2]) else {
                return nil
            }
            let members = fields.count > 3 ? fields[3].split(separator: ",").map(String.init) : []
            return Group(name: fields[0], gid: gid, members: members)
        }
    }

    private static func lines(_ bytes: [UInt8]?) -> [[String]] {
        (bytes ?? []).split(separator: 0x0A).compactMap { line in
            guard line.first != UInt8(ascii: "#") else { return nil }
            return line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// The number of a group that is given by its name or its number (`--group-add`).
    /// - Throws: `unknownGroup`, `invalidUser` for numbers out of range.
    package func groupNumber(_ text: String) throws(SandboxError) -> UInt32 {
        if let known = groups.first(where: { $0.name == text || String($0.gid) == text }) {
            return known.gid
        }
        return try UserSpecification.number(text, "group", .unknownGroup, "/etc/group")
    }
}
