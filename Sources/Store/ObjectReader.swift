package import FileTree
internal import ImageSpec
package import LinuxIO
internal import Synchronization

/// Opens objects for those who hand the open files on: nobody can write through them, not even the
/// kernel on behalf of a program that has the file open in passthrough.
package struct ObjectReader: ~Copyable, Sendable {
    private let objects: ReadOnlyDirectory
    private let layout: StoreLayout
    /// Objects without a stamp that were read and found right, where they cannot get one.
    private let verified = Mutex<Set<Digest>>([])

    package init(_ layout: StoreLayout) throws(Errno) {
        objects = try ReadOnlyDirectory(opening: layout.objects)
        self.layout = layout
    }

    /// Opens a content's object. One that somebody has written to since it was stored is read first.
    /// - Throws: `corrupt` if it has another size or other bytes, else `inputOutput` with an Errno as its
    ///   cause.
    package func open(_ content: FileContent) throws(StoreError) -> OwnedDescriptor {
        let path = layout.object(content.digest)
        let status: FileStatus
        do throws(Errno) {
            let file = try objects.open(StoreLayout.objectName(content.digest))
            status = try FileStatus(of: file.rawValue)
            if status.sizeBytes == content.sizeBytes,
                try isTrusted(file.rawValue, status, content, path)
            {
                return file
            }
        } catch {
            let isLost = error == .notFound
            throw StoreError(
                .inputOutput,
                "could not open an object" + (isLost ? "; \(Self.remedy)" : ""), path: path,
                cause: error)
        }
        let fault =
            status.sizeBytes == content.sizeBytes
            ? "other bytes than it was stored with"
            : "\(status.sizeBytes) bytes instead of \(content.sizeBytes)"
        throw StoreError(.corrupt, "an object has \(fault); \(Self.remedy)", path: path)
    }

    private func isTrusted(
        _ file: Int32, _ status: FileStatus, _ content: FileContent, _ path: String
    ) throws(Errno) -> Bool {
        if ObjectStamp.isOn(status, of: content.digest) { return true }
        if verified.withLock({ $0.contains(content.digest) }) { return true }
        guard try ObjectIngest.hash(file) == content else { return false }
        ObjectStamp.put(on: path, status, of: content.digest)
        verified.withLock { verified in
            if verified.count >= Self.verifiedLimit { verified.removeAll() }
            verified.insert(content.digest)
        }
        return true
    }

    private static let verifiedLimit = 10_000

    private static let remedy =
        "\"vitrine fsck\" tells what else is damaged, \"vitrine load\" of its image brings it back"
}
