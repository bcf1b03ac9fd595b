internal import FileTree
internal import Foundation
internal import GRDB
internal import ImageSpec
internal import LinuxIO

/// What a verification looked at and found.
package struct VerificationReport: Sendable {
    package var directories = 0
    package var objects = 0
    package var objectBytes: UInt64 = 0
    package var images = 0
    package var layers = 0
    package var volumes = 0
    package var problems: [StoreProblem] = []
    package init() {}
}

/// Reads the whole store and hashes everything again.
///
/// All rows are read in one snapshot, and the collector unlinks nothing meanwhile.
package struct Verifier {
    private let store: Store
    package init(_ store: Store) { self.store = store }

    /// - Parameter readsContent: false only checks that objects are there and have their size.
    package func run(readsContent: Bool = true) throws(StoreError) -> VerificationReport {
        let lock = try store.lockSweep(.shared)
        var check = Check(store: store)
        check = try store.read("the state") { database in
            var check = check
            try check.checkRows(database)
            return check
        }
        try check.checkObjects(readsContent: readsContent)
        check.checkBlobs()
        try check.checkIndex()
        withExtendedLifetime(lock) {}
        return check.report
    }
}

/// One verification.
private struct Check {
    private let store: Store
    private(set) var report = VerificationReport()
    /// What is referred to.
    private let marker = Marker()
    private var images: [(image: ImageRecord, layers: [LayerRecord]?)] = []

    init(store: Store) { self.store = store }

    private mutating func note(
        _ kind: StoreProblem.Kind, _ subject: String, _ message: String
    ) {
        report.problems.append(StoreProblem(kind, subject, message))
    }

    // MARK: - Rows

    mutating func checkRows(_ database: Database) throws {
        let lines = try String.fetchAll(database, sql: "PRAGMA integrity_check")
        for line in lines where line != "ok" {
            note(.database, store.layout.database, line)
        }
        try marker.mark(database)
        try checkDirectories(database)
        try checkLayers(database)
        for (table, subject, kind) in [
            ("cache", "hex(key)", StoreProblem.Kind.brokenCacheEntry),
            ("buildSteps", "build || ' step ' || number", .brokenBuild),
        ] {
            let rows = try Row.fetchCursor(
                database, sql: "SELECT \(subject) AS subject, tree, parentTree FROM \(table)")
            while let row = try rows.next() {
                for column in ["tree", "parentTree"] where (try? Tree(row[column] as Data)) == nil {
                    note(kind, row["subject"], "its \(column) is damaged")
                }
            }
        }
        let trees = try Row.fetchCursor(database, sql: "SELECT * FROM containerTrees")
        while let row = try trees.next() {
            if (try? Tree(row["tree"] as Data)) != nil { continue }  // reported here
            note(.brokenContainer, row["container"], "its tree is damaged")
        }
        for volume in try Row.fetchAll(database, sql: "SELECT * FROM volumes ORDER BY name") {
            report.volumes += 1
            let name: String = volume["name"]
            if (try? VolumeRecord(row: volume)) == nil {  // reported here
                note(.brokenVolume, name, "its row is damaged")
            } else if !HostDirectory.exists(store.layout.volumeData(name)) {
                note(.brokenVolume, name, "its directory is missing")
            }
        }
        for image in try Row.fetchAll(database, sql: "SELECT * FROM images ORDER BY id") {
            guard let record = try? ImageRecord(row: image) else {
                note(.brokenImage, "?", "its row is damaged")
                continue
            }
            // A chain that is not whole is told with the image's config below.
            images.append(
                (
                    record,
                    record.chainID.map { try? LayerRecord.chain(upTo: $0, database) } ?? []
                ))
        }
    }

    /// Hashes every directory, also those that nothing refers to: one that is met again is not
    /// written again.
    private mutating func checkDirectories(_ database: Database) throws {
        let rows = try Row.fetchCursor(database, sql: "SELECT id, encoding FROM directories")
        while let row = try rows.next() {
            report.directories += 1
            guard let id = Digest(row["id"] as Data?) else {
                note(.corruptDirectory, "?", "its row has no digest for a key")
                continue
            }
            let encoding = Array(row["encoding"] as Data)
            if Digest(of: encoding) != id {
                note(.corruptDirectory, "\(id)", "its content has another digest")
            } else if (try? TreeEncoding.decodeDirectory(encoding)) == nil {
                note(.corruptDirectory, "\(id)", "it cannot be read")
            }
        }
        for id in marker.missing.sorted() {
            note(
                .missingDirectory, "\(id)",
                "an image, an entry, a container or a lease refers to it")
        }
    }

