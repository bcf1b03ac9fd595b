internal import Foundation
internal import GRDB
internal import ImageSpec
internal import LinuxIO

extension Store {
    /// Rewrites index.json from the names, so that tools that read OCI layouts see them. It is
    /// written again after a boot, and need not be durable.
    func writeIndex() throws(StoreError) {
        do {
            let lock = try OwnedDescriptor(opening: layout.indexLock, [.readWrite, .create])
            _ = try DescriptorIO.lock(lock.rawValue, .exclusive)
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
            let index = ImageIndex(mediaType: .ociIndex, manifests: descriptors)
            try HostDirectory.replaceFile(
                layout.index, with: index.encoded, durability: .deferred)
        } catch {
            throw StoreError(
                .inputOutput, "could not write the index", path: layout.index, cause: error)
        }
    }
}
