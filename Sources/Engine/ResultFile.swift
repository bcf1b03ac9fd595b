internal import LinuxIO

/// A file in which a command tells other programs what it did.
enum ResultFile {
    /// Writes the file whole or not at all. What is there and no regular file, such as `/dev/stdout`, is
    /// written to and stays.
    static func write(_ bytes: [UInt8], to path: String) throws(Errno) {
        guard let kind = try kind(of: path), kind != .regular else {
            return try HostDirectory.replaceFile(path, with: bytes)
        }
        let file = try OwnedDescriptor(opening: path, [.writeOnly, .truncate])
        try DescriptorIO.writeAll(file.rawValue, bytes)
    }

    /// What is there, a symbolic link as itself; nil for nothing.
    static func kind(of path: String) throws(Errno) -> FileStatus.Kind? {
        do throws(Errno) {
            return try FileStatus(ofPath: path, followsLinks: false).kind
        } catch .notFound {
            return nil
        }
    }
}
