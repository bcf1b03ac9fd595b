internal import Sandbox

/// The owner that `--chown`, or `USER` for a working directory, stands for.
struct Ownership: Hashable {
    var userID: UInt32
    var groupID: UInt32

    static let root = Ownership(userID: 0, groupID: 0)

    /// Reads `user`, `user:group`, `uid` or `uid:gid` as BuildKit does: a number alone is the group
    /// too, a name brings the group that the image's passwd gives it.
    /// - Throws: `invalidArgument` for names that the image does not have.
    init(parsing text: String, accounts: () throws -> AccountFiles) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            .map(String.init)
        let user = parts.first ?? ""
        let group = parts.count == 2 ? parts[1] : ""
        if let number = try Self.number(user, in: text) {
            userID = number
            groupID = number
        } else if user.isEmpty {
            userID = 0
            groupID = 0
        } else {
            guard let entry = try accounts().users.first(where: { $0.name == user }) else {
                throw Self.unknown("user", user, "/etc/passwd", in: text)
            }
            userID = entry.uid
            groupID = entry.gid
        }
        guard !group.isEmpty else { return }
        if let number = try Self.number(group, in: text) {
            groupID = number
        } else {
            guard let entry = try accounts().groups.first(where: { $0.name == group }) else {
                throw Self.unknown("group", group, "/etc/group", in: text)
            }
            groupID = entry.gid
        }
    }

    private init(userID: UInt32, groupID: UInt32) {
        self.userID = userID
        self.groupID = groupID
    }

    private static func number(_ text: String, in whole: String) throws -> UInt32? {
        if text == "root" { return 0 }
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        // The last one means none to chown(2).
        guard let number = UInt32(text), number < .max else {
            throw BuildError(
                .invalidArgument, "\(text) is out of range: ids go up to \(UInt32.max - 1)",
                offending: whole)
        }
        return number
    }

    private static func unknown(
        _ kind: String, _ name: String, _ file: String, in text: String
    ) -> BuildError {
        BuildError(
            .invalidArgument, "the image has no \(kind) \"\(name)\" in its \(file)",
            offending: text,
            hint: "create the \(kind) in an earlier step, or use a number")
    }
}
