internal import Foundation
internal import GRDB
internal import ImageSpec
internal import LinuxIO

extension Store {
    /// Rewrites index.json from the names, so that tools that read OCI layouts see them. It is
    /// written again after a boot, and need not be durable.
    func writeIndex() throws(StoreError) {
        try freeingRoom { () throws(StoreError) in try replaceIndex() }
    }

    private func replaceIndex() throws(StoreError) {
        do {
            let lock = try lockIndex()
            try HostDirectory.replaceFile(
                layout.index, with: try wantedIndex(), durability: .deferred)
            withExtendedLifetime(lock) {}
        } catch {
            throw StoreError(
                .inputOutput, "could not write the index", path: layout.index, cause: error)
        }
    }

    /// What is wrong with index.json; nil when it says what the names say.
    func indexProblem() throws(StoreError) -> String? {
        var problem: String?
        for attempt in 0..<Self.indexAttempts {
            // Somebody may be between the end of a transaction and the index.
            if attempt > 0 { usleep(Self.indexPatienceMicroseconds) }
            problem = try currentIndexProblem()
            if problem == nil { break }
        }
        return problem
    }

    private static let indexAttempts = 4
    private static let indexPatienceMicroseconds: UInt32 = 50_000

    private func currentIndexProblem() throws(StoreError) -> String? {
        do {
            let lock = try lockIndex()
            let wanted = try wantedIndex()
            // One byte more than it may have tells that it has too many.
            let found = try storedIndex(limit: UInt64(wanted.count + 1))
            withExtendedLifetime(lock) {}
            guard let found else { return "it is missing" }
            return found == wanted ? nil : "it does not say what the store's names say"
        } catch {
            throw StoreError(
                .inputOutput, "could not read the index", path: layout.index, cause: error)
        }
    }

    private func storedIndex(limit: UInt64) throws(Errno) -> [UInt8]? {
        do throws(Errno) {
            let file = try OwnedDescriptor(opening: layout.index, .readOnly)
            return try DescriptorIO.bytes(file.rawValue, in: 0..<limit)
        } catch .notFound {
            return nil
        }
    }

    private func lockIndex() throws(Errno) -> OwnedDescriptor {
        let lock = try openLock(layout.indexLock)
        _ = try DescriptorIO.lock(lock.rawValue, .exclusive)
        return lock
    }

    private func wantedIndex() throws -> [UInt8] {
        let manifests = try database.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT names.reference, images.manifest FROM images
                    LEFT JOIN names ON names.image = images.id
                    ORDER BY names.reference, images.id
                    """)
        }
        var descriptors: [Descriptor] = []
        for row in manifests {
            guard let digest = Digest(row["manifest"] as Data?),
                let status = try? FileStatus(ofPath: layout.blob(digest))  // removed meanwhile
            else { continue }
            var annotations: [String: String] = [:]
            if let name = row["reference"] as String? {
                annotations["org.opencontainers.image.ref.name"] = name
            }
            descriptors.append(
                Descriptor(
                    mediaType: .ociManifest, digest: digest,
                    sizeBytes: Int64(clamping: status.sizeBytes), annotations: annotations))
        }
        return ImageIndex(mediaType: .ociIndex, manifests: descriptors).encoded
    }
}
