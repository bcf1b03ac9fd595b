/// Who a process runs as, as `USER` and `--user` write it: `user`, `uid`, `user:group`, `uid:gid`.
package struct UserSpecification: Hashable, Sendable {
    /// Empty is root.
    package let user: String
    /// Nil takes the user's own group and further groups.
    package let group: String?

    /// The numbers of a process, and the user's home directory.
    package struct Resolved: Hashable, Sendable {
        package var uid: UInt32
        package var gid: UInt32
        /// The groups the user is a member of besides `gid`.
        package var additionalGroups: [UInt32]
        /// As the image's passwd has it; `/` for users that it does not know.
        package var home: String

        package init(
            uid: UInt32, gid: UInt32, additionalGroups: [UInt32] = [], home: String = "/"
        ) {
            self.uid = uid
            self.gid = gid
            self.additionalGroups = additionalGroups
            self.home = home
        }

        package static let root = Resolved(uid: 0, gid: 0, home: "/root")
    }

    /// - Throws: `invalidUser` for more than one colon and for control characters.
    package static func parse(_ text: String) throws(SandboxError) -> UserSpecification {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw SandboxError(
                .invalidUser, "\"\(text.prefix(100))\" is no user",
                hint: "a user is written like name, name:group, 1000 or 1000:1000")
        }
        let group = parts.count == 2 && !parts[1].isEmpty ? parts[1] : nil
        return UserSpecification(user: parts[0], group: group)
    }

    /// The numbers that the names stand for in the image whose account files are given.
    ///
    /// As Docker: a number needs no entry, and a user without one has the group 0; a group that is
    /// named explicitly replaces all groups of the user.
    /// - Throws: `unknownUser`, `unknownGroup`, `invalidUser` for numbers out of range.
    package func resolve(accounts: AccountFiles) throws(SandboxError) -> Resolved {
        let wantedUser = user.isEmpty ? "0" : user
        let entry = accounts.users.first {
            $0.name == wantedUser || String($0.uid) == wantedUser
        }
        var resolved = Resolved(uid: 0, gid: 0)
        if let entry {
            resolved = Resolved(
                uid: entry.uid, gid: entry.gid, home: entry.home.isEmpty ? "/" : entry.home)
        } else {
            resolved.uid = try Self.number(wantedUser, "user", .unknownUser, "/etc/passwd")
        }
        if let group {
            if let known = accounts.groups.first(where: {
                $0.name == group || String($0.gid) == group
            }) {
                resolved.gid = known.gid
            } else {
                resolved.gid = try Self.number(group, "group", .unknownGroup, "/etc/group")
            }
        } else if let entry {
            resolved.additionalGroups = accounts.groups
                .filter { $0.members.contains(entry.name) && $0.gid != entry.gid }.map(\.gid)
        }
        return resolved
    }

    static func number(
        _ text: String, _ kind: String, _ code: SandboxError.Code, _ file: String
    ) throws(SandboxError) -> UInt32 {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
            throw SandboxError(
                code, "unable to find \(kind) \(text): no matching entries in \(file)",
                hint: "use a number, or a name that the image's \(file) has")
        }
        // Docker's range; the kernel's -1 stays out of reach.
        guard let number = UInt32(text), number <= Int32.max else {
            throw SandboxError(
                .invalidUser, "\(kind) \(text) is out of range: numbers go up to \(Int32.max)")
        }
        return number
    }
}
