package import FileTree

/// Contents of files that are no objects of the store.
package protocol ContentSource: Sendable {
    /// Gives the bytes of a content piece by piece, `sizeBytes` in all.
    /// - Returns: false for what is an object of the store.
    func read(_ content: FileContent, _ piece: (Span<UInt8>) throws -> Void) throws -> Bool
}
