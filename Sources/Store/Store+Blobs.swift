internal import FileTree
package import ImageSpec
internal import LinuxIO

extension Store {
    /// Puts the bytes of a config or manifest in place. The caller holds the sweep lock until a row
    /// refers to them; they are durable with the next sync.
    func placeBlob(_ bytes: [UInt8]) throws(StoreError) -> Digest {
        let digest = Digest(of: bytes)
        let path = layout.blob(digest)
        // One that is there may be durable, and stays. One that is damaged is replaced.
        if let found = try? blob(digest), found == bytes { return digest }
        do throws(Errno) {
            try HostDirectory.replaceFile(
                path, with: bytes, permissions: 0o444, durability: .deferred)
        } catch {
            throw StoreError(.inputOutput, "could not store a blob", path: path, cause: error)
        }
        return digest
    }

    /// The bytes of a config or manifest.
    /// - Throws: `notFound`, `corrupt`.
    package func blob(_ digest: Digest) throws(StoreError) -> [UInt8] {
        let path = layout.blob(digest)
        let bytes: [UInt8]
        do throws(Errno) {
            let file = try OwnedDescriptor(opening: path, .readOnly)
            bytes = try DescriptorIO.readAll(file.rawValue, limit: ImageDocumentLimit.maximumBytes)
        } catch {
            throw StoreError(
                error == .notFound ? .notFound : .inputOutput, "could not read blob \(digest)",
                path: path, cause: error)
        }
        guard Digest(of: bytes) == digest else {
            throw StoreError(.corrupt, "blob \(digest) has other content", path: path)
        }
        return bytes
    }

    func openLock(_ path: String) throws(Errno) -> OwnedDescriptor {
        do throws(Errno) {
            return try OwnedDescriptor(opening: path, [.readWrite, .create])
        } catch .readOnly {
            // To be locked it need not be written to.
            return try OwnedDescriptor(opening: path, .readOnly)
        }
    }

    /// Keeps the collector from removing files (shared), or others from storing and finding them
    /// while it does (exclusive).
    func lockSweep(_ mode: DescriptorIO.LockMode) throws(StoreError) -> OwnedDescriptor {
        do throws(Errno) {
            let file = try openLock(layout.sweepLock)
            _ = try DescriptorIO.lock(file.rawValue, mode)
            return file
        } catch {
            throw StoreError(
                .inputOutput, "could not lock the object store", path: layout.sweepLock,
                cause: error)
        }
    }
}
