package import FileTree
internal import ImageSpec
package import LinuxIO

/// Opens objects for those who hand the open files on: nobody can write through them, not even the
/// kernel on behalf of a program that has the file open in passthrough.
package struct ObjectReader: ~Copyable, Sendable {
    private let objects: ReadOnlyDirectory
    private let layout: StoreLayout

    package init(_ layout: StoreLayout) throws(Errno) {
        objects = try ReadOnlyDirectory(opening: layout.objects)
        self.layout = layout
    }

    /// Opens a content's object. That its bytes are the right ones is not seen here: that they are
    /// as many as they should be is.
    /// - Throws: `corrupt` if it has another size, else `inputOutput` with an Errno as its cause.
    package func open(_ content: FileContent) throws(StoreError) -> OwnedDescriptor {
        let path = layout.object(content.digest)
        let sizeBytes: UInt64
        do throws(Errno) {
            let file = try objects.open(StoreLayout.objectName(content.digest))
            sizeBytes = try FileStatus(of: file.rawValue).sizeBytes
            if sizeBytes == content.sizeBytes { return file }
        } catch {
            let isLost = error == .notFound
            throw StoreError(
                .inputOutput,
                "could not open an object" + (isLost ? "; \(Self.remedy)" : ""), path: path,
                cause: error)
        }
        throw StoreError(
            .corrupt,
            "an object has \(sizeBytes) bytes instead of \(content.sizeBytes); \(Self.remedy)",
            path: path)
    }

    private static let remedy =
        "\"vitrine fsck\" tells what else is damaged, \"vitrine load\" of its image brings it back"
}
