/// Takes what a walk finds, in its order: a directory before what is in it.
protocol CopyReceiver: AnyObject {
    /// What is in it follows.
    func directory(_ entry: CopiedEntry) throws
    func file(_ entry: CopiedEntry, _ content: CopiedContent) throws
    /// A symbolic link, FIFO or device node.
    func node(_ entry: CopiedEntry) throws
    /// A further name of the file that came as `first`.
    /// - Returns: false if it cannot be one here: then it comes as a file.
    func link(_ entry: CopiedEntry, to first: [[UInt8]]) throws -> Bool
    /// Whether a directory is one that the copy itself makes, or goes into.
    func isOwn(_ directory: CopyIdentity) -> Bool
    /// What could not be taken.
    var warnings: CopyWarnings { get }
    /// All has come.
    func finish() throws
}

/// A file, whatever names it has.
struct CopyIdentity: Hashable {
    var device: UInt64
    var inode: UInt64
}