    private mutating func checkLayers(_ database: Database) throws {
        let chains = Set(
            try Data.fetchAll(database, sql: "SELECT chainID FROM layers")
                .compactMap { Digest($0) })
        let rows = try Row.fetchCursor(database, sql: "SELECT * FROM layers")
        while let row = try rows.next() {
            report.layers += 1
            guard let stored = Digest(row["chainID"] as Data?),
                let layer = try? LayerRecord(row: row)  // damaged rows are reported here
            else {
                note(.brokenLayer, "?", "its row is damaged")
                continue
            }
            if layer.chainID.digest != stored {
                note(.brokenLayer, "\(stored)", "its chain ID is not its layers'")
            }
            if let parent = layer.parent, !chains.contains(parent.digest) {
                note(.brokenLayer, "\(stored)", "its parent \(parent) is missing")
            }
        }
    }

    // MARK: - Files

    mutating func checkObjects(readsContent: Bool) throws(StoreError) {
        for (digest, size) in marker.objects.sorted(by: { $0.key < $1.key }) {
            checkObject(digest, sizeBytes: size, readsContent: readsContent)
        }
        for index in UInt8.min...UInt8.max {
            let directory = store.layout.objectDirectory(index)
            let names: [[UInt8]]
            do throws(Errno) {
                names = try HostDirectory.names(ofPath: directory)
            } catch {
                throw StoreError(
                    .inputOutput, "could not list the objects", path: directory, cause: error)
            }
            for name in names {
                let text = String(decoding: name, as: UTF8.self)
                guard let digest = store.layout.digest(ofObject: text, in: index) else {
                    note(.strayFile, directory + "/" + text, "not the name of an object")
                    continue
                }
                // What nothing refers to is found again when it is wanted, and must be right.
                if readsContent, marker.objects[digest] == nil {
                    checkObject(digest, sizeBytes: nil, readsContent: true)
                }
            }
        }
    }

    private mutating func checkObject(
        _ digest: Digest, sizeBytes: UInt64?, readsContent: Bool
    ) {
        do throws(Errno) {
            let file = try OwnedDescriptor(
                opening: store.layout.object(digest), [.readOnly, .noFollow])
            let found = try FileStatus(of: file.rawValue).sizeBytes
            report.objects += 1
            report.objectBytes += found
            if let sizeBytes, found != sizeBytes {
                note(.corruptObject, "\(digest)", "\(found) bytes instead of \(sizeBytes)")
            } else if readsContent, try ObjectIngest.hash(file.rawValue).digest != digest {
                note(.corruptObject, "\(digest)", "its content has another digest")
            }
        } catch .notFound {
            // One that nothing refers to may have been removed, by hand.
            if let sizeBytes { note(.missingObject, "\(digest)", "a file of \(sizeBytes) bytes") }
        } catch {
            note(.corruptObject, "\(digest)", "\(error)")
        }
    }

    mutating func checkIndex() throws(StoreError) {
        guard let problem = try store.indexProblem() else { return }
        note(.staleIndex, store.layout.index, problem + "; \"vitrine gc\" writes it again")
    }

    mutating func checkBlobs() {
        for (image, layers) in images {
            report.images += 1
            for (digest, what) in [(image.id.digest, "config"), (image.manifestDigest, "manifest")]
            {
                do throws(StoreError) {
                    _ = try store.blob(digest)
                } catch {
                    note(
                        error.code == .notFound ? .missingBlob : .corruptBlob, "\(digest)",
                        "the \(what) of image \(image.id.digest.short)")
                }
            }
            do throws(StoreError) {
                let config = try store.config(of: image.id).config
                if layers?.map(\.diffID) != config.diffIDs {
                    note(.brokenImage, "\(image.id)", "its layers are not those of its config")
                }
            } catch {
                note(.brokenImage, "\(image.id)", "\(error)")
            }
        }
    }
}
